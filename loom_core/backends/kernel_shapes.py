"""Shapes as kernels see them, whatever they are written in."""

from __future__ import annotations

from collections.abc import Sequence

from loom_core.arrays import Shape, element_count
from loom_core.graph.op import Attributes, size_pair


def rows_of(shape: Shape) -> tuple[int, int]:
    """Return rows and width of an array that is seen as rows along its last axis."""
    return element_count(shape[:-1]), shape[-1]


def around(shape: Shape, axis: int) -> tuple[int, int, int]:
    """Return the sizes before, along and after an axis."""
    return element_count(shape[:axis]), shape[axis], element_count(shape[axis + 1 :])


def strides_of(cells: Shape, attributes: Attributes) -> tuple[int, int]:
    """Return the strides of windows over an image; 1 along an axis with one output cell.

    There is no stride there, however large a number says so.

    Args:
        cells: Of the output, down and right.
        attributes: Of the op.
    """
    down, right = size_pair(attributes, "stride")
    return down if cells[0] > 1 else 1, right if cells[1] > 1 else 1


def pooling_sizes(x: Shape, y: Shape, attributes: Attributes) -> tuple[int, ...]:
    """Return planes, sizes of a plane, of window, stride and padding, and of the pooled plane.

    Args:
        x: Shape of the images.
        y: Of the pooled ones.
        attributes: Of the op.
    """
    kernel, padding = size_pair(attributes, "kernel"), size_pair(attributes, "padding")
    strides = strides_of(y[2:], attributes)
    return (element_count(x[:2]), *x[2:], *kernel, *strides, *padding, *y[2:])


def joined_axes(shape: Shape, axes: Sequence[int]) -> list[tuple[int, int]]:
    """Return size and distance in memory of each axis of a transposed array; never none.

    Neighbours that stay together are one axis, and axes of size 1 are left out.

    Args:
        shape: Of the array that is transposed.
        axes: Its axes in their new order.
    """
    joined: list[tuple[int, int]] = []
    for axis in axes:
        size, step = shape[axis], element_count(shape[axis + 1 :])
        if size == 1:
            continue
        if joined and joined[-1][1] == size * step:
            joined[-1] = (joined[-1][0] * size, step)
        else:
            joined.append((size, step))
    return joined or [(1, 1)]
