"""LayerNorm and RMSNorm as functions of tensors."""

from __future__ import annotations

from loom_core.checks import positive
from loom_core.errors import ShapeError
from loom_core.generic.lowered import LoweredLayer, layer_gradients
from loom_core.generic.results import NormGradients
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph, require_tensor
from loom_core.layers import LayerNorm, RMSNorm
from loom_core.public import documented_like, public


@public("LayerNormForward")
def layer_norm_forward(
    input: Tensor,
    residual: Tensor | None,
    gamma: Tensor,
    beta: Tensor | None,
    norm_size: int,
    batch_size: int,
    epsilon: float = 0.0,
) -> Tensor:
    """Return the layer norm of ``input + residual``.

    The formulas are those of :class:`loom_core.LayerNorm`.

    Args:
        input: x: for each of B samples, one or more groups of N numbers.
        residual: Added to x first, of its size; None for nothing.
        gamma: Gain, N numbers.
        beta: Bias, N numbers; None for zero.
        norm_size: N, numbers in a group.
        batch_size: B, samples.
        epsilon: Added to the variance; 0 is 1e-5.

    Returns:
        In the input's shape.

    Raises:
        SpecError: A size below 1, epsilon below 0, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    with TensorGraph("LayerNormForward", input) as graph:
        layer = LayerNorm(norm_size, epsilon or None)
        norm = _lowered(graph, layer, (gamma, beta), input, residual, batch_size)
        return graph.run(graph.builder.reshape(norm.y, input.shape))[0]


@public("LayerNormBackward")
@documented_like(layer_norm_forward)
def layer_norm_backward(
    input: Tensor,
    residual: Tensor | None,
    grad_output: Tensor,
    gamma: Tensor,
    beta: Tensor | None,
    norm_size: int,
    batch_size: int,
    epsilon: float = 0.0,
) -> NormGradients:
    """Return the gradients of ``sum(output * grad_output)`` for LayerNormForward.

    The other parameters are those of :func:`layer_norm_forward`.

    Args:
        grad_output: Gradient of the loss with respect to the output, of its size.

    Raises:
        SpecError, ShapeError: See :func:`layer_norm_forward`.
    """
    with TensorGraph("LayerNormBackward", grad_output) as graph:
        layer = LayerNorm(norm_size, epsilon or None)
        norm = _lowered(graph, layer, (gamma, beta), input, residual, batch_size)
        return NormGradients(*_gradients(graph, norm, input, grad_output))


@public("RMSNormForward")
def rms_norm_forward(
    input: Tensor, residual: Tensor | None, gamma: Tensor, norm_size: int, epsilon: float = 0.0
) -> Tensor:
    """Return the root-mean-square norm of ``input + residual``.

    The formulas are those of :class:`loom_core.RMSNorm`.

    Args:
        input: x, one or more groups of N numbers.
        residual: Added to x first, of its size; None for nothing.
        gamma: Gain, N numbers.
        norm_size: N, numbers in a group.
        epsilon: Added to the mean square; 0 is 1e-5.

    Returns:
        In the input's shape.

    Raises:
        SpecError, ShapeError: See :func:`layer_norm_forward`.
    """
    with TensorGraph("RMSNormForward", input) as graph:
        layer = RMSNorm(norm_size, epsilon or None)
        norm = _lowered(graph, layer, (gamma,), input, residual, 1)
        return graph.run(graph.builder.reshape(norm.y, input.shape))[0]


@public("RMSNormBackward")
@documented_like(rms_norm_forward)
def rms_norm_backward(
    input: Tensor,
    residual: Tensor | None,
    grad_output: Tensor,
    gamma: Tensor,
    norm_size: int,
    batch_size: int = 1,
    epsilon: float = 0.0,
) -> NormGradients:
    """Return the gradients of ``sum(output * grad_output)`` for RMSNormForward.

    The other parameters are those of :func:`rms_norm_forward`.

    Args:
        grad_output: Gradient of the loss with respect to the output, of its size.
        batch_size: Samples in the input, at least 1.

    Raises:
        SpecError, ShapeError: See :func:`layer_norm_forward`.
    """
    with TensorGraph("RMSNormBackward", grad_output) as graph:
        layer = RMSNorm(norm_size, epsilon or None)
        norm = _lowered(graph, layer, (gamma,), input, residual, batch_size)
        dx, dg = _gradients(graph, norm, input, grad_output)
        return NormGradients(dx, dg, grad_beta=None)


def _lowered(
    graph: TensorGraph,
    layer: LayerNorm | RMSNorm,
    weights: tuple[Tensor | None, ...],
    input: Tensor,
    residual: Tensor | None,
    batch_size: int,
) -> LoweredLayer:
    """Lower the norm of ``input + residual``; the x of the result is the input."""
    graph.lend(layer, dict(zip(layer.weight_shapes(), weights, strict=True)))
    size = require_tensor(input, "input").size()
    batch, width = positive(batch_size, "batch_size"), layer.norm_size or 1
    if size == 0 or size % (batch * width):
        raise ShapeError(f"input needs a multiple of {batch} x {width} numbers, got {size}")
    shape = (batch, size // batch)
    x = graph.input(input, "input", shape)
    total = x
    if residual is not None:
        total = graph.builder.emit("add", x, graph.input(residual, "residual", shape))
    return LoweredLayer(layer, x, layer.lower(graph.builder, total))


def _gradients(
    graph: TensorGraph, norm: LoweredLayer, input: Tensor, grad_output: Tensor
) -> list[Tensor]:
    """Return the gradients of the input and of each weight."""
    dx, *found = layer_gradients(graph, norm, grad_output)
    return graph.run(graph.builder.reshape(dx, input.shape), *found)
