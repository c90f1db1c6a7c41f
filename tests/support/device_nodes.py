"""One node at a time on any WebGPU device: a generator, as reading takes time in a browser."""

from collections.abc import Generator

import numpy as np

from loom_core.backends.webgpu.device import Device
from loom_core.backends.webgpu.program import WebGpuProgram
from loom_core.backends.webgpu.residents import Residents
from loom_core.backends.webgpu.self_check import node_plan
from loom_core.cooperative import Wait
from loom_core.graph.op import Node


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
    program = WebGpuProgram(node_plan(node), device, Residents(device))
    ports = program.plan.ports
    try:
        for i, x in enumerate(inputs):
            program.write(f"x{i}", np.asarray(x, np.float32))
        for i, output in enumerate(node.outputs):  # what a kernel leaves out shows as NaN
            program.write(f"y{i}", np.full(output.shape, np.nan, np.float32))
        program.queue()
        after = yield from program.fetch(list(ports))
    finally:
        program.release()
    for i, x in enumerate(inputs):
        if i not in node.op.updates:
            np.testing.assert_array_equal(after[f"x{i}"], np.asarray(x, np.float32))
    changed = [after[f"x{i}"] for i in node.op.updates]
    return [*(after[f"y{i}"] for i in range(len(node.outputs))), *changed]
