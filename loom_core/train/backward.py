"""A backward pass through a network, whose gradients are added to the sums."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from loom_core.arrays import F32
from loom_core.backends.base import Backend
from loom_core.cooperative import Wait, finish
from loom_core.errors import ShapeError
from loom_core.plans.gradient_graph import gradient_plan
from loom_core.running import NetworkGrid


def add_gradients(network: NetworkGrid, x: F32, dy: F32, step: int | None = None) -> F32:
    """Add the weights' gradients at an input (B, I) to the sums; return the input's (B, I).

    Args:
        network: The network.
        x: The input.
        dy: Gradient of the output, as many numbers.
        step: Number of the tick, from 0, where the network runs tick by tick; for observers.

    Raises:
        ShapeError: ``dy`` has another size than the output.
    """
    return finish(gradient_steps(network, x, dy, step=step))


def gradient_steps(
    network: NetworkGrid, x: F32, dy: F32, backend: Backend | None = None, step: int | None = None
) -> Generator[Wait, None, F32]:
    """Do what add_gradients does, on any backend.

    On another than the network's own, observers are told nothing.
    """
    batch, width = x.shape
    watched = backend is None and network.listening(step or 0)
    program = network.prepared(
        ("gradients", batch, width, watched),
        lambda: gradient_plan(network.layers, batch, width, network.gradients, watched=watched),
        backend,
    )
    expected = program.plan.ports["output_gradient"].shape
    if dy.size != expected[0] * expected[1]:
        raise ShapeError(
            f"the gradient of the output has {dy.size} numbers, "
            f"the output of {batch} samples has {batch} x {expected[1]}",
            hint="Pass one number for each number that ForwardCPU returned.",
        )
    program.write("input", x)
    program.write("output_gradient", dy)
    network.gradients.begin()
    program.queue()
    yield from program.settle()
    network.tell_backward(program, step)
    if "input_gradient" not in program.plan.ports:
        return np.zeros_like(x)
    found = yield from program.fetch(("input_gradient",))
    return np.asarray(found["input_gradient"], np.float32)
