"""Multi-head attention as functions of tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields

from loom_core.errors import ShapeError
from loom_core.generic.lowered import LoweredLayer, layer_gradients
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph, require_tensor
from loom_core.layers import MultiHeadAttention
from loom_core.public import documented_like, public, read_record, record, result_record


@record
@dataclass
class AttentionWeights:
    """Weights and sizes of multi-head attention over D numbers a token.

    Args:
        q_weights: (D, H Dh) for H heads of Dh numbers.
        k_weights: (D, G Dh) for G key-value heads.
        v_weights: (D, G Dh).
        output_weight: (H Dh, D).
        d_model: D.
        num_heads: H.
        num_kv_heads: G; H when left out or 0.
        head_dim: Dh; D / H when left out or 0.
        q_bias: (H Dh); this and the other biases are zero when left out.
        k_bias: (G Dh).
        v_bias: (G Dh).
        output_bias: (D).
    """

    q_weights: Tensor
    k_weights: Tensor
    v_weights: Tensor
    output_weight: Tensor
    d_model: int
    num_heads: int
    num_kv_heads: int | None = None
    head_dim: int | None = None
    q_bias: Tensor | None = None
    k_bias: Tensor | None = None
    v_bias: Tensor | None = None
    output_bias: Tensor | None = None


@result_record
@documented_like(AttentionWeights)
@dataclass
class AttentionWeightGradients:
    """Gradients of attention weights, under their names.

    Their order is that of the layer.

    Args:
        q_bias: (H Dh).
    """

    q_weights: Tensor
    k_weights: Tensor
    v_weights: Tensor
    output_weight: Tensor
    q_bias: Tensor
    k_bias: Tensor
    v_bias: Tensor
    output_bias: Tensor


@result_record
@dataclass
class AttentionGradients:
    """Gradients of multi-head attention.

    Args:
        grad_input: In the input's shape.
        grad_weights: Of the matrices and biases.
    """

    grad_input: Tensor
    grad_weights: AttentionWeightGradients


@public("MultiHeadAttentionForward")
def multi_head_attention_forward(
    input: Tensor, weights: AttentionWeights, rope_theta: float = 0.0, causal: bool = False
) -> Tensor:
    """Return attention of each token to its sequence.

    The formulas are those of :class:`loom_core.MultiHeadAttention`.

    Args:
        input: (T, D), or (B, T, D) for B sequences.
        weights: Weights and sizes.
        rope_theta: Base of rotary position embedding; 0 for no positions.
        causal: A token sees itself and those before it only.

    Returns:
        In the input's shape.

    Raises:
        SpecError: A size out of range, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    with TensorGraph("MultiHeadAttentionForward", input) as graph:
        attention = _lowered(graph, input, weights, rope_theta, causal)
        return graph.run(graph.builder.reshape(attention.y, input.shape))[0]


@public("MultiHeadAttentionBackward")
@documented_like(multi_head_attention_forward)
def multi_head_attention_backward(
    grad_output: Tensor,
    input: Tensor,
    weights: AttentionWeights,
    rope_theta: float = 0.0,
    causal: bool = False,
) -> AttentionGradients:
    """Return the gradients of ``sum(output * grad_output)`` for MultiHeadAttentionForward.

    The other parameters are those of :func:`multi_head_attention_forward`.

    Args:
        grad_output: Gradient of the loss with respect to the output, of its size.

    Raises:
        SpecError, ShapeError: See :func:`multi_head_attention_forward`.
    """
    with TensorGraph("MultiHeadAttentionBackward", grad_output) as graph:
        attention = _lowered(graph, input, weights, rope_theta, causal)
        dx, *found = layer_gradients(graph, attention, grad_output)
        grad_input, *tensors = graph.run(graph.builder.reshape(dx, input.shape), *found)
        return AttentionGradients(grad_input, AttentionWeightGradients(*tensors))


def _lowered(
    graph: TensorGraph, input: Tensor, weights: AttentionWeights, rope_theta: float, causal: bool
) -> LoweredLayer:
    given = read_record(AttentionWeights, weights)
    layer = MultiHeadAttention(
        given.num_heads,
        given.d_model,
        num_kv_heads=given.num_kv_heads or None,
        head_dim=given.head_dim or None,
        rope_theta=rope_theta or None,
        causal=causal,
    )
    tensors = [getattr(given, field.name) for field in fields(AttentionWeightGradients)]
    graph.lend(layer, dict(zip(layer.weight_shapes(), tensors, strict=True)))
    shape = require_tensor(input, "input").shape
    batch = shape[0] if len(shape) == 3 else 1
    size = input.size()
    if size == 0 or size % (batch * given.d_model):
        raise ShapeError(f"input {shape} is no whole number of tokens of {given.d_model} numbers")
    x = graph.input(input, "input", (batch, size // (batch * given.d_model), given.d_model))
    return LoweredLayer(layer, x, layer.lower(graph.builder, x))
