"""Kernels that move data: shaders/shaping.wgsl."""

from __future__ import annotations

import numpy as np

from loom_core.arrays import element_count
from loom_core.backends.kernel_shapes import around, joined_axes, rows_of
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
)
from loom_core.backends.webgpu.kernels.grids import cell_grid, row_run
from loom_core.graph.op import Attributes, integer, integers


def window(
    sizes: tuple[int, int],
    y_row: int,
    x_row: int,
    adapter: Adapter,
    *,
    y_start: int = 0,
    shift: int = 0,
    source: int = 0,
) -> list[Dispatch]:
    """Return the copy of a window of each row; nothing where it is empty.

    Args:
        sizes: Rows, and cells written in each row of y.
        y_row: Cells of a row of y.
        x_row: Cells of a row of x.
        adapter: The device.
        y_start: First cell written in a row of y.
        shift: Cell i of the window is cell i - shift of x's row, or 0 where x has none.
        source: Which input x is.
    """
    rows, width = sizes
    if rows * width == 0:
        return []
    run = row_run(width, adapter)
    runs = -(-width // run)
    return [
        Dispatch(
            "shaping",
            "window",
            (Operand("input", source), Operand("output")),
            parameters=(rows, width, y_row, y_start, x_row, shift, run, runs),
            workgroups=cell_grid(rows * runs, adapter),
        )
    ]


def _concat(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    """One dispatch for each input: a shader can bind only a few buffers."""
    axis = integer(attributes, "axis")
    rows, y_row = element_count(outputs[0][:axis]), element_count(outputs[0][axis:])
    dispatches: list[Dispatch] = []
    start = 0
    for source, shape in enumerate(inputs):
        width = element_count(shape[axis:])
        dispatches += window((rows, width), y_row, width, adapter, y_start=start, source=source)
        start += width
    return Kernel(dispatches)


def _slice(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    rows, along, inner = around(inputs[0], integer(attributes, "axis"))
    width = integer(attributes, "size") * inner
    shift = -integer(attributes, "start") * inner
    return Kernel(window((rows, width), width, along * inner, adapter, shift=shift))


def _pad(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    rows, along, inner = around(inputs[0], integer(attributes, "axis"))
    width = integer(attributes, "size") * inner
    shift = integer(attributes, "start") * inner
    return Kernel(window((rows, width), width, along * inner, adapter, shift=shift))


def _transpose(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    count = element_count(inputs[0])
    if count == 0:
        return Kernel([])
    *outer, (width, step) = joined_axes(inputs[0], integers(attributes, "axes"))
    rows = count // width
    run = row_run(width, adapter)
    runs = -(-width // run)
    dispatch = Dispatch(
        "shaping",
        "transpose",
        (Operand("input"), Operand("constant"), Operand("output")),
        parameters=(len(outer), rows, width, step, run, runs),
        workgroups=cell_grid(rows * runs, adapter),
    )
    return Kernel([dispatch], constants=[np.array([*reversed(outer), (1, 0)], np.uint32)])


def _permute(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    rows, width = rows_of(inputs[0])
    if rows * width == 0:
        return Kernel([])
    run = row_run(width, adapter)
    runs = -(-width // run)
    dispatch = Dispatch(
        "shaping",
        "permute_columns",
        (Operand("input"), Operand("constant"), Operand("output")),
        parameters=(rows, width, run, runs),
        workgroups=cell_grid(rows * runs, adapter),
    )
    return Kernel([dispatch], constants=[np.array(integers(attributes, "order"), np.uint32)])


ENCODERS: dict[str, Encoder] = {
    "transpose": _transpose,
    "concat": _concat,
    "slice_axis": _slice,
    "pad_axis": _pad,
    "permute_columns": _permute,
}
