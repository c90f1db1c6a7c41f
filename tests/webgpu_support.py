"""One node at a time on the native WebGPU device, and the device that the tests share."""

import functools
import os
import tempfile

import numpy as np

from loom_core.backends.webgpu.device import Device
from loom_core.backends.webgpu.program import WebGpuProgram
from loom_core.backends.webgpu.residents import Residents
from loom_core.backends.webgpu_backend import WebGpuBackend, open_backend
from loom_core.graph.builder import GraphBuilder, Node
from loom_core.graph.plan import make_plan
from loom_core.public import finish

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # else the driver complains


@functools.cache
def backend() -> WebGpuBackend:
    """Return the backend of this process; a machine without an adapter fails the test."""
    return finish(open_backend())


def device() -> Device:
    """Return the device that all tests share."""
    return backend().device


def run_node(node: Node, inputs: list[np.ndarray], on: Device | None = None) -> list[np.ndarray]:
    """Run one node by its kernel.

    Args:
        node: From a graph.
        inputs: Arrays, float32.
        on: Another device than the shared one.

    Returns:
        The outputs, then the inputs that the op changes.
    """
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", x.shape) for i, x in enumerate(node.inputs)]
    outputs = graph.emit_all(node.op.name, *values, **node.attributes)
    ports = {value.name: value for value in values}
    ports |= {f"y{i}": output for i, output in enumerate(outputs)}
    on = on or device()
    program = WebGpuProgram(make_plan(graph.graph, ports), on, Residents(on))
    try:
        for value, x in zip(values, inputs, strict=True):
            program.write(value.name, np.asarray(x, np.float32))
        for i, output in enumerate(outputs):  # what a kernel leaves out shows as NaN
            program.write(f"y{i}", np.full(output.shape, np.nan, np.float32))
        program.run()
        after = [program.read(value.name) for value in values]
        found = [program.read(f"y{i}") for i in range(len(outputs))]
    finally:
        program.release()
    for number, (x, read) in enumerate(zip(inputs, after, strict=True)):
        if number not in node.op.updates:
            np.testing.assert_array_equal(read, np.asarray(x, np.float32), "an input was changed")
    return found + [after[number] for number in node.op.updates]
