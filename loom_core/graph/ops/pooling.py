"""Pooling: the largest or the mean number of each window of an image, and their gradients.

Windows of (KH, KW) cells stand `stride` apart; `padding` cells on each side extend the image. They
are never the largest of a window. In a mean they count as zeros, as in PyTorch by default
(``count_include_pad=True``): the divisor is always KH KW.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

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
    integers,
    size_pair,
)
from loom_core.graph.ops.convolution import convolved_size, require_bordered_image


def _pooled_shapes(name: str) -> Callable[[Sequence[Shape], Attributes], tuple[Shape, ...]]:
    def shapes_of(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
        (x,) = shapes
        kernel, stride, padding = (
            size_pair(attributes, key) for key in ("kernel", "stride", "padding")
        )
        if len(x) != 4 or 0 in x[2:]:
            raise ShapeError(f"{name} needs x (B,C,H,W) with cells in each image, got {x}")
        if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
            raise ShapeError(f"{name}: {padding} is more than half of the window {kernel}")
        require_bordered_image(x[1:], padding, name)
        cells = tuple(map(convolved_size, x[2:], kernel, stride, padding))
        if min(cells) < 1:
            raise ShapeError(f"{name}: a {kernel} window does not fit {x[2:]} + {padding}")
        return ((*x[:2], *cells),)

    return shapes_of


def _windows(x: Array, attributes: Attributes, border: float) -> Array:
    """Return a view (B, C, U, V, KH, KW) of x (B, C, H, W) within its border."""
    (pad_h, pad_w), (down, right) = (size_pair(attributes, key) for key in ("padding", "stride"))
    if pad_h or pad_w:
        around = ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w))
        x = np.pad(x, around, constant_values=border)
    kernel = size_pair(attributes, "kernel")
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    return windows[:, :, ::down, ::right]


def _starts(attributes: Attributes, axis: int, count: int) -> Array:
    """Return where ``count`` windows start along an axis; a stride may be larger than an index."""
    stride, padding = (size_pair(attributes, key)[axis] for key in ("stride", "padding"))
    return np.array([n * stride - padding for n in range(count)], np.intp)


def _max_pool2d(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.max(_windows(inputs[0], attributes, -np.inf), axis=(4, 5), out=outputs[0])


def _avg_pool2d(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.mean(_windows(inputs[0], attributes, 0.0), axis=(4, 5), out=outputs[0])


def _max_pool2d_dx(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """Give dy to the largest cell of its window: of equal ones the first in reading order."""
    (dy, x), (dx,) = inputs, outputs
    windows = _windows(x, attributes, -np.inf)
    u, v, height, width = windows.shape[2:]
    found = windows.reshape(*dy.shape, height * width).argmax(axis=-1)
    top, left = (_starts(attributes, axis, count) for axis, count in enumerate((u, v)))
    # Only where all of a window is -infinity is its first cell found beyond the image.
    rows = np.maximum(found // width + top[:, None], 0)
    columns = np.maximum(found % width + left, 0)
    planes = dx.reshape(-1, element_count(dx.shape[2:]))
    planes[...] = 0
    place = (rows * dx.shape[3] + columns).reshape(len(planes), u * v)
    np.add.at(planes, (np.arange(len(planes))[:, None], place), dy.reshape(place.shape))


def _avg_pool2d_dx(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    (dy,), (dx,) = inputs, outputs
    (down, right), (pad_h, pad_w) = (size_pair(attributes, key) for key in ("stride", "padding"))
    kernel_h, kernel_w = size_pair(attributes, "kernel")
    u, v = dy.shape[2:]
    height, width = dx.shape[2:]
    share = dy / (kernel_h * kernel_w)
    # Along each window first, then down it: so many additions of arrays, not their product.
    lines = np.zeros((*dy.shape[:3], width + 2 * pad_w), dy.dtype)
    for j in range(kernel_w):
        lines[..., j : j + right * (v - 1) + 1 : right] += share
    padded = np.zeros((*dx.shape[:2], height + 2 * pad_h, width + 2 * pad_w), dy.dtype)
    for i in range(kernel_h):
        padded[:, :, i : i + down * (u - 1) + 1 : down] += lines
    dx[...] = padded[:, :, pad_h : pad_h + height, pad_w : pad_w + width]


def _max_pool2d_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    return (lambda: graph.emit("max_pool2d_dx", dy, node.inputs[0], **node.attributes),)


def _avg_pool2d_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    size = node.inputs[0].shape[2:]
    return (lambda: graph.emit("avg_pool2d_dx", dy, size=size, **node.attributes),)


def _avg_pool2d_dx_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    return ((*shapes[0][:2], *size_pair(attributes, "size")),)


def _cost(y: int) -> Cost:
    """Cost of an op whose pooled image has shape number ``y`` of inputs followed by outputs.

    One addition or comparison for each cell of each window.
    """

    def flops(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
        windows = element_count([*inputs, *outputs][y])
        return windows * element_count(integers(attributes, "kernel"))

    return flops


def _workspace(x: int, y: int, unrolled: bool = False, lines: bool = False) -> Cost:
    """Numbers in images with their borders and beside pooled ones; indices count double.

    Args:
        x: Number of the image's shape, and
        y: of the pooled one's, in inputs followed by outputs.
        unrolled: All windows are copied, and four indices are made of each.
        lines: A line as wide as an image with its border is made of each line of pooled ones.
    """

    def numbers(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
        shapes = [*inputs, *outputs]
        padding = size_pair(attributes, "padding")
        height, width = (n + 2 * p for n, p in zip(shapes[x][2:], padding, strict=True))
        each = element_count(integers(attributes, "kernel")) + 8 if unrolled else 1
        planes, windows = element_count(shapes[x][:2]), element_count(shapes[y])
        rows = height + shapes[y][2] if lines else height
        return planes * rows * width + windows * each

    return numbers


_WINDOW = {"kernel": (1, 1), "stride": (1, 1), "padding": (0, 0)}

OPS = (
    Op(
        name="max_pool2d",
        inputs=("x:(B,C,H,W)",),
        outputs=("y:(B,C,U,V)",),
        attributes=_WINDOW,
        shapes=_pooled_shapes("max_pool2d"),
        compute=_max_pool2d,
        gradient=_max_pool2d_gradient,
        flops=_cost(y=1),
        workspace=_workspace(x=0, y=1),
    ),
    Op(
        name="max_pool2d_dx",
        inputs=("dy:(B,C,U,V)", "x:(B,C,H,W)"),
        outputs=("dx:(B,C,H,W)",),
        attributes=_WINDOW,
        shapes=lambda shapes, attributes: (shapes[1],),
        compute=_max_pool2d_dx,
        gradient=NoGradient("only emitted by the gradient rule of max_pool2d"),
        flops=_cost(y=0),
        workspace=_workspace(x=1, y=0, unrolled=True),
    ),
    Op(
        name="avg_pool2d",
        inputs=("x:(B,C,H,W)",),
        outputs=("y:(B,C,U,V)",),
        attributes=_WINDOW,
        shapes=_pooled_shapes("avg_pool2d"),
        compute=_avg_pool2d,
        gradient=_avg_pool2d_gradient,
        flops=_cost(y=1),
        workspace=_workspace(x=0, y=1),
    ),
    Op(
        name="avg_pool2d_dx",
        inputs=("dy:(B,C,U,V)",),
        outputs=("dx:(B,C,H,W)",),
        attributes={**_WINDOW, "size": (0, 0)},
        shapes=_avg_pool2d_dx_shapes,
        compute=_avg_pool2d_dx,
        gradient=NoGradient("only emitted by the gradient rule of avg_pool2d"),
        flops=_cost(y=0),
        workspace=_workspace(x=1, y=0, lines=True),
    ),
)
