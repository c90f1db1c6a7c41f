"""Optimizer updates: ops that change a parameter in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, NoGradient, Op
from loom_core.graph.ops.elementwise import elementwise_cost


def _update_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    w, dw, rate = shapes
    if w != dw or rate != ():
        raise ShapeError(f"an update needs w and dw of one shape and a scalar, got {shapes}")
    return ()


def _sgd(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """W := w - rate * dw."""
    w, dw, rate = inputs
    np.subtract(w, dw * rate, out=w)


OPS = (
    Op(
        name="sgd",
        inputs=("w:(...)", "dw:(...)", "rate:()"),
        outputs=(),
        shapes=_update_shapes,
        compute=_sgd,
        gradient=NoGradient("an update ends the training step"),
        flops=elementwise_cost(2),
        updates=0,
    ),
)
