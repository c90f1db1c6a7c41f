"""Ops on the last axis, row by row: softmax and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loom_core.arrays import Array
from loom_core.graph.op import Attributes, NoGradient, Op, number
from loom_core.graph.ops.elementwise import elementwise_cost, same_shape

if TYPE_CHECKING:
    from loom_core.graph.builder import GraphBuilder, Node, Value


def _softmax(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Y = exp(x/T - max) / sum(exp(x/T - max)) along the last axis."""
    (y,) = outputs
    np.divide(inputs[0], number(attributes, "temperature"), out=y)
    np.subtract(y, y.max(axis=-1, keepdims=True), out=y)
    np.exp(y, out=y)
    np.divide(y, y.sum(axis=-1, keepdims=True), out=y)


def _softmax_gradient(
    graph: GraphBuilder, node: Node, dy: Value
) -> tuple[Callable[[], Value] | None, ...]:
    (y,) = node.outputs
    temperature = node.attributes["temperature"]
    return (lambda: graph.emit("softmax_dx", dy, y, temperature=temperature),)


def _softmax_dx(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Dx = y * (dy - sum(dy * y)) / T along the last axis."""
    dy, y = inputs
    (dx,) = outputs
    along = np.sum(dy * y, axis=-1, keepdims=True)
    np.subtract(dy, along, out=dx)
    np.multiply(dx, y, out=dx)
    np.divide(dx, number(attributes, "temperature"), out=dx)


OPS = (
    Op(
        name="softmax",
        inputs=("x:(...,C)",),
        outputs=("y:(...,C)",),
        attributes={"temperature": 1.0},
        shapes=same_shape,
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
)
