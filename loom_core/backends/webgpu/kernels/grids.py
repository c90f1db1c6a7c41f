"""How many invocations share a task: lanes of a row, cells of an array, pieces of a long sum."""

from __future__ import annotations

from dataclasses import dataclass

from loom_core.backends.webgpu.dispatch import Adapter, grid_1d
from loom_core.errors import BackendError

CELL_GROUP = 64
"""Invocations of a workgroup that goes over cells: SIZE in shaders/lib/grid.wgsl."""

MOST_PIECES = 4096
"""Pieces that a long array is cut into for the first stage of a sum."""

_LEAST_PIECE = 256
_SOFTWARE_GROUPS = 16
"""Workgroups that keep a few CPU cores busy; more of them only cost."""

_SOFTWARE_ROUNDS = 65_535
"""Rounds of all loops of an invocation after which Mesa's software adapter ends them, without a
word."""

_SOFTWARE_LOOP = 512
"""Cells that an invocation loops over at most on a software adapter, as a kernel may loop within
each cell."""

_MOST_LANES = 256


def cell_grid(cells: int, adapter: Adapter) -> tuple[int, int, int]:
    """Return workgroups for a shader that walks over all cells, however many there are."""
    groups = -(-cells // CELL_GROUP)
    if adapter.software:
        longest = -(-cells // (CELL_GROUP * _SOFTWARE_LOOP))
        groups = max(min(groups, _SOFTWARE_GROUPS), longest)
    return grid_1d(groups, 1)


def vectors_of(count: int) -> int:
    """Return how many vectors of 4 numbers hold ``count``; every buffer holds whole vectors."""
    return -(-count // 4)


def row_run(width: int, adapter: Adapter) -> int:
    """Return how many neighbouring cells of a row one invocation moves."""
    return max(1, min(width, CELL_GROUP)) if adapter.software else 1


@dataclass(frozen=True, slots=True)
class RowGrid:
    """Lanes and rows of the workgroups that work on rows (shaders/lib/row_totals.wgsl)."""

    constants: dict[str, int | float]
    workgroups: tuple[int, int, int]


def row_grid(rows: int, width: int, adapter: Adapter, passes: int = 4) -> RowGrid:
    """Return a grid for ``rows`` rows of ``width`` cells.

    A lane gets at least 4 cells on a GPU, so that the tree pays; on a software adapter a barrier
    costs more than a short row, so that only long ones are shared.

    Args:
        rows: How many.
        width: Cells of each.
        adapter: The device.
        passes: How often, at most, the kernel goes over a row.

    Raises:
        BackendError: A row is longer than a software adapter can pass over so often.
    """
    cells, together = (_SOFTWARE_LOOP, 8) if adapter.software else (4, 64)
    lanes = 1
    while lanes < _MOST_LANES and lanes * 2 * cells <= width:
        lanes *= 2
    longest = _SOFTWARE_ROUNDS // (passes + 1) * _MOST_LANES  # one for the loops of the passes
    if adapter.software and width > longest:
        raise BackendError(
            f"rows of {width:,} numbers are too long for this GPU's driver, which computes on the "
            f"CPU: it ends loops early beyond {longest:,}",
            hint="Use a CPU backend, or a GPU driver that is not a software one.",
        )
    together = max(1, together // lanes)
    return RowGrid({"LANES": lanes, "ROWS": together}, grid_1d(rows, together))


def pieces_of(count: int) -> tuple[int, int]:
    """Return how many pieces ``count`` cells are cut into, and how many cells a piece holds."""
    width = max(_LEAST_PIECE, -(-count // MOST_PIECES))
    return max(1, -(-count // width)), width
