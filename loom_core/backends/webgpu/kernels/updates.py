"""Kernels of the optimizer: shaders/updates.wgsl, step_scale.wgsl and totals.wgsl."""

from __future__ import annotations

from loom_core.arrays import element_count
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
)
from loom_core.backends.webgpu.kernels.grids import cell_grid, pieces_of, row_grid, vectors_of
from loom_core.backends.webgpu.kernels.totals import totals
from loom_core.graph.op import Attribute, Attributes
from loom_core.graph.ops.updates import HYPER


def _squared_norms(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    """The parts of all gradients, one dispatch each, and then all sums of parts in one."""
    dispatches: list[Dispatch] = []
    counts: list[int] = []
    for source, shape in enumerate(inputs):
        count = element_count(shape)
        rows, width = pieces_of(vectors_of(count))
        grid = row_grid(rows, width, adapter)
        squares = Dispatch(
            "totals",
            "squares",
            (Operand("input", source), Operand("temporary")),
            parameters=(rows, width, count, sum(counts)),
            constants=grid.constants,
            workgroups=grid.workgroups,
        )
        dispatches.append(squares)
        counts.append(rows)
    last, segments = totals(Operand("temporary"), Operand("output"), counts, 1.0, adapter)
    return Kernel([*dispatches, last], temporaries=[sum(counts)], constants=[segments])


def _step_scale(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    count = element_count(inputs[1])
    grid = row_grid(1, count, adapter)
    buffers = (
        *(Operand("input", i) for i in range(4)),
        *(Operand("output", i) for i in range(2)),
    )
    dispatch = Dispatch(
        "step_scale", "step_scale", buffers, parameters=(count,), constants=grid.constants
    )
    return Kernel([dispatch])


def _update(entry: str) -> Encoder:
    """Hyperparameters and scale, the last two inputs, are bound first: all updates have them."""

    def encoder(
        inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
    ) -> Kernel:
        count = element_count(inputs[0])
        if count == 0:
            return Kernel([])
        last = len(inputs) - 1
        dispatch = Dispatch(
            "updates",
            entry,
            tuple(Operand("input", i) for i in (last - 1, last, *range(last - 1))),
            parameters=(vectors_of(count),),
            constants={name.upper(): _constant(set_) for name, set_ in attributes.items()},
            workgroups=cell_grid(vectors_of(count), adapter),
        )
        return Kernel([dispatch])

    return encoder


def _constant(setting: Attribute) -> int:
    """A switch, or the place of a number of the step."""
    return HYPER.index(setting) if isinstance(setting, str) else int(bool(setting))


_UPDATES = ("running_mean", "descend", "sgd", "momentum", "adamw", "rmsprop", "rmsprop_momentum")

ENCODERS: dict[str, Encoder] = {
    "squared_norms": _squared_norms,
    "step_scale": _step_scale,
    **{name: _update(name) for name in _UPDATES},
}
