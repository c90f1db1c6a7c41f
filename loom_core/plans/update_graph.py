"""The end of a training step: gradient norms, clipping, the guard, and all updates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.ops.updates import HYPER
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.trained_weights import TrainedWeight
from loom_core.optimize.weight_update import StepNumbers


def emit_updates(
    graph: GraphBuilder, optimizer: Optimizer, gradients: Mapping[TrainedWeight, Value], loss: Value
) -> dict[str, Value]:
    """Emit the updates of weights by their gradients, and of the statistics that layers track.

    Args:
        graph: Holds the gradients.
        optimizer: Whose update, and whose state and guard.
        gradients: Each weight's gradient, at least one; norms come in this order.
        loss: A scalar that has to be finite for the step to happen.

    Returns:
        Ports: ``hyper`` (8,) and ``limit`` () in (a limit of 0 clips nothing); ``norms`` (n,) of
        squares, ``norm`` () and ``halted`` (1,) out.
    """
    hyper = graph.input("hyper", (len(HYPER),))
    limit = graph.input("limit", ())
    halted = graph.parameter(optimizer.halted, "halted")
    with graph.segment("update"):
        norms = graph.emit("squared_norms", *gradients.values())
        scale, norm = graph.emit_all("step_scale", loss, norms, limit, halted)
        step = StepNumbers(graph, hyper, scale)
        for weight, gradient in gradients.items():
            optimizer.emit(step, weight, gradient)
        for tracked in graph.tracked:
            statistic = graph.parameter(tracked.array, "statistic")
            shares = np.zeros(len(HYPER), np.float32)
            shares[HYPER.index("fresh")] = tracked.share
            numbers = (graph.constant(shares), scale)
            graph.emit_update("running_mean", statistic, tracked.observed, *numbers, share="fresh")
    return {"hyper": hyper, "limit": limit, "norms": norms, "norm": norm, "halted": halted}
