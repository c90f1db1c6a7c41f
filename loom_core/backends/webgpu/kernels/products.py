"""Matrix products on the GPU: strides or tables, tiles for the adapter, sums in parts.

Shaders: product_tiled.wgsl (hardware), product_blocked.wgsl (software), parts.wgsl. What places and
parts are stands in shaders/lib/product.wgsl.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from loom_core.backends.webgpu.dispatch import Adapter, Dispatch, Operand, grid_1d
from loom_core.backends.webgpu.kernels.grids import cell_grid

TILE_DEPTH = 16
"""Depths that the tiled shader holds at once: DEPTH in product_tiled.wgsl."""

_LEAST_DEPTH_OF_A_PART = {True: 256, False: 64}
"""On software and on hardware; a shorter part's sums cost as much to add as to make."""

_MOST_DEPTH_OF_A_PART = 2048
"""Terms that are added one after the other; the rounding errors of more would be seen."""

_MOST_NUMBERS_OF_PARTS = 1 << 22
"""Working memory that those shorter sums may take, in numbers."""

_TILED_GROUPS = 128
"""Workgroups that a graphics card wants at least; with fewer tiles the depth is cut into parts."""

_BLOCKED_GROUPS = 8
"""The same for an adapter that computes on a few CPU cores."""

_LANES = 4
"""Invocations of a workgroup: LANES in product_blocked.wgsl."""

_LONG_PRODUCT = 2_000_000
"""Floating-point operations from which on the faster code is worth its compilation."""

_LONG_BLOCKS, _SHORT_BLOCKS = ((16, 4), (8, 4), (1, 4)), ((8, 2), (8, 1), (1, 4), (1, 1))
"""Rows and fours of columns of an invocation's block; few, as each takes its time to compile."""

_LOAD = 25
"""Cost of a load in multiply-adds, on an adapter that computes on a CPU."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How far apart elements lie that differ by one in an index; 0 where it plays no part.

    Where tables say it instead, a's depth and b's column are where those begin, in entries.
    """

    row: int = 0
    depth: int = 0
    column: int = 0
    round: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """y = sum of a b over depth and rounds, for each member of a batch.

    Args:
        rows: Of a and y.
        columns: Of b and y.
        depth: Columns of a, rows of b.
        a: Distances in a.
        b: Distances in b.
        y: Distances in y.
        batch: Members.
        rounds: How often the sum over the depth is taken, each time with other elements.
        size: Numbers in y.
    """

    rows: int
    columns: int
    depth: int
    a: Steps
    b: Steps
    y: Steps
    size: int
    batch: int = 1
    rounds: int = 1

    def turned(self) -> Product:
        """Return the transpose, y^T = b^T a^T: the same numbers in the same places."""

        def turn(steps: Steps) -> Steps:
            return replace(steps, row=steps.column, column=steps.row)

        return replace(
            self,
            rows=self.columns,
            columns=self.rows,
            a=turn(self.b),
            b=turn(self.a),
            y=turn(self.y),
        )


@dataclass(frozen=True, slots=True)
class Operands:
    """The buffers of a product.

    Args:
        a: Its first factor; with tables, neighbours along the depth lie side by side.
        b: Its second.
        y: The result.
        tables: For depth and columns, where there are no steps for them.
        b_along_depth: With tables: b's neighbours side by side are those along the depth.
    """

    a: Operand
    b: Operand
    y: Operand
    tables: tuple[Operand, Operand] | None = None
    b_along_depth: bool = False


@dataclass(frozen=True, slots=True)
class _Tiling:
    """A division of y into tiles, and the shader's constants for it."""

    rows: int
    columns: int
    constants: dict[str, int | float]

    def tiles(self, product: Product) -> int:
        return self._down(product) * self._across(product) * product.batch

    def counts(self, product: Product) -> tuple[int, int]:
        return self._down(product), self._across(product)

    def _down(self, product: Product) -> int:
        return -(-product.rows // self.rows)

    def _across(self, product: Product) -> int:
        return -(-product.columns // self.columns)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A division of the sum: depths and rounds of a part, and how many there are."""

    depth: int
    rounds: int
    along_depth: int
    count: int


def product_dispatches(
    product: Product, operands: Operands, parts: Operand | None, adapter: Adapter
) -> tuple[list[Dispatch], int]:
    """Return the dispatches of a product, and how many numbers of working memory they need.

    Args:
        product: Sizes and distances; nothing in y is empty.
        operands: Its buffers.
        parts: Working memory for partial sums; without, the sum is made in one piece.
        adapter: The device.
    """
    if adapter.software and operands.tables is None:
        turned = product.turned()
        if _blocked(turned)[0] < _blocked(product)[0]:
            product, operands = turned, replace(operands, a=operands.b, b=operands.a)
    tiling = _blocked(product)[1] if adapter.software else _tiled(product)
    wanted = _BLOCKED_GROUPS if adapter.software else _TILED_GROUPS
    whole = _Parts(max(product.depth, TILE_DEPTH), product.rounds, 1, 1)
    least = _LEAST_DEPTH_OF_A_PART[adapter.software]
    cut = _parts(product, wanted // tiling.tiles(product), least) if parts else whole
    if cut.count == 1 or parts is None:
        return [_dispatch(product, operands, tiling, cut, adapter)], 0
    first = _dispatch(product, replace(operands, y=parts), tiling, cut, adapter)
    return [first, add_parts(parts, operands.y, product.size, cut.count, adapter)], (
        cut.count * product.size
    )


def add_parts(parts: Operand, y: Operand, count: int, of: int, adapter: Adapter) -> Dispatch:
    """Return the dispatch that adds ``of`` arrays of ``count`` numbers that lie in a row."""
    return Dispatch(
        "parts",
        "add_parts",
        (parts, y),
        parameters=(count, of),
        workgroups=cell_grid(count, adapter),
    )


def _dispatch(
    product: Product, operands: Operands, tiling: _Tiling, cut: _Parts, adapter: Adapter
) -> Dispatch:
    a, b, y = product.a, product.b, product.y
    tiles = tiling.tiles(product) * cut.count
    constants = dict(tiling.constants)
    along_depth = a.depth == 1, b.depth == 1
    if operands.tables is not None:
        constants["TABLES"] = 1
        along_depth = True, operands.b_along_depth
    entry = "product"
    if not adapter.software:
        constants |= {"A_ALONG_DEPTH": along_depth[0], "B_ALONG_DEPTH": along_depth[1]}
        if operands.tables is None and _by_vectors(product):
            entry = "product_vec4"
    return Dispatch(
        "product_blocked" if adapter.software else "product_tiled",
        entry,
        (operands.a, operands.b, operands.y, *(operands.tables or (operands.a, operands.a))),
        parameters=(
            *(product.rows, product.columns, product.depth, product.rounds, product.batch),
            *(a.row, a.depth, a.round, a.batch),
            *(b.depth, b.column, b.round, b.batch),
            *(y.row, y.column, y.batch, product.size),
            *(cut.depth, cut.rounds, cut.along_depth, *tiling.counts(product), tiles),
        ),
        constants=constants,
        workgroups=grid_1d(tiles, 1),
    )


def _by_vectors(product: Product) -> bool:
    """Say whether vectors of four lie densely and aligned in all three arrays."""
    a_dense = product.depth if product.a.depth == 1 else product.rows
    b_dense = product.depth if product.b.depth == 1 else product.columns
    return (
        (product.a.depth == 1 or product.a.row == 1)
        and (product.b.depth == 1 or product.b.column == 1)
        and product.y.column == 1
        and product.rounds == 1
        and a_dense % 4 == b_dense % 4 == product.columns % 4 == 0
    )


def _parts(product: Product, wanted: int, least: int) -> _Parts:
    """Cut rounds first, then the depth, into about as many parts as wanted, or as are exact."""
    exact = -(-product.depth * product.rounds // _MOST_DEPTH_OF_A_PART)
    wanted = max(wanted, min(exact, _MOST_NUMBERS_OF_PARTS // product.size))
    rounds = -(-product.rounds // max(1, min(wanted, product.rounds)))
    along_rounds = -(-product.rounds // rounds)
    pieces = max(1, min(wanted // along_rounds, product.depth // least))
    depth = -(-product.depth // pieces)
    depth = max(TILE_DEPTH, -(-depth // TILE_DEPTH) * TILE_DEPTH)
    along_depth = max(1, -(-product.depth // depth))
    return _Parts(depth, rounds, along_depth, along_depth * along_rounds)


def _tiled(product: Product) -> _Tiling:
    """Return large tiles where there are enough of them, else what wastes little."""

    def tiling(across: int, down: int) -> _Tiling:
        return _Tiling(8 * down, 4 * across, {"ACROSS": across, "DOWN": down})

    if product.rows <= 16:
        return tiling(32, 1 if product.rows <= 8 else 2)
    if product.columns <= 32:
        return tiling(4 if product.columns <= 16 else 8, 8)
    large = tiling(16, 8)
    enough = product.rows > 32 and large.tiles(product) >= _TILED_GROUPS
    return large if enough else tiling(16, 4)


def _blocked(product: Product) -> tuple[int, _Tiling]:
    """Return the cheapest block for an adapter that computes on a CPU, with its cost."""
    return min(_blocks(product), key=lambda found: found[0])


def _blocks(product: Product) -> Iterator[tuple[int, _Tiling]]:
    long = 2 * product.size * product.depth * product.rounds >= _LONG_PRODUCT
    for rows, quads in _LONG_BLOCKS if long else _SHORT_BLOCKS:
        columns = 4 * quads
        tiling = _Tiling(
            rows, _LANES * columns, {"ROWS": rows, "QUADS": quads, "FOUR_DEPTHS": int(long)}
        )
        yield tiling.tiles(product) * (rows * columns + _LOAD * (rows + columns)), tiling
