"""conv2d and its gradients as products with patches that are never stored: tables say where.

Images get their border of zeros first (border.wgsl), so that the place of patch element (c,i,j) of
output cell (u,v) is a sum of one number for each. The gradient of the image, dx[h] = sum of
dy[q - t] w[r + s t] with h + padding = s q + r, is such a product for each remainder r of the
stride s, over the taps t that meet it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as pairs

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Shape, element_count
from loom_core.backends.webgpu.dispatch import Adapter, Dispatch, Encoder, Kernel, Operand, Shapes
from loom_core.backends.webgpu.kernels.grids import cell_grid, row_run
from loom_core.backends.webgpu.kernels.products import (
    Operands,
    Product,
    Steps,
    product_dispatches,
)
from loom_core.graph.op import Attributes, size_pair

_FIRST, _SECOND, _RESULT = Operand("input", 0), Operand("input", 1), Operand("output")
_BORDERED, _PARTS = Operand("temporary", 0), Operand("temporary", 1)
_TABLES = (Operand("constant", 0), Operand("constant", 1))

Places = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class _Bordered:
    """Images between zeros: where to read them, their sizes, and the copy that makes them."""

    operand: Operand
    height: int
    width: int
    dispatches: tuple[Dispatch, ...]
    words: int


def _bordered(
    image: Operand, shape: Shape, before: tuple[int, int], size: tuple[int, int], adapter: Adapter
) -> _Bordered:
    """Return images (B,C,H,W) in a frame of ``size`` that starts ``before`` them."""
    images, height, width = element_count(shape[:2]), *shape[2:]
    if (height, width) == size:
        return _Bordered(image, height, width, (), 0)
    lines, run = images * size[0], row_run(size[1], adapter)
    runs = -(-size[1] // run)
    copy = Dispatch(
        "border",
        "border",
        (image, _BORDERED),
        parameters=(lines, height, width, *size, *before, runs),
        constants={"RUN": run},
        workgroups=cell_grid(lines * runs, adapter),
    )
    return _Bordered(_BORDERED, *size, (copy,), lines * size[1])


def _grid(*axes: tuple[int, int]) -> Places:
    """Return count x step places for each axis, added up, the last axis passing fastest."""
    places = np.zeros(1, np.int64)
    for count, step in axes:
        # 64 bits wherever it runs: a stride may be larger than an image.
        places = (places[:, None] + np.arange(count, dtype=np.int64) * step).ravel()
    return places.astype(np.uint32)


def _table(first: Places, second: Places) -> Places:
    return np.ascontiguousarray(np.stack([first, second], axis=1))


def _with_border(
    x: Shape, kernel: Shape, attributes: Attributes, adapter: Adapter
) -> tuple[_Bordered, tuple[int, int]]:
    """Return the input image x (the op's first input) between its zeros, and the stride."""
    pad_h, pad_w = size_pair(attributes, "padding")
    size = (x[2] + 2 * pad_h, x[3] + 2 * pad_w)
    return _bordered(_FIRST, x, (pad_h, pad_w), size, adapter), size_pair(attributes, "stride")


def _taps(image: _Bordered, channels: int, kernel: Shape) -> Places:
    """Where patch element (c,i,j) lies, from the patch's corner."""
    return _grid((channels, image.height * image.width), (kernel[0], image.width), (kernel[1], 1))


def _corners(image: _Bordered, cells: Shape, stride: tuple[int, int]) -> Places:
    """Where the patch of output cell (u,v) begins."""
    return _grid((cells[0], stride[0] * image.width), (cells[1], stride[1]))


def _conv2d(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    """Encode y (F, UV) = w (F, CKK) patches (CKK, UV), for each image."""
    (batch, channels, *_), (filters, _, *kernel) = inputs
    cells = outputs[0][2:]
    size, count, depth = (
        element_count(outputs[0]),
        element_count(cells),
        element_count(inputs[1][1:]),
    )
    if size == 0:
        return Kernel(())
    image, stride = _with_border(inputs[0], tuple(kernel), attributes, adapter)
    product = Product(
        rows=filters,
        columns=count,
        depth=depth,
        batch=batch,
        a=Steps(row=depth),
        b=Steps(batch=channels * image.height * image.width),
        y=Steps(row=count, batch=filters * count),
        size=size,
    )
    dispatches, words = product_dispatches(
        product, Operands(_SECOND, image.operand, _RESULT, _TABLES), _PARTS, adapter
    )
    constants = (
        _table(_grid((depth, 1)), _taps(image, channels, tuple(kernel))),
        _table(_corners(image, cells, stride), _grid((count, 1))),
    )
    return Kernel([*image.dispatches, *dispatches], (image.words, words), constants)


def _conv2d_dw(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    """Encode dw (F, CKK) = sum over images of dy (F, UV) patches^T (UV, CKK)."""
    (batch, channels, *_), (_, filters, *cells) = inputs
    kernel = outputs[0][2:]
    size, count = element_count(outputs[0]), element_count(tuple(cells))
    if size == 0:
        return Kernel(())
    image, stride = _with_border(inputs[0], kernel, attributes, adapter)
    elements = size // filters
    product = Product(
        rows=filters,
        columns=elements,
        depth=count,
        rounds=batch,
        a=Steps(row=count, round=filters * count),
        b=Steps(round=channels * image.height * image.width),
        y=Steps(row=elements),
        size=size,
    )
    operands = Operands(_SECOND, image.operand, _RESULT, _TABLES, b_along_depth=True)
    dispatches, words = product_dispatches(product, operands, _PARTS, adapter)
    constants = (
        _table(_grid((count, 1)), _corners(image, tuple(cells), stride)),
        _table(_taps(image, channels, kernel), _grid((elements, 1))),
    )
    return Kernel([*image.dispatches, *dispatches], (image.words, words), constants)


@dataclass(frozen=True, slots=True)
class _Remainder:
    """Along one axis, the outputs h of one remainder r: h + padding = stride q + r."""

    outputs: NDArray[np.int64]
    quotients: NDArray[np.int64]
    taps: NDArray[np.int64]
    kernel_cells: NDArray[np.int64]


def _remainders(size: int, kernel: int, stride: int, padding: int) -> list[_Remainder]:
    found = []
    # Of a stride beyond the image only the remainders that occur.
    for r in sorted({(h + padding) % stride for h in range(min(size, stride))}):
        outputs = np.arange((r - padding) % stride, size, stride, dtype=np.int64)
        cells = np.arange(r, kernel, stride, dtype=np.int64)
        found.append(
            _Remainder(outputs, (outputs + padding - r) // stride, np.arange(cells.size), cells)
        )
    return found


def _sums(*axes: NDArray[np.int64]) -> Places:
    """Return the sums of one number from each axis, the last axis passing fastest."""
    places = np.zeros(1, np.int64)
    for axis in axes:
        places = (places[:, None] + axis).ravel()
    return places.astype(np.uint32)


def _conv2d_dx(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    """Encode dx (C, HW) = w^T (C, F taps) patches of dy (F taps, HW), for each remainder."""
    (batch, filters, *cells), (_, channels, *kernel) = inputs
    height, width = outputs[0][2:]
    if element_count(outputs[0]) == 0:
        return Kernel(())
    stride, padding = size_pair(attributes, "stride"), size_pair(attributes, "padding")
    down = _remainders(height, kernel[0], stride[0], padding[0])
    right = _remainders(width, kernel[1], stride[1], padding[1])
    before = (-(-kernel[0] // stride[0]) - 1, -(-kernel[1] // stride[1]) - 1)
    frame = tuple(
        first + max(count, 1 + max(int(r.quotients[-1]) for r in axis))
        for first, count, axis in zip(before, cells, (down, right), strict=True)
    )
    image = _bordered(_FIRST, inputs[0], before, (frame[0], frame[1]), adapter)
    dispatches = list(image.dispatches)
    depths: list[Places] = []
    columns: list[Places] = []
    begin_depth = begin_column = 0
    f, c = np.arange(filters), kernel[0] * kernel[1]
    for h, w in pairs(down, right):
        depths.append(
            _table(
                _sums(f * channels * c, h.kernel_cells * kernel[1], w.kernel_cells),
                _sums(
                    f * image.height * image.width,
                    (before[0] - h.taps) * image.width,
                    before[1] - w.taps,
                ),
            )
        )
        columns.append(
            _table(
                _sums(h.quotients * image.width, w.quotients), _sums(h.outputs * width, w.outputs)
            )
        )
        product = Product(
            rows=channels,
            columns=len(columns[-1]),
            depth=len(depths[-1]),
            batch=batch,
            a=Steps(row=c, depth=begin_depth),
            b=Steps(column=begin_column, batch=filters * image.height * image.width),
            y=Steps(row=height * width, batch=channels * height * width),
            size=element_count(outputs[0]),
        )
        dispatches += product_dispatches(
            product, Operands(_SECOND, image.operand, _RESULT, _TABLES), None, adapter
        )[0]
        begin_depth += product.depth
        begin_column += product.columns
    constants = (np.concatenate(depths), np.concatenate(columns))
    return Kernel(dispatches, (image.words,), constants)


ENCODERS: dict[str, Encoder] = {
    "conv2d": _conv2d,
    "conv2d_dx": _conv2d_dx,
    "conv2d_dw": _conv2d_dw,
}
