"""RNN as functions of tensors."""

from __future__ import annotations

from dataclasses import dataclass

from loom_core.generic.lowered import LoweredLayer, layer_gradients, lowered
from loom_core.generic.recurrent import step_shape, with_start, without_start
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import RNN
from loom_core.public import documented_like, public, result_record


@result_record
@dataclass
class RNNOutput:
    """Output of a simple recurrent layer.

    Args:
        output: (B, T, H), the state after each step.
        hidden_states: (B, T + 1, H), the same with the zero start before it.
    """

    output: Tensor
    hidden_states: Tensor


@result_record
@dataclass
class RNNGradients:
    """Gradients of a simple recurrent layer.

    Args:
        grad_input: (B, T, I).
        grad_weight_ih: (H, I).
        grad_weight_hh: (H, H).
        grad_bias_h: (H).
    """

    grad_input: Tensor
    grad_weight_ih: Tensor
    grad_weight_hh: Tensor
    grad_bias_h: Tensor


@public("RNNForward")
def rnn_forward(
    input: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_h: Tensor | None,
    batch_size: int,
    seq_length: int,
    input_size: int,
    hidden_size: int,
) -> RNNOutput:
    """Return the states ``h_t = tanh(W x_t + U h_{t-1} + b)``.

    The formulas are those of :class:`loom_core.RNN`.

    Args:
        input: x, (B, T, I).
        weight_ih: W, (H, I).
        weight_hh: U, (H, H).
        bias_h: b, (H); zero when left out.
        batch_size: B, samples.
        seq_length: T, steps.
        input_size: I, numbers in a step of the input.
        hidden_size: H, numbers in a state.

    Raises:
        SpecError: A size below 1, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    with TensorGraph("RNNForward", input) as graph:
        weights = (weight_ih, weight_hh, bias_h)
        sizes = (batch_size, seq_length, input_size)
        y = _lowered(graph, input, weights, sizes, hidden_size).y
        return RNNOutput(*graph.run(y, with_start(graph, y)))


@public("RNNBackward")
@documented_like(rnn_forward)
def rnn_backward(
    grad_output: Tensor,
    input: Tensor,
    hidden_states: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    batch_size: int,
    seq_length: int,
    input_size: int,
    hidden_size: int,
) -> RNNGradients:
    """Return the gradients of ``sum(output * grad_output)`` for the output of RNNForward.

    Backpropagation through time over the states that RNNForward gave. The other parameters are
    those of :func:`rnn_forward`.

    Args:
        grad_output: (B, T, H).
        hidden_states: (B, T + 1, H), as RNNForward gave them.

    Raises:
        SpecError, ShapeError: See :func:`rnn_forward`.
    """
    with TensorGraph("RNNBackward", grad_output) as graph:
        weights = (weight_ih, weight_hh, None)
        rnn = _lowered(graph, input, weights, (batch_size, seq_length, input_size), hidden_size)
        h = without_start(graph, hidden_states, "hiddenStates", rnn.y)
        graph.replay(rnn.y, h)
        return RNNGradients(*graph.run(*layer_gradients(graph, rnn, grad_output, h)))


def _lowered(
    graph: TensorGraph,
    input: Tensor,
    weights: tuple[Tensor, Tensor, Tensor | None],
    sizes: tuple[int, int, int],
    hidden_size: int,
) -> LoweredLayer:
    _, steps, width = sizes
    layer = RNN(hidden_size, width, seq_length=steps)
    named = dict(zip(layer.weight_shapes(), weights, strict=True))
    return lowered(graph, layer, named, input, step_shape(*sizes))
