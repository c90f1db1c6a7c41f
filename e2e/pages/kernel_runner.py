"""Runs inside the browser's Python: the kernels on its GPU, against NumPy.

Beside it lie the modules of ``tests`` that hold the cases. ``failures`` is awaited by the page.
"""

import functools

import tolerances
from device_nodes import node_steps
from kernel_cases import KERNEL_CASES, nodes_with_inputs
from update_cases import SCALE_CASES, UPDATE_CASES

from loom_core.backends.webgpu_backend import open_backend


async def finished(generator):
    """Run a cooperative generator to its end, waiting for the browser where it does."""
    while True:
        try:
            wait = next(generator)
        except StopIteration as end:
            return end.value
        if not isinstance(wait, bool):
            await wait


async def failures(op):
    """Return what is wrong with the kernel of an op, and how many nodes were tried."""
    backend = await finished(open_backend())
    wrong, tried = [], 0
    for name, node, inputs, expected in nodes():
        if node.op.name != op:
            continue
        found = await finished(node_steps(node, inputs, backend.device))
        tried += 1
        try:
            tolerances.assert_op_close(op, found, expected)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    return wrong, tried


@functools.cache
def nodes():
    """Return (case, node, inputs, expected) of every node in all cases."""
    of_ops = [(case.id, *found) for case in KERNEL_CASES for found in nodes_with_inputs(case)]
    cases = (*UPDATE_CASES, *SCALE_CASES)
    return of_ops + [(case.id, case.node(), case.inputs(), case.expected()) for case in cases]
