"""Conv2D and Conv1D as functions of tensors."""

from __future__ import annotations

import numpy as np

from loom_core import limits
from loom_core.arrays import element_count
from loom_core.checks import positive
from loom_core.errors import ShapeError
from loom_core.generic.lowered import (
    LoweredLayer,
    activated_gradients,
    activated_output,
    lowered,
)
from loom_core.generic.results import ActivatedOutput, GenericBackwardResult
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import Conv1D, Conv2D
from loom_core.public import documented_like, public


@public("Conv2DForward")
def conv2d_forward(
    input: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    in_h: int,
    in_w: int,
    in_c: int,
    k_size: int,
    stride: int,
    padding: int,
    filters: int,
    out_h: int,
    out_w: int,
    batch_size: int,
    activation: str | int,
) -> ActivatedOutput:
    """Return a convolution before and after its activation, (B, F, U, V).

    The formula is that of :class:`loom_core.Conv2D`.

    Args:
        input: x, (B, C, H, W).
        kernel: (F, C, K, K).
        bias: F numbers; zero when left out.
        in_h: H, rows of the input.
        in_w: W, its columns.
        in_c: C, its channels.
        k_size: K, rows and columns of the kernel.
        stride: s, cells from one place of the kernel to the next.
        padding: p, cells of zeros on each side.
        filters: F, channels of the output.
        out_h: U, rows of the output; 0 leaves it to be computed, as it follows from the others.
        out_w: V, its columns; likewise.
        batch_size: B.
        activation: Name or code.

    Raises:
        SpecError: A size out of range, an unknown activation, or tensors of different types.
        ShapeError: A tensor of another size, or an output size that is not what follows.
        LimitError: The unrolled windows would need too much memory.
    """
    with TensorGraph("Conv2DForward", input) as graph:
        layer = _conv2d(
            in_h, in_w, in_c, k_size, stride, padding, filters, out_h, out_w, activation
        )
        return activated_output(graph, _lowered(graph, layer, input, kernel, bias, batch_size))


@public("Conv2DBackward")
@documented_like(conv2d_forward)
def conv2d_backward(
    grad_output: Tensor,
    input: Tensor,
    pre_activation: Tensor,
    kernel: Tensor,
    in_h: int,
    in_w: int,
    in_c: int,
    k_size: int,
    stride: int,
    padding: int,
    filters: int,
    out_h: int,
    out_w: int,
    batch_size: int,
    activation: str | int,
) -> GenericBackwardResult:
    """Return the gradients of ``sum(y * grad_output)`` for the y of Conv2DForward.

    The other parameters are those of :func:`conv2d_forward`.

    Args:
        grad_output: (B, F, U, V).
        pre_activation: (B, F, U, V), as Conv2DForward gave it.

    Raises:
        SpecError, ShapeError, LimitError: See :func:`conv2d_forward`.
    """
    with TensorGraph("Conv2DBackward", grad_output) as graph:
        layer = _conv2d(
            in_h, in_w, in_c, k_size, stride, padding, filters, out_h, out_w, activation
        )
        conv = _lowered(graph, layer, input, kernel, None, batch_size)
        return activated_gradients(graph, conv, grad_output, pre_activation)


@public("Conv1DForward")
def conv1d_forward(
    input: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    seq_len: int,
    in_channels: int,
    kernel_size: int,
    stride: int,
    padding: int,
    filters: int,
    batch_size: int,
    activation: str | int,
) -> ActivatedOutput:
    """Return a convolution in time before and after its activation, (B, F, U).

    The formula is that of :class:`loom_core.Conv1D`.

    Args:
        input: x, (B, C, T).
        kernel: (F, C, K).
        bias: F numbers; zero when left out.
        seq_len: T, steps of the input.
        in_channels: C, its channels.
        kernel_size: K, steps of the kernel.
        stride: s, steps from one place of the kernel to the next.
        padding: p, steps of zeros on each side.
        filters: F, channels of the output.
        batch_size: B.
        activation: Name or code.

    Raises:
        SpecError, ShapeError, LimitError: See :func:`conv2d_forward`.
    """
    with TensorGraph("Conv1DForward", input) as graph:
        layer = _conv1d(seq_len, in_channels, kernel_size, stride, padding, filters, activation)
        return activated_output(graph, _lowered(graph, layer, input, kernel, bias, batch_size))


@public("Conv1DBackward")
@documented_like(conv1d_forward)
def conv1d_backward(
    grad_output: Tensor,
    input: Tensor,
    pre_activation: Tensor,
    kernel: Tensor,
    seq_len: int,
    in_channels: int,
    kernel_size: int,
    stride: int,
    padding: int,
    filters: int,
    batch_size: int,
    activation: str | int,
) -> GenericBackwardResult:
    """Return the gradients of ``sum(y * grad_output)`` for the y of Conv1DForward.

    The other parameters are those of :func:`conv1d_forward`.

    Args:
        grad_output: (B, F, U).
        pre_activation: (B, F, U), as Conv1DForward gave it.

    Raises:
        SpecError, ShapeError, LimitError: See :func:`conv2d_forward`.
    """
    with TensorGraph("Conv1DBackward", grad_output) as graph:
        layer = _conv1d(seq_len, in_channels, kernel_size, stride, padding, filters, activation)
        conv = _lowered(graph, layer, input, kernel, None, batch_size)
        return activated_gradients(graph, conv, grad_output, pre_activation)


def _conv2d(
    in_h: int,
    in_w: int,
    in_c: int,
    k_size: int,
    stride: int,
    padding: int,
    filters: int,
    out_h: int,
    out_w: int,
    activation: str | int,
) -> Conv2D:
    """Return the layer after checking the output sizes that the caller stated."""
    layer = Conv2D(
        filters, k_size, stride, padding, activation,
        input_channels=in_c, input_height=in_h, input_width=in_w,
    )  # fmt: skip
    given = tuple(positive(size, "an output size", minimum=0) for size in (out_h, out_w))
    computed = (layer.output_shape(layer.input_sizes()) or ())[1:]
    if any(size not in (0, right) for size, right in zip(given, computed, strict=True)):
        raise ShapeError(f"the output is {computed}, not {given}", hint="Pass 0, or what it is.")
    return layer


def _conv1d(
    seq_len: int,
    in_channels: int,
    kernel_size: int,
    stride: int,
    padding: int,
    filters: int,
    activation: str | int,
) -> Conv1D:
    return Conv1D(
        filters, kernel_size, stride, padding, activation,
        input_channels=in_channels, input_length=seq_len,
    )  # fmt: skip


def _lowered(
    graph: TensorGraph,
    layer: Conv2D | Conv1D,
    input: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    batch_size: int,
) -> LoweredLayer:
    """Lower the layer after checking the memory that its windows will need."""
    batch, sample = positive(batch_size, "batch_size"), layer.input_sizes()
    channels, *sizes = sample
    window = layer.kernel_size ** len(sizes)
    cells = element_count((layer.output_shape(sample) or ())[1:])
    padded = element_count(tuple(size + 2 * layer.padding for size in sizes))
    numbers = batch * channels * max(window * cells, padded)
    memory = numbers * np.dtype(graph.compute).itemsize
    limits.require_within(memory, limits.PLAN_BYTES, "the memory of the convolution in bytes")
    return lowered(graph, layer, {"kernel": kernel, "bias": bias}, input, (batch, *sample))
