"""Kernels of the distributions along rows: shaders/softmax.wgsl, entmax.wgsl, loom_entmax.wgsl."""

from __future__ import annotations

import math
from dataclasses import replace

from loom_core.backends.kernel_shapes import rows_of
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
)
from loom_core.backends.webgpu.kernels.grids import row_grid
from loom_core.graph.op import Attributes, number

_NEARLY_SOFTMAX = 1.25
"""Below this alpha entmax's threshold is counted from -1, where it lies nearly."""

_HALVING_PASSES = 47
"""What the shaders that halve an interval 40 times make at most, with those before and after."""


def row_kernel(
    shader: str,
    entry: str,
    shapes: tuple[Shapes, Shapes],
    adapter: Adapter,
    parameters: tuple[int | float, ...] = (),
    *,
    passes: int = 4,
    **constants: float,
) -> Kernel:
    """Return one dispatch that works on rows of the first input along the last axis.

    Args:
        shader: File name.
        entry: Compute function.
        shapes: Of inputs and outputs, all of which are bound in this order.
        adapter: The device.
        parameters: After rows and width.
        passes: How often the shader goes over a row at most.
        constants: Override constants besides those of the grid.
    """
    inputs, outputs = shapes
    rows, width = rows_of(inputs[0])
    if rows * width == 0:
        return Kernel([])
    grid = row_grid(rows, width, adapter, passes)
    buffers = (
        *(Operand("input", i) for i in range(len(inputs))),
        *(Operand("output", i) for i in range(len(outputs))),
    )
    dispatch = Dispatch(
        shader,
        entry,
        buffers,
        parameters=(rows, width, *parameters),
        constants={**grid.constants, **constants},
        workgroups=grid.workgroups,
    )
    return Kernel([dispatch])


def _softmax(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    steps = inputs[0][-2] if attributes["causal"] else 0
    settings = (steps, number(attributes, "temperature"))
    return row_kernel("softmax", "softmax", (inputs, outputs), adapter, settings)


def _softmax_dx(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    settings = (0, number(attributes, "temperature"))
    return row_kernel("softmax", "softmax_dx", (inputs, outputs), adapter, settings)


def _entmax(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    """The threshold lies between -1 and -width^(1-alpha), or is counted from -1."""
    excess, width = number(attributes, "alpha") - 1, inputs[0][-1]
    close = number(attributes, "alpha") < _NEARLY_SOFTMAX
    full = -excess * math.log(max(width, 1))
    low, high = (0.0, -math.expm1(full)) if close else (-1.0, -math.exp(full))
    settings = (excess, number(attributes, "temperature"), low, high)
    shapes = (inputs, outputs)
    return row_kernel(
        *("entmax", "entmax", shapes, adapter, settings),
        passes=_HALVING_PASSES,
        NEARLY_SOFTMAX=int(close),
    )


def _entmax_dx(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    excess, temperature = number(attributes, "alpha") - 1, number(attributes, "temperature")
    settings = (excess, temperature, 0.0, 0.0)
    return row_kernel("entmax", "entmax_dx", (inputs, outputs), adapter, settings)


def _loom_entmax(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    settings = (number(attributes, "alpha"),)
    shapes = (inputs, outputs)
    return row_kernel(
        "loom_entmax", "loom_entmax", shapes, adapter, settings, passes=_HALVING_PASSES
    )


def _loom_entmax_dx(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    """The scores are bound first, as in the forward, so that both share the threshold."""
    settings = (number(attributes, "alpha"),)
    shapes = (inputs, outputs)
    kernel = row_kernel(
        "loom_entmax", "loom_entmax_dx", shapes, adapter, settings, passes=_HALVING_PASSES
    )
    buffers = (Operand("input", 1), Operand("input"), Operand("output"))
    return Kernel([replace(dispatch, buffers=buffers) for dispatch in kernel.dispatches])


ENCODERS: dict[str, Encoder] = {
    "softmax": _softmax,
    "softmax_dx": _softmax_dx,
    "entmax": _entmax,
    "entmax_dx": _entmax_dx,
    "loom_entmax": _loom_entmax,
    "loom_entmax_dx": _loom_entmax_dx,
}
