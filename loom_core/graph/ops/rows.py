"""Ops on the last axis, row by row, that give distributions: softmax and entmax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value, number
from loom_core.graph.ops.elementwise import elementwise_cost, same_shape

BISECTIONS = 60
"""Halvings of entmax's threshold: its interval of length 1 shrinks below any float64 step."""


def _softmax_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    if attributes["causal"] and (len(x) < 2 or x[-2] > x[-1]):
        raise ShapeError(f"a causal softmax needs scores (...,T,S) with T <= S, got {x}")
    return (x,)


def _softmax(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Y = exp(x/T - max) / sum(exp(x/T - max)) along the last axis.

    Causal: row t of (T,S) sees the columns up to t + S - T, the others get 0.
    """
    (y,) = outputs
    np.divide(inputs[0], number(attributes, "temperature"), out=y)
    if attributes["causal"]:
        steps, seen = y.shape[-2:]
        hidden = np.arange(seen) > np.arange(steps)[:, None] + (seen - steps)
        y[..., hidden] = -np.inf
    np.subtract(y, y.max(axis=-1, keepdims=True), out=y)
    np.exp(y, out=y)
    np.divide(y, y.sum(axis=-1, keepdims=True), out=y)


def _softmax_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    (y,) = node.outputs
    temperature = node.attributes["temperature"]
    return (lambda: graph.emit("softmax_dx", dy, y, temperature=temperature),)


def _softmax_dx(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Dx = y * (dy - sum(dy * y)) / T along the last axis."""
    (dy, y), (dx,) = inputs, outputs
    along = np.sum(dy * y, axis=-1, keepdims=True)
    np.subtract(dy, along, out=dx)
    np.multiply(dx, y, out=dx)
    np.divide(dx, number(attributes, "temperature"), out=dx)


def _entmax(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Y = max(0, (a-1) x/T - tau)^(1/(a-1)) with tau such that each row sums to 1; 1 < a <= 2.

    a = 2 is sparsemax, whose threshold follows from sorting; others are found by bisection.
    Sources: Martins and Astudillo 2016; Peters, Niculae and Martins 2019.
    """
    (x,), (y,) = inputs, outputs
    alpha = number(attributes, "alpha")
    z = (alpha - 1) * (x / number(attributes, "temperature"))
    z -= z.max(axis=-1, keepdims=True)
    if alpha == 2:
        falling = -np.sort(-z, axis=-1)
        counts = np.arange(1, z.shape[-1] + 1, dtype=z.dtype)
        excess = np.cumsum(falling, axis=-1) - 1
        support = np.sum(falling * counts > excess, axis=-1, keepdims=True)
        tau = np.take_along_axis(excess, support - 1, axis=-1) / support
        np.maximum(z - tau, 0, out=y)
        return
    power = 1 / (alpha - 1)
    low = np.full((*z.shape[:-1], 1), -1.0)  # the largest entry alone gives at least 1
    high = np.full_like(low, -(float(z.shape[-1]) ** (1 - alpha)))  # all together give at most 1
    wide = z.astype(np.float64)
    for _ in range(BISECTIONS):
        tau = (low + high) / 2
        enough = np.sum(np.maximum(wide - tau, 0) ** power, axis=-1, keepdims=True) >= 1
        low, high = np.where(enough, tau, low), np.where(enough, high, tau)
    found = np.maximum(wide - (low + high) / 2, 0) ** power
    np.divide(found, found.sum(axis=-1, keepdims=True), out=y, casting="same_kind")


def _entmax_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    (y,) = node.outputs
    return (lambda: graph.emit("entmax_dx", dy, y, **node.attributes),)


def _entmax_dx(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Dx = s (dy - sum(dy s) / sum(s)) / T with s = y^(2-a) on the support, 0 elsewhere."""
    (dy, y), (dx,) = inputs, outputs
    positive = y > 0
    slope = np.where(positive, np.where(positive, y, 1) ** (2 - number(attributes, "alpha")), 0)
    along = np.sum(dy * slope, axis=-1, keepdims=True) / slope.sum(axis=-1, keepdims=True)
    scaled = slope / number(attributes, "temperature")
    np.multiply(dy - along, scaled, out=dx, casting="same_kind")


_SOFTMAX = {"temperature": 1.0, "causal": False}
_ENTMAX = {"alpha": 1.5, "temperature": 1.0}

OPS = (
    Op(
        name="softmax",
        inputs=("x:(...,C)",),
        outputs=("y:(...,C)",),
        attributes=_SOFTMAX,
        shapes=_softmax_shapes,
        compute=_softmax,
        gradient=_softmax_gradient,
        flops=elementwise_cost(6),
        in_place=True,
    ),
    Op(
        name="softmax_dx",
        inputs=("dy:(...,C)", "y:(...,C)"),
        outputs=("dx:(...,C)",),
        attributes={"temperature": 1.0},
        shapes=same_shape,
        compute=_softmax_dx,
        gradient=NoGradient("only emitted by the gradient rule of softmax"),
        flops=elementwise_cost(5),
        in_place=True,
    ),
    Op(
        name="entmax",
        inputs=("x:(...,C)",),
        outputs=("y:(...,C)",),
        attributes=_ENTMAX,
        shapes=same_shape,
        compute=_entmax,
        gradient=_entmax_gradient,
        flops=elementwise_cost(4 * BISECTIONS),
    ),
    Op(
        name="entmax_dx",
        inputs=("dy:(...,C)", "y:(...,C)"),
        outputs=("dx:(...,C)",),
        attributes=_ENTMAX,
        shapes=same_shape,
        compute=_entmax_dx,
        gradient=NoGradient("only emitted by the gradient rule of entmax"),
        flops=elementwise_cost(8),
    ),
)
