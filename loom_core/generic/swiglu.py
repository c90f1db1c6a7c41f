"""SwiGLU as functions of tensors."""

from __future__ import annotations

from loom_core.checks import positive
from loom_core.generic.lowered import LoweredLayer, layer_gradients, lowered
from loom_core.generic.results import SwiGLUGradients
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import SwiGLU
from loom_core.public import documented_like, public

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
        input_size: D, numbers in a token.
        intermediate_size: M, numbers in between.
        seq_len: T, tokens of all samples.

    Raises:
        SpecError: A size below 1, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    weights = (gate_weights, up_weights, down_weights, gate_bias, up_bias, down_bias)
    with TensorGraph("SwiGLUForward", input) as graph:
        sizes = (input_size, intermediate_size, seq_len)
        return graph.run(_lowered(graph, input, weights, sizes).y)[0]


@public("SwiGLUBackward")
@documented_like(swiglu_forward)
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

    The other parameters are those of :func:`swiglu_forward`.

    Args:
        grad_output: (T, D).

    Raises:
        SpecError, ShapeError: See :func:`swiglu_forward`.
    """
    weights = (gate_weights, up_weights, down_weights, gate_bias, up_bias, down_bias)
    with TensorGraph("SwiGLUBackward", grad_output) as graph:
        swiglu = _lowered(graph, input, weights, (input_size, intermediate_size, seq_len))
        return SwiGLUGradients(*graph.run(*layer_gradients(graph, swiglu, grad_output)))


def _lowered(
    graph: TensorGraph, input: Tensor, weights: _Weights, sizes: tuple[int, int, int]
) -> LoweredLayer:
    width, between, tokens = sizes
    layer = SwiGLU(between, width)
    named = dict(zip(layer.weight_shapes(), weights, strict=True))
    return lowered(graph, layer, named, input, (positive(tokens, "seq_len"), width))
