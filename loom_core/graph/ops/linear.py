"""Linear algebra: matrix product, one number a channel (bias, gain), and the sum to channels.

Axis letters, here and in all ops: B batch, I in, O out, C channels, F filters, H W height and
width, U V output height and width, K kernel size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import Array, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value, integer


def _matmul_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    a, b = shapes
    if len(a) != len(b) or len(a) < 2 or a[:-2] != b[:-2]:
        raise ShapeError(f"matmul needs two matrices with equal leading sizes, got {a} and {b}")
    m, k = (a[-1], a[-2]) if attributes["transpose_a"] else (a[-2], a[-1])
    k_b, n = (b[-1], b[-2]) if attributes["transpose_b"] else (b[-2], b[-1])
    if k != k_b:
        raise ShapeError(f"matmul cannot contract {k} with {k_b} (shapes {a} and {b})")
    return ((*a[:-2], m, n),)


def _matmul(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    a, b = inputs
    if attributes["transpose_a"]:
        a = a.swapaxes(-1, -2)
    if attributes["transpose_b"]:
        b = b.swapaxes(-1, -2)
    np.matmul(a, b, out=outputs[0])


def _matmul_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    """With y = op(a) op(b): d op(a) = dy op(b)^T, d op(b) = op(a)^T dy; transposed where needed."""
    a, b = node.inputs
    flip_a, flip_b = bool(node.attributes["transpose_a"]), bool(node.attributes["transpose_b"])

    def da() -> Value:
        if flip_a:
            return graph.emit("matmul", b, dy, transpose_a=flip_b, transpose_b=True)
        return graph.emit("matmul", dy, b, transpose_b=not flip_b)

    def db() -> Value:
        if flip_b:
            return graph.emit("matmul", dy, a, transpose_a=True, transpose_b=flip_a)
        return graph.emit("matmul", a, dy, transpose_a=not flip_a)

    return da, db


def _matmul_flops(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
    k = inputs[0][-2 if attributes["transpose_a"] else -1]
    return 2 * element_count(outputs[0]) * k


def _channel_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    x, c = shapes
    axis = integer(attributes, "axis")
    if not 0 <= axis < len(x) or c != (x[axis],):
        raise ShapeError(f"axis {axis} of {x} cannot take one number a channel of shape {c}")
    return (x,)


def _along(c: Array, x: Array, attributes: Attributes) -> Array:
    """Show c (C,) in a shape that broadcasts along the channel axis of x."""
    return c.reshape((-1,) + (1,) * (x.ndim - 1 - integer(attributes, "axis")))


def _add_bias(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """f(x + b): an activation follows most biases, and one pass over memory does both."""
    x, b = inputs
    (y,) = outputs
    np.add(x, _along(b, x, attributes), out=y)
    if attributes["function"] != "linear":
        ACTIVATIONS[str(attributes["function"])].apply(y, y)


def _add_bias_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    axis, function = node.attributes["axis"], str(node.attributes["function"])

    @cache
    def dz() -> Value:  # the gradient of z = x + b serves both inputs
        if function == "linear":
            return dy
        (v,) = node.outputs
        if ACTIVATIONS[function].derivative_from == "input":  # z was not kept: add once more
            v = graph.emit("add_bias", *node.inputs, axis=axis)
        return graph.emit("activate_dx", dy, v, function=function)

    return (dz, lambda: graph.emit("sum_to_axis", dz(), axis=axis))


def _mul_channels(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    x, g = inputs
    np.multiply(x, _along(g, x, attributes), out=outputs[0])


def _mul_channels_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    x, g = node.inputs
    axis = node.attributes["axis"]
    return (
        lambda: graph.emit("mul_channels", dy, g, axis=axis),
        lambda: graph.emit("sum_to_axis", graph.emit("mul", dy, x), axis=axis),
    )


def _sum_to_axis_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    axis = integer(attributes, "axis")
    if not 0 <= axis < len(x):
        raise ShapeError(f"sum_to_axis has no axis {axis} in {x}")
    return ((x[axis],),)


def _sum_to_axis(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    (x,) = inputs
    others = tuple(i for i in range(x.ndim) if i != integer(attributes, "axis"))
    np.sum(x, axis=others, out=outputs[0])


def _one_per_element(
    inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes
) -> int:
    return element_count(inputs[0])


OPS = (
    Op(
        name="matmul",
        inputs=("a:(...,M,K)", "b:(...,K,N)"),
        outputs=("y:(...,M,N)",),
        attributes={"transpose_a": False, "transpose_b": False},
        shapes=_matmul_shapes,
        compute=_matmul,
        gradient=_matmul_gradient,
        flops=_matmul_flops,
    ),
    Op(
        name="add_bias",
        inputs=("x:(...,C,...)", "b:(C,)"),
        outputs=("y:(...,C,...)",),
        attributes={"axis": 1, "function": "linear"},
        shapes=_channel_shapes,
        compute=_add_bias,
        gradient=_add_bias_gradient,
        flops=_one_per_element,
        in_place=True,
    ),
    Op(
        name="mul_channels",
        inputs=("x:(...,C,...)", "g:(C,)"),
        outputs=("y:(...,C,...)",),
        attributes={"axis": 1},
        shapes=_channel_shapes,
        compute=_mul_channels,
        gradient=_mul_channels_gradient,
        flops=_one_per_element,
        in_place=True,
    ),
    Op(
        name="sum_to_axis",
        inputs=("x:(...,C,...)",),
        outputs=("y:(C,)",),
        attributes={"axis": 1},
        shapes=_sum_to_axis_shapes,
        compute=_sum_to_axis,
        gradient=NoGradient("only emitted by the gradient rule of add_bias"),
        flops=_one_per_element,
    ),
)
