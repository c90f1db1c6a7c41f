"""Normalisation over a batch: every channel to mean 0 and variance 1, and the gradient.

Gain and bias are ops of their own, and so is what becomes of mean and variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import Array, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.op import (
    Attributes,
    Emitter,
    Gradients,
    Node,
    NoGradient,
    Op,
    Value,
    integer,
    number,
)
from loom_core.graph.ops.elementwise import elementwise_cost


def _batch_norm_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,), axis = shapes, integer(attributes, "axis")
    channel = (x[axis],)
    if element_count(x) < max(1, x[axis]):
        raise ShapeError(f"a batch needs at least one number a channel, got {x} with axis {axis}")
    return (x, channel, channel, channel)


def _batch_norm(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Y = (x - mean) r for each channel, r = 1 / sqrt(mean((x - mean)^2) + epsilon).

    Mean, and the variance with n - 1 in place of n, are outputs too; both are added up in float64.
    The variance of one number is 0. What the rounding of a mean leaves is taken off as well: beside
    a mean much larger than the deviation it is not small.
    """
    (x,), (y, r, mean, variance) = inputs, outputs
    around, along = _axes(x.shape, attributes)
    count = x.size // mean.size
    mean[...] = x.mean(axis=around, dtype=np.float64)
    np.subtract(x, mean.reshape(along), out=y)
    y -= y.mean(axis=around, keepdims=True, dtype=np.float64).astype(y.dtype)
    squares = np.sum(y * y, axis=around, dtype=np.float64)
    r[...] = 1.0 / np.sqrt(squares / count + number(attributes, "epsilon"))
    variance[...] = squares / max(count - 1, 1)
    np.multiply(y, r.reshape(along), out=y)


def _batch_norm_dx(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """Dx = r (dy - mean(dy) - y mean(dy y)) for each channel."""
    (dy, y, r), (dx,) = inputs, outputs
    around, along = _axes(dy.shape, attributes)
    mean = dy.mean(axis=around, dtype=np.float64).astype(dy.dtype)
    share = np.mean(dy * y, axis=around, dtype=np.float64).astype(dy.dtype)
    centred = dy - mean.reshape(along)
    np.multiply(centred - y * share.reshape(along), r.reshape(along), out=dx)


def _axes(shape: Shape, attributes: Attributes) -> tuple[tuple[int, ...], Shape]:
    """Return all axes but that of the channels, and a channel's numbers as they meet the array."""
    axis = integer(attributes, "axis")
    around = tuple(a for a in range(len(shape)) if a != axis)
    return around, tuple(size if a == axis else 1 for a, size in enumerate(shape))


def _batch_norm_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    y, r, *_ = node.outputs
    return (lambda: graph.emit("batch_norm_dx", dy, y, r, axis=node.attributes["axis"]),)


OPS = (
    Op(
        name="batch_norm",
        inputs=("x:(...,C,...)",),
        outputs=("y:(...,C,...)", "r:(C,)", "mean:(C,)", "variance:(C,)"),
        attributes={"axis": 1, "epsilon": 1e-5},
        shapes=_batch_norm_shapes,
        compute=_batch_norm,
        gradient=_batch_norm_gradient,
        flops=elementwise_cost(6),
    ),
    Op(
        name="batch_norm_dx",
        inputs=("dy:(...,C,...)", "y:(...,C,...)", "r:(C,)"),
        outputs=("dx:(...,C,...)",),
        attributes={"axis": 1},
        shapes=lambda shapes, attributes: (shapes[0],),
        compute=_batch_norm_dx,
        gradient=NoGradient("only emitted by the gradient rule of batch_norm"),
        flops=elementwise_cost(7),
    ),
)
