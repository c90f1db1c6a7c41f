"""One node at a time on any WebGPU device: a generator, as reading takes time in a browser."""

from collections.abc import Generator

import numpy as np

from loom_core.backends.webgpu.device import Device
from loom_core.backends.webgpu.program import WebGpuProgram
from loom_core.backends.webgpu.residents import Residents
from loom_core.graph.builder import GraphBuilder, Node
from loom_core.graph.plan import make_plan
from loom_core.public import Wait


def node_steps(
    node: Node, inputs: list[np.ndarray], device: Device
) -> Generator[Wait, None, list[np.ndarray]]:
    """Run one node by its kernel.

    Args:
        node: From a graph.
        inputs: Arrays, float32.
        device: Where.

    Returns:
        The outputs, then the inputs that the op changes.
    """
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", x.shape) for i, x in enumerate(node.inputs)]
    outputs = graph.emit_all(node.op.name, *values, **node.attributes)
    ports = {value.name: value for value in values}
    ports |= {f"y{i}": output for i, output in enumerate(outputs)}
    program = WebGpuProgram(make_plan(graph.graph, ports), device, Residents(device))
    try:
        for value, x in zip(values, inputs, strict=True):
            program.write(value.name, np.asarray(x, np.float32))
        for i, output in enumerate(outputs):  # what a kernel leaves out shows as NaN
            program.write(f"y{i}", np.full(output.shape, np.nan, np.float32))
        program.queue()
        after = yield from program.fetch(list(ports))
    finally:
        program.release()
    for number, (value, x) in enumerate(zip(values, inputs, strict=True)):
        if number not in node.op.updates:
            np.testing.assert_array_equal(after[value.name], np.asarray(x, np.float32))
    changed = [after[values[number].name] for number in node.op.updates]
    return [*(after[f"y{i}"] for i in range(len(outputs))), *changed]
