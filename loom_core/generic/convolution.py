"""Conv2D and Conv1D as functions of tensors."""

from __future__ import annotations

import numpy as np

from loom_core import limits
from loom_core.arrays import Shape, element_count
from loom_core.checks import positive
from loom_core.errors import ShapeError
from loom_core.generic.activation import before_activation, through_activation
from loom_core.generic.results import ActivatedOutput, GenericBackwardResult
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.graph.op import Value
from loom_core.layers import Conv1D, Conv2D
from loom_core.public import public


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
        in_h: H.
        in_w: W.
        in_c: C.
        k_size: K.
        stride: s.
        padding: p, zeros on each side.
        filters: F.
        out_h: U; 0 leaves it to be computed, as it follows from the others.
        out_w: V; likewise.
        batch_size: B.
        activation: Name or code.

    Raises:
        SpecError: A size out of range, an unknown activation, or tensors of different types.
        ShapeError: A tensor of another size, or an output size that is not what follows.
        LimitError: The unrolled windows would need too much memory.
    """
    with TensorGraph("Conv2DForward", input) as graph:
        layer = Conv2D(
            filters, k_size, stride, padding, activation,
            input_channels=in_c, input_height=in_h, input_width=in_w,
        )  # fmt: skip
        sample = _sample(layer, (in_c, in_h, in_w), (out_h, out_w))
        return _forward(graph, layer, input, kernel, bias, (batch_size, *sample))


@public("Conv2DBackward")
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

    ``grad_output`` and ``pre_activation`` are (B, F, U, V); the others are as there.

    Args:
        grad_output: (B, F, U, V).
        input: x, (B, C, H, W).
        pre_activation: (B, F, U, V), as Conv2DForward gave it.
        kernel: (F, C, K, K).
        in_h: H, rows of the input.
        in_w: W, its columns.
        in_c: C, its channels.
        k_size: K, rows and columns of the kernel.
        stride: s, cells from one place of the kernel to the next.
        padding: p, cells of zeros on each side.
        filters: F, channels of the output.
        out_h: U, rows of the output; 0 leaves it to be computed.
        out_w: V, its columns; likewise.
        batch_size: B.
        activation: Name or code.

    Raises:
        SpecError, ShapeError, LimitError: See :func:`conv2d_forward`.
    """
    with TensorGraph("Conv2DBackward", grad_output) as graph:
        layer = Conv2D(
            filters, k_size, stride, padding, activation,
            input_channels=in_c, input_height=in_h, input_width=in_w,
        )  # fmt: skip
        sample = _sample(layer, (in_c, in_h, in_w), (out_h, out_w))
        tensors = (grad_output, input, pre_activation, kernel)
        return _backward(graph, layer, tensors, (batch_size, *sample))


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
        seq_len: T.
        in_channels: C.
        kernel_size: K.
        stride: s.
        padding: p, zeros on each side.
        filters: F.
        batch_size: B.
        activation: Name or code.

    Raises:
        SpecError, ShapeError, LimitError: See :func:`conv2d_forward`.
    """
    with TensorGraph("Conv1DForward", input) as graph:
        layer = Conv1D(
            filters, kernel_size, stride, padding, activation,
            input_channels=in_channels, input_length=seq_len,
        )  # fmt: skip
        sample = _sample(layer, (in_channels, seq_len), (0,))
        return _forward(graph, layer, input, kernel, bias, (batch_size, *sample))


@public("Conv1DBackward")
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

    ``grad_output`` and ``pre_activation`` are (B, F, U); the others are as there.

    Args:
        grad_output: (B, F, U).
        input: x, (B, C, T).
        pre_activation: (B, F, U), as Conv1DForward gave it.
        kernel: (F, C, K).
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
    with TensorGraph("Conv1DBackward", grad_output) as graph:
        layer = Conv1D(
            filters, kernel_size, stride, padding, activation,
            input_channels=in_channels, input_length=seq_len,
        )  # fmt: skip
        sample = _sample(layer, (in_channels, seq_len), (0,))
        tensors = (grad_output, input, pre_activation, kernel)
        return _backward(graph, layer, tensors, (batch_size, *sample))


def _sample(layer: Conv2D | Conv1D, sample: Shape, stated: Shape) -> Shape:
    """Return the input shape of one sample after checking the sizes that the caller stated."""
    given = tuple(positive(size, "an output size", minimum=0) for size in stated)
    computed = (layer.output_shape(sample) or ())[1:]
    if any(size not in (0, right) for size, right in zip(given, computed, strict=True)):
        raise ShapeError(f"the output is {computed}, not {given}", hint="Pass 0, or what it is.")
    return sample


def _lower(
    graph: TensorGraph,
    layer: Conv2D | Conv1D,
    input: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    shape: Shape,
) -> tuple[Value, Value]:
    """Return the input and the output; the memory of windows is measured first."""
    batch, channels = positive(shape[0], "batch_size"), shape[1]
    graph.lend(layer, {"kernel": kernel, "bias": bias})
    window = layer.kernel_size ** (len(shape) - 2)
    cells = element_count((layer.output_shape(shape[1:]) or ())[1:])
    padded = element_count(tuple(size + 2 * layer.padding for size in shape[2:]))
    numbers = batch * channels * max(window * cells, padded)
    memory = numbers * np.dtype(graph.compute).itemsize
    limits.require_within(memory, limits.PLAN_BYTES, "the memory of the convolution in bytes")
    x = graph.input(input, "input", shape)
    return x, layer.lower(graph.builder, x)


def _forward(
    graph: TensorGraph,
    layer: Conv2D | Conv1D,
    input: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    shape: Shape,
) -> ActivatedOutput:
    _, y = _lower(graph, layer, input, kernel, bias, shape)
    return ActivatedOutput(*graph.run(before_activation(graph, y), y))


def _backward(
    graph: TensorGraph,
    layer: Conv2D | Conv1D,
    tensors: tuple[Tensor, Tensor, Tensor, Tensor],
    shape: Shape,
) -> GenericBackwardResult:
    grad_output, input, pre_activation, kernel = tensors
    x, y = _lower(graph, layer, input, kernel, None, shape)
    dy = graph.input(grad_output, "gradOutput", y.shape)
    z, dz = through_activation(graph, y, dy, pre_activation)
    wanted = [x, *(layer.parameter(graph.builder, name) for name in ("kernel", "bias"))]
    return GenericBackwardResult(*graph.run(*graph.gradients(z, dz, wanted)))
