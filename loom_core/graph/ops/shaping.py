"""Ops that move data without arithmetic; a reshape is no op but a view in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Op, integer

if TYPE_CHECKING:
    from loom_core.graph.builder import GraphBuilder, Node, Value


def _fit_width_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    if len(x) != 2:
        raise ShapeError(f"fit_width needs x (B,C), got {x}")
    return ((x[0], integer(attributes, "width")),)


def _fit_width(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    (x,), (y,) = inputs, outputs
    kept = min(x.shape[1], y.shape[1])
    y[:, :kept] = x[:, :kept]
    y[:, kept:] = 0


def _fit_width_gradient(
    graph: GraphBuilder, node: Node, dy: Value
) -> tuple[Callable[[], Value] | None, ...]:
    return (lambda: graph.emit("fit_width", dy, width=node.inputs[0].shape[1]),)


def _nothing(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
    return 0


OPS = (
    Op(
        name="fit_width",
        inputs=("x:(B,C)",),
        outputs=("y:(B,width)",),
        attributes={"width": 0},
        shapes=_fit_width_shapes,
        compute=_fit_width,
        gradient=_fit_width_gradient,
        flops=_nothing,
    ),
)
