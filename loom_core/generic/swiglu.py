"""SwiGLU as functions of tensors."""

from __future__ import annotations

from loom_core.checks import positive
from loom_core.generic.results import SwiGLUGradients
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.graph.op import Value
from loom_core.layers import SwiGLU
from loom_core.public import public

_Weights = tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]


@public("SwiGLUForward")
def swiglu_forward(
    input: Tensor,
    gate_weights: Tensor,
    up_weights: Tensor,
    down_weights: Tensor,
    gate_bias: Tensor | None,
    up_bias: Tensor | None,
    down_bias: Tensor | None,
    input_size: int,
    intermediate_size: int,
    seq_len: int,
) -> Tensor:
    """Return ``(silu(x Wg + bg) * (x Wu + bu)) Wd + bd``, (T, D).

    The formulas are those of :class:`loom_core.SwiGLU`.

    Args:
        input: x, (T, D).
        gate_weights: Wg, (D, M).
        up_weights: Wu, (D, M).
        down_weights: Wd, (M, D).
        gate_bias: bg, (M); this and the other biases are zero when left out.
        up_bias: bu, (M).
        down_bias: bd, (D).
        input_size: D.
        intermediate_size: M.
        seq_len: T, tokens of all samples.

    Raises:
        SpecError: A size below 1, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    weights = (gate_weights, up_weights, down_weights, gate_bias, up_bias, down_bias)
    with TensorGraph("SwiGLUForward", input) as graph:
        _, _, y = _lower(graph, input, weights, input_size, intermediate_size, seq_len)
        return graph.run(y)[0]


@public("SwiGLUBackward")
def swiglu_backward(
    input: Tensor,
    grad_output: Tensor,
    gate_weights: Tensor,
    up_weights: Tensor,
    down_weights: Tensor,
    gate_bias: Tensor | None,
    up_bias: Tensor | None,
    down_bias: Tensor | None,
    input_size: int,
    intermediate_size: int,
    seq_len: int,
) -> SwiGLUGradients:
    """Return the gradients of ``sum(output * grad_output)`` for SwiGLUForward.

    Args:
        input: x, (T, D).
        grad_output: (T, D).
        gate_weights: Wg, (D, M).
        up_weights: Wu, (D, M).
        down_weights: Wd, (M, D).
        gate_bias: bg, (M); None for zero, as for the other biases.
        up_bias: bu, (M).
        down_bias: bd, (D).
        input_size: D, numbers in a token.
        intermediate_size: M, numbers in between.
        seq_len: T, tokens of all samples.

    Raises:
        SpecError, ShapeError: See :func:`swiglu_forward`.
    """
    weights = (gate_weights, up_weights, down_weights, gate_bias, up_bias, down_bias)
    with TensorGraph("SwiGLUBackward", grad_output) as graph:
        layer, x, y = _lower(graph, input, weights, input_size, intermediate_size, seq_len)
        dy = graph.input(grad_output, "gradOutput", y.shape)
        wanted = [x, *(layer.parameter(graph.builder, name) for name in layer.weights)]
        return SwiGLUGradients(*graph.run(*graph.gradients(y, dy, wanted)))


def _lower(
    graph: TensorGraph,
    input: Tensor,
    weights: _Weights,
    input_size: int,
    intermediate_size: int,
    seq_len: int,
) -> tuple[SwiGLU, Value, Value]:
    layer = SwiGLU(intermediate_size, input_size)
    graph.lend(layer, dict(zip(layer.weight_shapes(), weights, strict=True)))
    x = graph.input(input, "input", (positive(seq_len, "seq_len"), input_size))
    return layer, x, layer.lower(graph.builder, x)
