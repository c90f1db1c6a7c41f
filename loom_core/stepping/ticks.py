"""One tick of a network, forward and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core import limits
from loom_core.arrays import F32, element_count
from loom_core.checks import positive
from loom_core.errors import ShapeError
from loom_core.running import NetworkGrid
from loom_core.stepping.step_state import StepState, require_layer_count
from loom_core.stepping.tick_graph import tick_plan
from loom_core.stepping.trails import Trails
from loom_core.train.backward import add_gradients


def begin(network: NetworkGrid, input_size: int) -> StepState:
    """Return the state of a network in which nothing has happened yet; see InitStepState."""
    size = positive(input_size, "input_size")
    limits.require_within(size, limits.PLAN_BYTES, "the input of a step state")
    like = np.broadcast_to(np.float32(0), (size,))  # no memory: only its size is read
    network.require_weights()
    batch, width = network.split_batch(like, "the input of a step state")
    return StepState(Trails(network.layers, batch, width))


def tick(network: NetworkGrid, state: StepState, chosen: Sequence[int]) -> None:
    """Run the chosen layers on the present values, all at the same time."""
    trails = state.trails
    require_layer_count(len(trails.shapes) - 1, len(network.layers))
    watched = network.listening(state.step_count)
    program = network.prepared(
        (("tick", *chosen), trails.shapes, watched),  # a kind for each choice of layers
        lambda: tick_plan(network.layers, trails.shapes, chosen, watched=watched),
    )
    ports = program.plan.ports
    for name in ports:
        if name.startswith("value."):
            _, index, place = name.split(".")
            program.write(name, trails.earlier(int(index), int(place)))
    program.run()
    if "input" in ports:
        network.tell_tick(program, chosen, state.step_count)
    trails.follow(
        [
            (index, np.asarray(program.read(f"made.{index}"), np.float32))
            if f"made.{index}" in ports
            else (index, trails.value(index))
            for index in chosen
        ]
    )


def add_step_gradients(network: NetworkGrid, state: StepState, dy: F32) -> F32:
    """Do what StepBackward does, in a training or outside."""
    expected = element_count(state.trails.shapes[-1])
    if dy.size != expected:
        raise ShapeError(f"the gradient of the output has {dy.size} numbers, the output {expected}")
    origin = state.trails.origin()
    if origin is None:
        network.gradients.begin()
        return np.zeros(element_count(state.trails.shapes[0]), np.float32)
    return add_gradients(network, origin, dy, state.step_count - 1).reshape(-1)
