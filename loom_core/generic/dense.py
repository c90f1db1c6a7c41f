"""Dense as functions of tensors."""

from __future__ import annotations

from loom_core.activations import activation as find_activation
from loom_core.checks import positive
from loom_core.generic.lowered import (
    LoweredLayer,
    activated_gradients,
    activated_output,
    lowered,
)
from loom_core.generic.results import ActivatedOutput, GenericBackwardResult
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import Dense
from loom_core.public import documented_like, public


@public("DenseForward")
def dense_forward(
    input: Tensor,
    weights: Tensor,
    bias: Tensor | None,
    input_size: int,
    output_size: int,
    batch_size: int,
    activation: str | int,
) -> ActivatedOutput:
    """Return ``x W + b`` and ``f(x W + b)``, both (B, O).

    The formulas are those of :class:`loom_core.Dense`.

    Args:
        input: x, (B, I).
        weights: W, (I, O): the O of one input side by side.
        bias: b, O numbers; zero when left out.
        input_size: I.
        output_size: O.
        batch_size: B.
        activation: Name or code of f.

    Raises:
        SpecError: A size below 1, an unknown activation, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    with TensorGraph("DenseForward", input) as graph:
        sizes = (input_size, output_size, batch_size)
        return activated_output(graph, _lowered(graph, input, weights, bias, sizes, activation))


@public("DenseBackward")
@documented_like(dense_forward)
def dense_backward(
    grad_output: Tensor,
    input: Tensor,
    pre_act: Tensor,
    weights: Tensor,
    input_size: int,
    output_size: int,
    batch_size: int,
    activation: str | int,
) -> GenericBackwardResult:
    """Return the gradients of ``sum(y * grad_output)`` for the y of DenseForward.

    The other parameters are those of :func:`dense_forward`.

    Args:
        grad_output: (B, O).
        pre_act: (B, O), as DenseForward gave it.

    Raises:
        SpecError, ShapeError: See :func:`dense_forward`.
    """
    with TensorGraph("DenseBackward", grad_output) as graph:
        sizes = (input_size, output_size, batch_size)
        dense = _lowered(graph, input, weights, None, sizes, activation)
        return activated_gradients(graph, dense, grad_output, pre_act)


def _lowered(
    graph: TensorGraph,
    input: Tensor,
    weights: Tensor,
    bias: Tensor | None,
    sizes: tuple[int, int, int],
    activation: str | int,
) -> LoweredLayer:
    inputs, outputs, batch = sizes
    layer = Dense(outputs, find_activation(activation).name, input_size=inputs)
    shape = (positive(batch, "batch_size"), inputs)
    return lowered(graph, layer, {"kernel": weights, "bias": bias}, input, shape)
