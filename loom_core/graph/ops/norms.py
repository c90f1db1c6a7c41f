"""Normalisation of rows: layer_norm and rms_norm without gain and bias, and their gradients.

Gain and bias are ops of their own (mul_channels, add_bias), so that every norm layer shares them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value, number
from loom_core.graph.ops.elementwise import elementwise_cost


def _norm_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    if not x or x[-1] < 1:
        raise ShapeError(f"a norm needs rows of at least one number, got {x}")
    return (x, (*x[:-1], 1))


def _layer_norm(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) along the last axis; r is 1 / sqrt."""
    (x,), (y, r) = inputs, outputs
    np.subtract(x, x.mean(axis=-1, keepdims=True), out=y)
    variance = np.mean(y * y, axis=-1, keepdims=True)
    np.divide(1.0, np.sqrt(variance + number(attributes, "epsilon")), out=r)
    np.multiply(y, r, out=y)


def _layer_norm_dx(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """Dx = r (dy - mean(dy) - y mean(dy y)) along the last axis."""
    (dy, y, r), (dx,) = inputs, outputs
    along = np.mean(dy * y, axis=-1, keepdims=True)
    centred = dy - dy.mean(axis=-1, keepdims=True)
    np.multiply(centred - y * along, r, out=dx)


def _rms_norm(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Y = x / sqrt(mean(x^2) + epsilon) along the last axis; r is 1 / sqrt."""
    (x,), (y, r) = inputs, outputs
    square = np.mean(x * x, axis=-1, keepdims=True)
    np.divide(1.0, np.sqrt(square + number(attributes, "epsilon")), out=r)
    np.multiply(x, r, out=y)


def _rms_norm_dx(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Dx = r (dy - y mean(dy y)) along the last axis."""
    (dy, y, r), (dx,) = inputs, outputs
    along = np.mean(dy * y, axis=-1, keepdims=True)
    np.multiply(dy - y * along, r, out=dx)


def _norm_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    y, r = node.outputs
    return (lambda: graph.emit(f"{node.op.name}_dx", dy, y, r),)


def _norm_dx_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    return (shapes[0],)


def _norm_ops(
    name: str,
    forward: Callable[[Sequence[Array], Sequence[Array], Attributes], None],
    backward: Callable[[Sequence[Array], Sequence[Array], Attributes], None],
) -> tuple[Op, Op]:
    return (
        Op(
            name=name,
            inputs=("x:(...,C)",),
            outputs=("y:(...,C)", "r:(...,1)"),
            attributes={"epsilon": 1e-5},
            shapes=_norm_shapes,
            compute=forward,
            gradient=_norm_gradient,
            flops=elementwise_cost(6),
        ),
        Op(
            name=f"{name}_dx",
            inputs=("dy:(...,C)", "y:(...,C)", "r:(...,1)"),
            outputs=("dx:(...,C)",),
            shapes=_norm_dx_shapes,
            compute=backward,
            gradient=NoGradient(f"only emitted by the gradient rule of {name}"),
            flops=elementwise_cost(7),
        ),
    )


OPS = (
    *_norm_ops("layer_norm", _layer_norm, _layer_norm_dx),
    *_norm_ops("rms_norm", _rms_norm, _rms_norm_dx),
)
