"""Losses in a training graph: value, and where the backward pass starts."""

from __future__ import annotations

import numpy as np

from loom_core.arrays import F32
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.ops import OPS


def emit_loss(
    graph: GraphBuilder, name: str, y: Value, t: Value
) -> tuple[Value, dict[Value, Value]]:
    """Emit a loss of the network's output.

    Cross-entropy of a softmax is computed from the scores before the softmax: the same value and
    gradient, without the logarithm of a rounded probability.

    Args:
        graph: Holds the forward nodes.
        name: ``"mse"`` or ``"cross_entropy"``.
        y: (B, O) output.
        t: (B, O) target.

    Returns:
        The scalar loss, and the gradients that the backward pass starts from.
    """
    producer = graph.producer(y)
    if name == "cross_entropy" and producer is not None and producer.op.name == "softmax":
        (scores,) = producer.inputs
        if scores.shape == t.shape and not producer.attributes["causal"]:
            loss, dz = graph.emit_all(
                "softmax_cross_entropy",
                scores,
                t,
                temperature=producer.attributes["temperature"],
            )
            return loss, {scores: dz}
    loss, dy = graph.emit_all(name, y, t)
    return loss, {y: dy}


def loss_and_gradient(name: str, y: F32, t: F32) -> tuple[float, F32]:
    """Return a loss of outputs that are already there, and its gradient: the op, run once."""
    loss, dy = np.zeros((), np.float32), np.empty_like(y)
    OPS[name].compute([y, t], [loss, dy], OPS[name].attributes)
    return float(loss), dy


def loss_value(name: str, y: F32, t: F32) -> float:
    """Return a loss of outputs that are already there."""
    return loss_and_gradient(name, y, t)[0]
