"""Kernels of the losses: shaders/losses.wgsl, and shaders/totals.wgsl for the sum of the parts."""

from __future__ import annotations

from loom_core.arrays import element_count
from loom_core.backends.kernel_shapes import rows_of
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
)
from loom_core.backends.webgpu.kernels.grids import pieces_of, row_grid
from loom_core.backends.webgpu.kernels.totals import totals
from loom_core.graph.op import Attributes, number


def _loss(
    entry: str,
    shapes: tuple[Shapes, Shapes],
    adapter: Adapter,
    pieces: tuple[int, int],
    *,
    factor: float,
    scale: float,
    temperature: float = 1.0,
) -> Kernel:
    """Return a loss: parts and gradient of each piece, then factor times the sum of the parts.

    Args:
        entry: Compute function of the first stage.
        shapes: Of inputs and outputs.
        adapter: The device.
        pieces: How many, and their width.
        factor: Of the loss.
        scale: Of the gradient.
        temperature: Of the softmax.
    """
    rows, width = pieces
    grid = row_grid(rows, width, adapter)
    first = Dispatch(
        "losses",
        entry,
        (Operand("input"), Operand("input", 1), Operand("output", 1), Operand("temporary")),
        parameters=(rows, width, element_count(shapes[0][0]), scale, temperature),
        constants=grid.constants,
        workgroups=grid.workgroups,
    )
    second, segments = totals(Operand("temporary"), Operand("output"), [rows], factor, adapter)
    return Kernel([first, second], temporaries=[rows], constants=[segments])


def _mse(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    count = element_count(inputs[0])
    share = 1.0 / max(count, 1)
    shapes = (inputs, outputs)
    return _loss("mse", shapes, adapter, pieces_of(count), factor=share, scale=2.0 * share)


def _cross_entropy(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    share, pieces = -1.0 / max(inputs[0][0], 1), pieces_of(element_count(inputs[0]))
    shapes = (inputs, outputs)
    return _loss("cross_entropy", shapes, adapter, pieces, factor=share, scale=share)


def _softmax_cross_entropy(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    temperature, share = number(attributes, "temperature"), 1.0 / max(inputs[0][0], 1)
    return _loss(
        "softmax_cross_entropy",
        (inputs, outputs),
        adapter,
        rows_of(inputs[0]),
        factor=share,
        scale=share / temperature,
        temperature=temperature,
    )


ENCODERS: dict[str, Encoder] = {
    "mse": _mse,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}
