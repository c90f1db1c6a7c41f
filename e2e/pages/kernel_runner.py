"""Runs inside the browser's Python: the kernels on its GPU, against NumPy.

Beside it lie the modules of ``tests`` that hold the cases. ``failures`` is awaited by the page.
"""

import functools
from dataclasses import replace

from loom_core.backends.webgpu.kernels import convolution, linear
from loom_core.backends.webgpu_backend import open_backend
from tests.support import tolerances
from tests.support.device_nodes import node_steps
from tests.support.kernel_cases import KERNEL_CASES, nodes_with_inputs
from tests.support.product_cases import BEYOND_TILES
from tests.support.update_cases import SCALE_CASES, UPDATE_CASES


async def finished(generator):
    """Run a cooperative generator to its end, waiting for the browser where it does."""
    while True:
        try:
            wait = next(generator)
        except StopIteration as end:
            return end.value
        if not isinstance(wait, bool):
            await wait


async def failures(op, software):
    """Return what is wrong with an op's kernel of one kind, and how many nodes were tried."""
    return await tried([found for found in nodes() if found[1].op.name == op], software)


async def product_failures(software, every):
    """Return the same of every so many-th product."""
    ours = linear.ENCODERS.keys() | convolution.ENCODERS.keys()
    cases = BEYOND_TILES[::every]
    found = [(case.id, *found) for case in cases for found in nodes_with_inputs(case)]
    return await tried([each for each in found if each[1].op.name in ours], software)


async def tried(found, software):
    """Run nodes by the kernels for software or hardware; return what is wrong, and their number."""
    backend = await finished(open_backend())
    device, own = backend.device, backend.device.adapter
    device.adapter = replace(own, software=software)
    try:
        return await compared(found, device), len(found)
    finally:
        device.adapter = own


async def compared(found, device):
    """Return what is wrong with these nodes on a device."""
    wrong = []
    for name, node, inputs, expected in found:
        made = await finished(node_steps(node, inputs, device))
        try:
            tolerances.assert_op_close(node.op.name, made, expected)
        except AssertionError as error:
            wrong.append(f"{name}, {node.op.name}: {error}")
    return wrong


@functools.cache
def nodes():
    """Return (case, node, inputs, expected) of every node in all cases."""
    of_ops = [(case.id, *found) for case in KERNEL_CASES for found in nodes_with_inputs(case)]
    cases = (*UPDATE_CASES, *SCALE_CASES)
    return of_ops + [(case.id, case.node(), case.inputs(), case.expected()) for case in cases]
