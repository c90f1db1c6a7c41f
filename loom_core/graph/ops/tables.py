"""Table look-up: rows by number, and the scatter that is its gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value, integer
from loom_core.graph.ops.elementwise import elementwise_cost


def _rows_of(ids: Array, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return flat row numbers (truncated toward zero, 0 where invalid) and which are valid."""
    flat = ids.reshape(-1)
    finite = np.isfinite(flat) & (np.abs(flat) < 2**53)
    rows = np.where(finite, flat, -1).astype(np.int64)
    valid = finite & (rows >= 0) & (rows < count)
    return np.where(valid, rows, 0), valid


def _gather_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    table, ids = shapes
    if len(table) != 2:
        raise ShapeError(f"gather_rows needs a table (V,D), got {table}")
    return ((*ids, table[1]),)


def _gather(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """y[n] = table[ids[n]]; zero where there is no such row."""
    (table, ids), (y,) = inputs, outputs
    rows, valid = _rows_of(ids, len(table))
    flat = y.reshape(-1, table.shape[1])
    np.take(table, rows, axis=0, out=flat)
    flat[~valid] = 0


def _gather_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    table, ids = node.inputs
    zero = lambda: graph.emit("scale", ids, factor=0.0)  # noqa: E731 (ids have no slope)
    return (lambda: graph.emit("scatter_add_rows", dy, ids, rows=table.shape[0]), zero)


def _scatter_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    dy, _ = shapes
    return ((integer(attributes, "rows"), dy[-1]),)


def _scatter(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """dtable[ids[n]] += dy[n], starting from zero."""
    (dy, ids), (table,) = inputs, outputs
    rows, valid = _rows_of(ids, len(table))
    table[...] = 0
    np.add.at(table, rows[valid], dy.reshape(-1, table.shape[1])[valid])


OPS = (
    Op(
        name="gather_rows",
        inputs=("table:(V,D)", "ids:(...)"),
        outputs=("y:(...,D)",),
        shapes=_gather_shapes,
        compute=_gather,
        gradient=_gather_gradient,
        flops=elementwise_cost(0),
    ),
    Op(
        name="scatter_add_rows",
        inputs=("dy:(...,D)", "ids:(...)"),
        outputs=("dtable:(V,D)",),
        attributes={"rows": 0},
        shapes=_scatter_shapes,
        compute=_scatter,
        gradient=NoGradient("only emitted by the gradient rule of gather_rows"),
        flops=elementwise_cost(1),
    ),
)
