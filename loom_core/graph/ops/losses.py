"""Losses: each op gives the value and the gradient with respect to the prediction in one pass.

A loss ends the graph, so its gradient is an output instead of a rule; the training graph starts
from there (:mod:`loom_core.optimize.losses`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, NoGradient, Op, number
from loom_core.graph.ops.elementwise import elementwise_cost

PROBABILITY_FLOOR = 1e-7
"""Below this probability cross-entropy goes on as the tangent of -ln, so that its gradient stays
finite and never vanishes (Loom clamps the value there and keeps the same slope)."""


def _loss_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    y, t = shapes
    if y != t:
        raise ShapeError(f"the target has shape {t}, the output {y}")
    return ((), y)


def _mse(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """L = mean((y - t)^2) over all elements; dy = 2 (y - t) / n."""
    y, t = inputs
    loss, dy = outputs
    np.subtract(y, t, out=dy)
    loss[...] = np.mean(dy * dy)
    np.multiply(dy, 2.0 / max(y.size, 1), out=dy)


def _cross_entropy(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """L = -sum(t ln p) / B, linear below the floor; dp = -t / max(p, floor) / B."""
    p, t = inputs
    loss, dp = outputs
    batch = p.shape[0]
    safe = np.maximum(p, PROBABILITY_FLOOR)
    logs = np.log(safe) + (p - safe) / PROBABILITY_FLOOR
    loss[...] = -np.sum(t * logs) / batch
    np.divide(t, safe * -float(batch), out=dp)


def _softmax_cross_entropy(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """L = -sum(t ln softmax(z/T)) / B without forming the logarithm of a probability.

    dz = (sum(t) softmax(z/T) - t) / (B T), with sums along each row.
    """
    z, t = inputs
    loss, dz = outputs
    temperature = number(attributes, "temperature")
    batch = z.shape[0]
    np.divide(z, temperature, out=dz)
    np.subtract(dz, dz.max(axis=-1, keepdims=True), out=dz)
    target_scores = np.sum(t * dz)
    np.exp(dz, out=dz)
    sums = dz.sum(axis=-1, keepdims=True)
    target_mass = t.sum(axis=-1, keepdims=True)
    loss[...] = (np.sum(target_mass * np.log(sums)) - target_scores) / batch
    np.multiply(dz, target_mass / sums, out=dz)
    np.subtract(dz, t, out=dz)
    np.divide(dz, batch * temperature, out=dz)


_GIVES_ITS_GRADIENT = NoGradient("the gradient is the op's second output")

OPS = (
    Op(
        name="mse",
        inputs=("y:(B,C)", "t:(B,C)"),
        outputs=("loss:()", "dy:(B,C)"),
        shapes=_loss_shapes,
        compute=_mse,
        gradient=_GIVES_ITS_GRADIENT,
        flops=elementwise_cost(4),
    ),
    Op(
        name="cross_entropy",
        inputs=("p:(B,C)", "t:(B,C)"),
        outputs=("loss:()", "dp:(B,C)"),
        shapes=_loss_shapes,
        compute=_cross_entropy,
        gradient=_GIVES_ITS_GRADIENT,
        flops=elementwise_cost(8),
    ),
    Op(
        name="softmax_cross_entropy",
        inputs=("z:(B,C)", "t:(B,C)"),
        outputs=("loss:()", "dz:(B,C)"),
        attributes={"temperature": 1.0},
        shapes=_loss_shapes,
        compute=_softmax_cross_entropy,
        gradient=_GIVES_ITS_GRADIENT,
        flops=elementwise_cost(12),
    ),
)
