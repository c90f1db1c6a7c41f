"""RNN as functions of tensors."""

from __future__ import annotations

from dataclasses import dataclass

from loom_core.generic.recurrent import step_shape, with_start, without_start
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import RNN
from loom_core.public import public, result_record


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
        batch_size: B.
        seq_length: T.
        input_size: I.
        hidden_size: H.

    Raises:
        SpecError: A size below 1, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    with TensorGraph("RNNForward", input) as graph:
        layer = RNN(hidden_size, input_size, seq_length=seq_length)
        graph.lend(layer, {"input": weight_ih, "recurrent": weight_hh, "bias": bias_h})
        x = graph.input(input, "input", step_shape(batch_size, seq_length, input_size))
        y = layer.lower(graph.builder, x)
        return RNNOutput(*graph.run(y, with_start(graph, y)))


@public("RNNBackward")
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

    Backpropagation through time over the states (B, T + 1, H) that RNNForward gave.

    Args:
        grad_output: (B, T, H).
        input: x, (B, T, I).
        hidden_states: (B, T + 1, H), as RNNForward gave them.
        weight_ih: W, (H, I).
        weight_hh: U, (H, H).
        batch_size: B, samples.
        seq_length: T, steps.
        input_size: I, numbers in a step of the input.
        hidden_size: H, numbers in a state.

    Raises:
        SpecError, ShapeError: See :func:`rnn_forward`.
    """
    with TensorGraph("RNNBackward", grad_output) as graph:
        layer = RNN(hidden_size, input_size, seq_length=seq_length)
        graph.lend(layer, {"input": weight_ih, "recurrent": weight_hh, "bias": None})
        x = graph.input(input, "input", step_shape(batch_size, seq_length, input_size))
        y = layer.lower(graph.builder, x)
        dy = graph.input(grad_output, "gradOutput", y.shape)
        h = without_start(graph, hidden_states, "hiddenStates", y)
        graph.replay(y, h)
        names = ("input", "recurrent", "bias")
        wanted = [x, *(layer.parameter(graph.builder, name) for name in names)]
        return RNNGradients(*graph.run(*graph.gradients(h, dy, wanted)))
