"""Dense as functions of tensors."""

from __future__ import annotations

from loom_core.activations import activation as find_activation
from loom_core.checks import positive
from loom_core.generic.activation import before_activation, through_activation
from loom_core.generic.results import ActivatedOutput, GenericBackwardResult
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import Dense
from loom_core.public import public


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
        input: x, B * I numbers.
        weights: W, I * O numbers, the O of one input side by side.
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
        layer = Dense(output_size, find_activation(activation).name, input_size=input_size)
        graph.lend(layer, {"kernel": weights, "bias": bias})
        x = graph.input(input, "input", (positive(batch_size, "batch_size"), input_size))
        y = layer.lower(graph.builder, x)
        return ActivatedOutput(*graph.run(before_activation(graph, y), y))


@public("DenseBackward")
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

    Args:
        grad_output: (B, O).
        input: x, (B, I).
        pre_act: (B, O), as DenseForward gave it.
        weights: W, (I, O).
        input_size: I.
        output_size: O.
        batch_size: B.
        activation: Name or code of f.

    Raises:
        SpecError, ShapeError: See :func:`dense_forward`.
    """
    with TensorGraph("DenseBackward", grad_output) as graph:
        layer = Dense(output_size, find_activation(activation).name, input_size=input_size)
        graph.lend(layer, {"kernel": weights, "bias": None})
        x = graph.input(input, "input", (positive(batch_size, "batch_size"), input_size))
        y = layer.lower(graph.builder, x)
        dy = graph.input(grad_output, "gradOutput", y.shape)
        z, dz = through_activation(graph, y, dy, pre_act)
        wanted = [x, *(layer.parameter(graph.builder, name) for name in ("kernel", "bias"))]
        return GenericBackwardResult(*graph.run(*graph.gradients(z, dz, wanted)))
