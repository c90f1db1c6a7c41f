"""One step by gradients that backward passes have left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.checks import finite_number
from loom_core.errors import NonFiniteError, SpecError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import Plan, make_plan
from loom_core.layers import Layer
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.trained_weights import trained_weights
from loom_core.plans.gradient_sums import GradientSums
from loom_core.plans.update_graph import emit_updates
from loom_core.running import NetworkGrid


def apply_plan(layers: Sequence[Layer], sums: GradientSums, optimizer: Optimizer) -> Plan:
    """Plan one update of all weights by the gradients in ``sums``; ports as emit_updates says."""
    graph = GraphBuilder()
    gradients = {
        weight: graph.parameter(sums.of(weight.array), "gradient")
        for weight in trained_weights(layers)
    }
    loss = graph.constant(np.zeros((), np.float32))
    return make_plan(graph.graph, emit_updates(graph, optimizer, gradients, loss))


def apply_gradients(
    network: NetworkGrid, optimizer: Optimizer, learning_rate: float, limit: float = 0.0
) -> float:
    """Change the weights by the gradients of the backward passes so far.

    Args:
        network: Its gradients stay readable; the next backward pass starts from zero.
        optimizer: Its state advances by one step.
        learning_rate: Finite, at least 0.
        limit: Largest norm over all gradients, to which larger ones are scaled; 0 does not clip.

    Returns:
        The norm over all gradients, before clipping; 0 where nothing is trained.

    Raises:
        SpecError: There was no backward pass, the rate is not allowed, or the optimizer serves
            another network.
        NonFiniteError: A gradient is NaN or infinite; nothing has changed.
    """
    rate = finite_number(learning_rate, "the learning rate")
    if not network.gradients.filled:
        raise SpecError("there are no gradients to apply", hint="Call BackwardCPU first.")
    if not any(True for layer in network.layers for _ in layer.trained_weights()):
        return 0.0
    optimizer.serve(network)
    program = network.prepared(
        ("apply", *optimizer.plan_key()),
        lambda: apply_plan(network.layers, network.gradients, optimizer),
    )
    program.write("hyper", optimizer.hyper(optimizer.steps_done + 1, rate))
    program.write("limit", np.asarray(limit, np.float32))
    program.run()
    if program.read("halted")[0]:
        optimizer.halted.fill(0)
        bad = [
            f"{network.layer_name(weight.index)} {weight.name}"
            for weight, norm in zip(
                trained_weights(network.layers), program.read("norms"), strict=True
            )
            if not np.isfinite(norm)
        ]
        raise NonFiniteError(
            f"the gradient of {', '.join(bad) or 'all weights together'} is NaN or infinite",
            hint="Lower the learning rate or clip the gradients. Nothing has changed.",
        )
    optimizer.steps_done += 1
    network.gradients.used = True
    return float(program.read("norm"))
