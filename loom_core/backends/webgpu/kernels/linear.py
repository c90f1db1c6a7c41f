"""Matrix product, one number a channel, and the sum to channels: product_*.wgsl, channels.wgsl."""

from __future__ import annotations

from math import isqrt

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import element_count
from loom_core.backends.kernel_shapes import around
from loom_core.backends.webgpu.dispatch import Adapter, Dispatch, Encoder, Kernel, Operand, Shapes
from loom_core.backends.webgpu.kernels.grids import cell_grid, row_run
from loom_core.backends.webgpu.kernels.products import (
    Operands,
    Product,
    Steps,
    add_parts,
    product_dispatches,
)
from loom_core.graph.op import Attributes, integer

_FIRST, _SECOND, _RESULT = Operand("input", 0), Operand("input", 1), Operand("output")
_PARTS = Operand("temporary")

_CELLS_OF_A_SHORT_SUM = 128
"""So many cells a channel are added by one invocation, in one stage."""


def _matmul(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    turned_a, turned_b = bool(attributes["transpose_a"]), bool(attributes["transpose_b"])
    (*lead, m, n), k = outputs[0], inputs[0][-2 if turned_a else -1]
    size = element_count(outputs[0])
    if size == 0:
        return Kernel(())
    product = Product(
        rows=m,
        columns=n,
        depth=k,
        batch=element_count(tuple(lead)),
        a=Steps(row=1, depth=m, batch=m * k) if turned_a else Steps(row=k, depth=1, batch=m * k),
        b=Steps(depth=1, column=k, batch=k * n)
        if turned_b
        else Steps(depth=n, column=1, batch=k * n),
        y=Steps(row=n, column=1, batch=m * n),
        size=size,
    )
    dispatches, words = product_dispatches(
        product, Operands(_FIRST, _SECOND, _RESULT), _PARTS, adapter
    )
    return Kernel(dispatches, temporaries=(words,) if words else ())


def _per_channel(entry: str) -> Encoder:
    def encoder(
        inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
    ) -> Kernel:
        outer, channels, inner = around(inputs[0], integer(attributes, "axis"))
        rows, width = (outer, channels) if inner == 1 else (outer * channels, inner)
        if rows * width == 0:
            return Kernel(())
        run = row_run(width, adapter)
        runs = -(-width // run)
        constants = {"CHANNELS_BESIDE": int(inner == 1), "RUN": run}
        if "function" in attributes:
            constants["FUNCTION"] = ACTIVATIONS[str(attributes["function"])].code
        dispatch = Dispatch(
            "channels",
            entry,
            (_FIRST, _SECOND, _RESULT),
            parameters=(rows, width, channels, runs),
            constants=constants,
            workgroups=cell_grid(rows * runs, adapter),
        )
        return Kernel([dispatch])

    return encoder


def _sum_to_axis(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    """One stage for few cells a channel; else about as many parts as cells of a part."""
    outer, channels, inner = around(inputs[0], integer(attributes, "axis"))
    if channels == 0:
        return Kernel(())
    lanes, part_outer, cells = 1, max(1, outer), outer * inner
    if cells > _CELLS_OF_A_SHORT_SUM:
        wanted = isqrt(cells)
        lanes = min(inner, wanted)
        part_outer = -(-outer // max(1, wanted // lanes))
    parts = max(1, -(-outer // part_outer)) * lanes
    constants = {"CHANNELS_BESIDE": int(inner == 1)}
    first = Dispatch(
        "channels",
        "sum_to_axis",
        (_FIRST, _RESULT if parts == 1 else _PARTS),
        parameters=(outer, channels, inner, part_outer, lanes, parts * channels),
        constants=constants,
        workgroups=cell_grid(parts * channels, adapter),
    )
    if parts == 1:
        return Kernel([first])
    second = add_parts(_PARTS, _RESULT, channels, parts, adapter)
    return Kernel([first, second], temporaries=(parts * channels,))


ENCODERS: dict[str, Encoder] = {
    "matmul": _matmul,
    "add_bias": _per_channel("add_bias"),
    "mul_channels": _per_channel("mul_channels"),
    "sum_to_axis": _sum_to_axis,
}
