"""Convolution (cross-correlation) over two axes and its two gradients, by unrolled patches.

The three ops are one bilinear form seen from three sides:
y = conv2d(x, w), dx = conv2d_dx(dy, w), dw = conv2d_dw(x, dy). Stride and padding are pairs (down,
right), so that a convolution over one axis is one over two of which the first has size 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core import limits
from loom_core.arrays import Array, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.op import (
    Attributes,
    Cost,
    Emitter,
    Gradients,
    Node,
    NoGradient,
    Op,
    Value,
    size_pair,
)


def convolved_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """Return the output size along one axis, floor((size + 2 padding - kernel) / stride) + 1."""
    return (size + 2 * padding - kernel) // stride + 1


def require_bordered_image(image: Shape, padding: Shape, where: str = "conv2d") -> None:
    """Cap one image with its border of zeros, whose size no other size of a convolution bounds.

    Args:
        image: (C, *sizes of the axes).
        padding: Cells of zeros on each side of each axis.
        where: Named by the error.

    Raises:
        LimitError: In float32 it has more than :data:`loom_core.limits.PLAN_BYTES`.
    """
    if not any(padding):
        return  # it is the input, which the plan counts
    sizes = (n + 2 * p for n, p in zip(image[1:], padding, strict=True))
    limits.require_within(
        4 * image[0] * element_count(tuple(sizes)),
        limits.PLAN_BYTES,
        "memory of one image with its padding in bytes",
        where=where,
    )


def _patches(x: Array, kernel: Shape, attributes: Attributes) -> Array:
    """Unroll x (B,C,H,W) into patches (B, C*KH*KW, U*V), zeros beyond the border."""
    (down, right), (pad_h, pad_w) = (
        size_pair(attributes, "stride"),
        size_pair(attributes, "padding"),
    )
    if pad_h or pad_w:
        x = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    windows = windows[:, :, ::down, ::right]  # (B, C, U, V, KH, KW)
    batch, channels, u, v = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(
        batch, channels * kernel[0] * kernel[1], u * v
    )


def _conv2d_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    x, w = shapes
    if len(x) != 4 or len(w) != 4 or x[1] != w[1]:
        raise ShapeError(f"conv2d needs x (B,C,H,W) and w (F,C,KH,KW) of equal C, got {x} and {w}")
    stride, padding = size_pair(attributes, "stride"), size_pair(attributes, "padding")
    require_bordered_image(x[1:], padding)
    u, v = (convolved_size(x[2 + i], w[2 + i], stride[i], padding[i]) for i in (0, 1))
    if u < 1 or v < 1:
        raise ShapeError(f"conv2d: a {w[2]}x{w[3]} kernel does not fit {x[2]}x{x[3]} + {padding}")
    return ((x[0], w[0], u, v),)


def _conv2d(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    x, w = inputs
    (y,) = outputs
    filters = w.shape[0]
    patches = _patches(x, w.shape[2:], attributes)
    np.matmul(w.reshape(filters, -1), patches, out=y.reshape(x.shape[0], filters, -1))


def _conv2d_dx_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    dy, w = shapes
    return ((dy[0], w[1], *size_pair(attributes, "size")),)


def _conv2d_dx(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    dy, w = inputs
    (dx,) = outputs
    (down, right), (pad_h, pad_w) = (
        size_pair(attributes, "stride"),
        size_pair(attributes, "padding"),
    )
    batch, filters, u, v = dy.shape
    _, channels, kernel_h, kernel_w = w.shape
    columns = np.matmul(w.reshape(filters, -1).T, dy.reshape(batch, filters, -1))
    columns = columns.reshape(batch, channels, kernel_h, kernel_w, u, v)
    height, width = dx.shape[2:]
    padded = np.zeros((batch, channels, height + 2 * pad_h, width + 2 * pad_w), dy.dtype)
    for i in range(kernel_h):
        for j in range(kernel_w):
            rows = slice(i, i + down * (u - 1) + 1, down)
            cols = slice(j, j + right * (v - 1) + 1, right)
            padded[:, :, rows, cols] += columns[:, :, i, j]
    dx[...] = padded[:, :, pad_h : pad_h + height, pad_w : pad_w + width]


def _conv2d_dw_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    x, dy = shapes
    return ((dy[1], x[1], *size_pair(attributes, "kernel")),)


def _conv2d_dw(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    x, dy = inputs
    (dw,) = outputs
    batch, filters = dy.shape[:2]
    patches = _patches(x, dw.shape[2:], attributes)
    flat = dy.reshape(batch, filters, -1)
    per_image = np.matmul(flat, patches.swapaxes(1, 2))
    np.sum(per_image, axis=0, out=dw.reshape(filters, -1))


def _conv2d_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    x, w = node.inputs
    common = {"stride": node.attributes["stride"], "padding": node.attributes["padding"]}
    return (
        lambda: graph.emit("conv2d_dx", dy, w, size=x.shape[2:], **common),
        lambda: graph.emit("conv2d_dw", x, dy, kernel=w.shape[2:], **common),
    )


def _cost(y: int, w: int) -> Cost:
    """Cost of an op whose output cells have shape number ``y`` and kernels shape number ``w``.

    All three ops visit every (image, filter, output cell, kernel element) once; the numbers
    index inputs followed by outputs.
    """

    def flops(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
        shapes = [*inputs, *outputs]
        return 2 * element_count(shapes[y]) * element_count(shapes[w][1:])

    return flops


def _workspace(x: int, w: int, y: int) -> Cost:
    """Numbers in patches and bordered images of a batch; arguments as those of ``_cost``."""

    def numbers(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
        shapes = [*inputs, *outputs]
        images, kernel, cells = shapes[x], shapes[w][2:], shapes[y][2:]
        padding = size_pair(attributes, "padding")
        bordered = [n + 2 * p for n, p in zip(images[2:], padding, strict=True)]
        windows = element_count((*kernel, *cells))
        return element_count(images[:2]) * (windows + element_count(tuple(bordered)))

    return numbers


_WINDOW = {"stride": (1, 1), "padding": (0, 0)}
_BACKWARD_ONLY = NoGradient("only emitted by the gradient rule of conv2d")

OPS = (
    Op(
        name="conv2d",
        inputs=("x:(B,C,H,W)", "w:(F,C,KH,KW)"),
        outputs=("y:(B,F,U,V)",),
        attributes=_WINDOW,
        shapes=_conv2d_shapes,
        compute=_conv2d,
        gradient=_conv2d_gradient,
        flops=_cost(y=2, w=1),
        workspace=_workspace(x=0, w=1, y=2),
    ),
    Op(
        name="conv2d_dx",
        inputs=("dy:(B,F,U,V)", "w:(F,C,KH,KW)"),
        outputs=("dx:(B,C,H,W)",),
        attributes={**_WINDOW, "size": (0, 0)},
        shapes=_conv2d_dx_shapes,
        compute=_conv2d_dx,
        gradient=_BACKWARD_ONLY,
        flops=_cost(y=0, w=1),
        workspace=_workspace(x=2, w=1, y=0),
    ),
    Op(
        name="conv2d_dw",
        inputs=("x:(B,C,H,W)", "dy:(B,F,U,V)"),
        outputs=("dw:(F,C,KH,KW)",),
        attributes={**_WINDOW, "kernel": (0, 0)},
        shapes=_conv2d_dw_shapes,
        compute=_conv2d_dw,
        gradient=_BACKWARD_ONLY,
        flops=_cost(y=1, w=2),
        workspace=_workspace(x=0, w=2, y=1),
    ),
)
