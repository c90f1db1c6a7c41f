"""Parallel: branches that all see the same input, and how their outputs are combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loom_core.arrays import Shape, element_count
from loom_core.checks import positive
from loom_core.errors import LoomError, ShapeError, SpecError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer, child_name, require_layer, require_layers
from loom_core.layers.chain import complete_layer, lower_layer
from loom_core.layers.sample_shapes import features
from loom_core.layers.softmax import Softmax
from loom_core.public import record

COMBINE_MODES = ("concat", "add", "avg", "grid_scatter", "filter")
_NOT_IN_LOOMS_BRANCHES = ("embedding", "conv1d", "residual")


@record
@dataclass(frozen=True)
class GridPosition:
    """Where grid_scatter puts a branch's output: a cell of a grid.

    Args:
        branch_index: The branch, from 0.
        target_row: Row of the cell.
        target_col: Column of the cell.
        target_layer: Layer of the cell.
    """

    branch_index: int
    target_row: int
    target_col: int
    target_layer: int = 0


class Parallel(Layer):
    """``y = combine(f_1(x), ..., f_n(x))`` for branches of any layer type, nested to any depth.

    ``concat``: one after the other, for each sample. ``add``, ``avg``: sum or mean of equal widths.
    ``grid_scatter``: one after the other in the order of their cells (row, column, layer).
    ``filter``: ``sum_i g_i f_i(x)``, shorter outputs padded with zeros, where g is a distribution
    over the branches: the softmax of a gate layer's n outputs, or 1/n without a gate.

    Args:
        branches: The layers, at least one.
        combine_mode: One of the five.
        grid_positions: For grid_scatter: a cell for each branch, no cell twice.
        grid_shape: For grid_scatter: (rows, columns, layers) of the grid.
        gate: For filter: any layer that gives one number for each branch.
        gate_softmax: For filter: the softmax of the gate's outputs.
        concat_by_branch: Concatenate the whole batch of one branch after that of the other, as
            Loom v0.0.7 does (set when such a model is loaded).
        frozen: Training leaves all weights inside alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: No branch, an unknown mode, or positions that are not one cell for each branch.

    Source: Loom v0.0.7, parallel.go; gating: Jacobs et al. 1991 (mixture of experts).
    """

    type_name = "parallel"

    def __init__(
        self,
        branches: Sequence[Layer],
        combine_mode: str = "concat",
        *,
        grid_positions: Sequence[GridPosition] = (),
        grid_shape: tuple[int, int, int] | None = None,
        gate: Layer | None = None,
        gate_softmax: Softmax | None = None,
        concat_by_branch: bool = False,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        require_layers(branches, "parallel")
        mode = {"": "concat", "average": "avg"}.get(combine_mode, combine_mode)
        if mode not in COMBINE_MODES:
            raise SpecError(
                f"unknown combine mode {combine_mode!r}", hint=f"Use {', '.join(COMBINE_MODES)}."
            )
        if gate is not None:
            require_layer(gate, "the gate")
            if mode != "filter":
                raise SpecError(f"a gate belongs to the combine mode filter, not {mode}")
        children = [*branches] if gate is None else [*branches, gate]
        super().__init__(frozen=frozen, disabled=disabled, children=children)
        self.branches = tuple(branches)
        self.combine_mode = mode
        self.gate = gate
        self.gate_softmax = gate_softmax or Softmax()
        self.concat_by_branch = concat_by_branch
        self.grid_positions = tuple(grid_positions)
        self.grid_shape = grid_shape
        self.order = self._scatter_order() if mode == "grid_scatter" else range(len(branches))

    def _scatter_order(self) -> Sequence[int]:
        """Return the branches in the order of their cells."""
        if self.grid_shape is None or len(self.grid_positions) != len(self.branches):
            raise SpecError(
                f"grid_scatter needs a grid size and a position for each of {len(self.branches)} "
                f"branches, got {self.grid_shape} and {len(self.grid_positions)} positions"
            )
        rows, cols, layers = (positive(size, "grid_output size") for size in self.grid_shape)
        cells: dict[int, int] = {}
        for branch, place in enumerate(self.grid_positions):
            row, col, layer = place.target_row, place.target_col, place.target_layer
            if not (0 <= row < rows and 0 <= col < cols and 0 <= layer < layers):
                raise SpecError(
                    f"branch {branch} goes to ({row}, {col}, {layer}), outside the grid of "
                    f"{rows} x {cols} x {layers}"
                )
            cell = (row * cols + col) * layers + layer
            if cell in cells:
                raise SpecError(f"branches {cells[cell]} and {branch} go to the same cell")
            cells[cell] = branch
        return [cells[cell] for cell in sorted(cells)]

    def _name(self, index: int) -> str:
        kind = "branch" if index < len(self.branches) else "gate"
        return child_name(kind, index, self.children[index])

    def _shapes(self, input_shape: Shape | None) -> list[Shape | None]:
        """Let every child infer its sizes from the same input; return their output shapes."""
        shapes: list[Shape | None] = []
        for index, child in enumerate(self.children):
            try:
                shapes.append(complete_layer(child, input_shape))
            except LoomError as error:
                raise error.at(self._name(index)) from error
        return shapes

    def complete(self, input_shape: Shape | None) -> None:
        """Let the branches infer their sizes."""
        self._shapes(input_shape)

    keeps_width = False

    def input_features(self) -> int | None:
        """Return what the first child that cares takes."""
        return next((n for child in self.children if (n := child.input_features())), None)

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (sum of widths,) for concat and grid_scatter, else (width,)."""
        widths = [features(shape) for shape in self._shapes(input_shape)]
        if self.gate is not None and widths.pop() not in (None, len(self.branches)):
            raise ShapeError(f"the gate must give {len(self.branches)} numbers, one a branch")
        known = [width for width in widths if width is not None]
        if len(known) != len(widths):
            return None
        if self.combine_mode in ("concat", "grid_scatter"):
            return (sum(known),)
        if self.combine_mode != "filter" and len(set(known)) > 1:
            raise ShapeError(
                f"{self.combine_mode} needs branches of equal width, got {known}",
                hint="Use concat, or give the branches the same output size.",
            )
        return (max(known),)

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit the branches, then the combination."""
        batch = x.shape[0]
        outputs = []
        for child in self.children:
            y = lower_layer(graph, child, x)
            outputs.append(graph.reshape(y, (batch, element_count(y.shape[1:]))))
        if self.combine_mode in ("add", "avg"):
            total = outputs[0]
            for y in outputs[1:]:
                total = graph.emit("add", total, y)
            if self.combine_mode == "avg" and len(outputs) > 1:
                total = graph.emit("scale", total, factor=1 / len(outputs))
            return total
        if self.combine_mode == "filter":
            return self._filter(graph, outputs)
        ordered = [outputs[branch] for branch in self.order]
        if self.concat_by_branch and batch > 1:
            flat = [graph.reshape(y, (1, element_count(y.shape))) for y in ordered]
            joined = graph.emit("concat", *flat, axis=1)
            return graph.reshape(joined, (batch, joined.shape[1] // batch))
        return graph.emit("concat", *ordered, axis=1)

    def _filter(self, graph: GraphBuilder, outputs: list[Value]) -> Value:
        """Emit the weighted sum as a product: (1, n) weights times (n, width) outputs."""
        count, batch = len(self.branches), outputs[0].shape[0]
        branches = outputs[:count]
        width = max(y.shape[1] for y in branches)
        padded = [
            y if y.shape[1] == width else graph.emit("pad_axis", y, axis=1, start=0, size=width)
            for y in branches
        ]
        if self.gate is None:
            total = padded[0]
            for y in padded[1:]:
                total = graph.emit("add", total, y)
            return graph.emit("scale", total, factor=1 / count)
        weights = graph.reshape(self.gate_softmax.lower(graph, outputs[-1]), (batch, 1, count))
        stacked = graph.emit("concat", *padded, axis=1) if count > 1 else padded[0]
        mixed = graph.emit("matmul", weights, graph.reshape(stacked, (batch, count, width)))
        return graph.reshape(mixed, (batch, width))

    @classmethod
    def from_fields(cls, fields: Fields) -> Parallel:
        """Read Loom's keys, and the gate that Loom does not store."""
        branches = fields.layers("branches", "branch")
        mode = fields.text("combine_mode") or "concat"
        loom = fields.reading == "loom"
        known = mode in ("average", *COMBINE_MODES)
        unsupported = any(branch.type_name in _NOT_IN_LOOMS_BRANCHES for branch in branches)
        positions = [
            GridPosition(
                place.size("branch_index") or 0,
                place.size("target_row") or 0,
                place.size("target_col") or 0,
                place.size("target_layer") or 0,
            )
            for place in fields.parts("grid_positions", "position")
        ]
        sizes = [fields.size(f"grid_output_{axis}") for axis in ("rows", "cols", "layers")]
        if loom and mode == "grid_scatter":
            known = len(positions) == len(branches) and all(sizes)
        rows, cols, layers = (size or 1 for size in sizes)
        if loom and (not known or unsupported):
            return cls(branches, disabled=True)  # Loom passes the input through
        for branch in branches if loom else ():
            branch.disabled = False  # Loom runs disabled branches
        gate = fields.layer("filter_gate", "gate")
        softmax = fields.part("filter_softmax", "gate softmax")
        return cls(
            branches,
            mode,
            grid_positions=positions,
            grid_shape=(rows, cols, layers) if mode == "grid_scatter" else None,
            gate=gate,
            gate_softmax=None if softmax is None else Softmax.from_fields(softmax),
            concat_by_branch=fields.boolean("concat_by_branch")
            or (loom and fields.batch_size > 1 and mode == "concat"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys, and the gate."""
        written: dict[str, Any] = {
            "combine_mode": self.combine_mode,
            "branches": [branch.settings() for branch in self.branches],
        }
        if self.combine_mode == "grid_scatter" and self.grid_shape is not None:
            written["grid_positions"] = [vars(place) for place in self.grid_positions]
            for axis, size in zip(("rows", "cols", "layers"), self.grid_shape, strict=True):
                written[f"grid_output_{axis}"] = size
        if self.gate is not None:
            written["filter_gate"] = self.gate.settings()
            written["filter_softmax"] = self.gate_softmax.to_fields()
        if self.concat_by_branch:
            written["concat_by_branch"] = True
        return written
