"""Kernels of pooling: shaders/pooling.wgsl."""

from __future__ import annotations

from math import prod

from loom_core.arrays import Shape, element_count
from loom_core.backends.kernel_shapes import pooling_sizes
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
)
from loom_core.backends.webgpu.kernels.grids import row_grid
from loom_core.graph.op import Attributes, integers

_INPUT, _OUTPUT, _PLACES = Operand("input"), Operand("output"), Operand("temporary")


def _stage(
    entry: str,
    buffers: tuple[Operand, ...],
    sizes: tuple[int, ...],
    rows: int,
    width: int,
    adapter: Adapter,
) -> Dispatch:
    """Return a run in which lanes share ``width`` cells or windows for each of ``rows`` numbers."""
    grid = row_grid(rows, width, adapter, passes=1)
    return Dispatch("pooling", entry, buffers, sizes, grid.constants, grid.workgroups)


def _forward(entry: str) -> Encoder:
    def encoder(
        inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
    ) -> Kernel:
        (y,) = outputs
        if element_count(y) == 0:
            return Kernel([])
        sizes = pooling_sizes(inputs[0], y, attributes)
        window = element_count(integers(attributes, "kernel"))
        stage = _stage(entry, (_INPUT, _OUTPUT), sizes, element_count(y), window, adapter)
        return Kernel([stage])

    return encoder


def _most_windows(y: Shape, sizes: tuple[int, ...]) -> int:
    """Return in how many windows a cell lies at most."""
    return prod(min(n, -(-k // s)) for n, k, s in zip(y[2:], sizes[3:5], sizes[5:7], strict=True))


def _max_pool2d_dx(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    dy, x = inputs
    if element_count(x) == 0:
        return Kernel([])
    sizes = pooling_sizes(x, dy, attributes)
    window = element_count(integers(attributes, "kernel"))
    windows, count = element_count(dy), _most_windows(dy, sizes)
    places = (Operand("input", 1), _PLACES)
    buffers = (_INPUT, _OUTPUT, _PLACES)
    stages = [
        _stage("max_place", places, sizes, windows, window, adapter),
        _stage("max_pool2d_dx", buffers, sizes, element_count(x), count, adapter),
    ]
    return Kernel(stages, temporaries=[windows])


def _avg_pool2d_dx(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    (dy,), (dx,) = inputs, outputs
    if element_count(dx) == 0:
        return Kernel([])
    sizes = pooling_sizes(dx, dy, attributes)
    count = _most_windows(dy, sizes)
    buffers = (_INPUT, _OUTPUT)
    return Kernel([_stage("avg_pool2d_dx", buffers, sizes, element_count(dx), count, adapter)])


ENCODERS: dict[str, Encoder] = {
    "max_pool2d": _forward("max_pool2d"),
    "max_pool2d_dx": _max_pool2d_dx,
    "avg_pool2d": _forward("avg_pool2d"),
    "avg_pool2d_dx": _avg_pool2d_dx,
}
