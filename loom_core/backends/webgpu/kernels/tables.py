"""Kernels of look-up tables: shaders/tables.wgsl."""

from __future__ import annotations

from loom_core.arrays import element_count
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
    grid_1d,
)
from loom_core.backends.webgpu.kernels.grids import CELL_GROUP, cell_grid
from loom_core.graph.op import Attributes

_LINKS = Operand("temporary")

_CHUNK = 4096
"""Numbers that are compared with each other."""


def _gather(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    (rows, width), count = inputs[0], element_count(inputs[1])
    if count * width == 0:
        return Kernel([])
    dispatch = Dispatch(
        "tables",
        "gather_rows",
        (Operand("input", 1), Operand("input"), Operand("output")),
        parameters=(rows, width, count, 0),
        workgroups=cell_grid(count * width, adapter),
    )
    return Kernel([dispatch])


def _scatter(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    (rows, width), count = outputs[0], element_count(inputs[1])
    ids, dy, table = Operand("input", 1), Operand("input"), Operand("output")
    if rows * width == 0:
        return Kernel([])
    clear = Dispatch(
        "tables",
        "clear",
        (table,),
        parameters=(rows, width, 0, 0),
        workgroups=cell_grid(rows * width, adapter),
    )
    dispatches = [clear]
    for first in range(0, count, _CHUNK):
        size = min(_CHUNK, count - first)
        for entry, buffers, cells in (
            ("link", (ids, _LINKS), size),
            ("add_linked", (ids, dy, table, _LINKS), size * width),
        ):
            grid = grid_1d(cells, CELL_GROUP)
            sizes = (rows, width, size, first)
            dispatches.append(Dispatch("tables", entry, buffers, sizes, workgroups=grid))
    return Kernel(dispatches, temporaries=[2 * min(_CHUNK, count)])


ENCODERS: dict[str, Encoder] = {"gather_rows": _gather, "scatter_add_rows": _scatter}
