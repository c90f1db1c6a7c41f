"""LSTM as functions of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from loom_core.errors import SpecError
from loom_core.generic.lowered import LoweredLayer, layer_gradients, lowered
from loom_core.generic.recurrent import step_shape, take, with_start, without_start
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import LSTM
from loom_core.public import documented_like, public, read_record, record, result_record

GATES = ("i_gate", "f_gate", "g_gate", "o_gate")
"""Input, forget, candidate and output gate, in the order in which the layer stacks them."""


@record
@dataclass
class LSTMWeights:
    """Weights of the four gates of a long short-term memory, I inputs and H states.

    Args:
        weight_ih_i: (H, I), input gate.
        weight_hh_i: (H, H).
        bias_h_i: (H).
        weight_ih_f: (H, I), forget gate.
        weight_hh_f: (H, H).
        bias_h_f: (H).
        weight_ih_g: (H, I), candidate gate.
        weight_hh_g: (H, H).
        bias_h_g: (H).
        weight_ih_o: (H, I), output gate.
        weight_hh_o: (H, H).
        bias_h_o: (H).
    """

    weight_ih_i: Tensor = field(metadata={"public": "WeightIH_i"})
    weight_hh_i: Tensor = field(metadata={"public": "WeightHH_i"})
    bias_h_i: Tensor = field(metadata={"public": "BiasH_i"})
    weight_ih_f: Tensor = field(metadata={"public": "WeightIH_f"})
    weight_hh_f: Tensor = field(metadata={"public": "WeightHH_f"})
    bias_h_f: Tensor = field(metadata={"public": "BiasH_f"})
    weight_ih_g: Tensor = field(metadata={"public": "WeightIH_g"})
    weight_hh_g: Tensor = field(metadata={"public": "WeightHH_g"})
    bias_h_g: Tensor = field(metadata={"public": "BiasH_g"})
    weight_ih_o: Tensor = field(metadata={"public": "WeightIH_o"})
    weight_hh_o: Tensor = field(metadata={"public": "WeightHH_o"})
    bias_h_o: Tensor = field(metadata={"public": "BiasH_o"})


@result_record
@dataclass
class LSTMWeightGradients(LSTMWeights):
    """Gradients of a long short-term memory's weights, under their names."""


@result_record
@dataclass
class LSTMOutput:
    """Output of a long short-term memory.

    Args:
        output: (B, T, H).
        hidden: (B, T + 1, H), the same with the zero start before it.
        cell: (B, T + 1, H), the cells likewise.
        gates: ``i_gate``, ``f_gate``, ``g_gate``, ``o_gate`` and ``c_tanh``, each (B, T, H).
    """

    output: Tensor
    hidden: Tensor
    cell: Tensor
    gates: dict[str, Tensor]


@result_record
@dataclass
class LSTMGradients:
    """Gradients of a long short-term memory.

    Args:
        grad_input: (B, T, I).
        grad_weights: Of the four gates.
    """

    grad_input: Tensor
    grad_weights: LSTMWeightGradients


@public("LSTMForward")
def lstm_forward(
    input: Tensor,
    weights: LSTMWeights,
    batch_size: int,
    seq_length: int,
    input_size: int,
    hidden_size: int,
) -> LSTMOutput:
    """Return a long short-term memory's output, states and gates.

    The formulas are those of :class:`loom_core.LSTM`.

    Args:
        input: x, (B, T, I).
        weights: Of the four gates.
        batch_size: B, samples.
        seq_length: T, steps.
        input_size: I, numbers in a step of the input.
        hidden_size: H, numbers in a state.

    Raises:
        SpecError: A size below 1, or tensors of different types.
        ShapeError: A tensor of another size.
    """
    with TensorGraph("LSTMForward", input) as graph:
        sizes = (batch_size, seq_length, input_size)
        lstm = _lowered(graph, input, weights, sizes, hidden_size)
        h, c, gates = graph.builder.producers[lstm.y].outputs
        parts = [take(graph, gates, 2, k * hidden_size, hidden_size) for k in range(4)]
        squashed = graph.builder.emit("activate", c, function="tanh")
        starts = (with_start(graph, h), with_start(graph, c))
        output, hidden, cell, *found = graph.run(h, *starts, *parts, squashed)
        named = dict(zip((*GATES, "c_tanh"), found, strict=True))
        return LSTMOutput(output, hidden, cell, named)


@public("LSTMBackward")
@documented_like(lstm_forward)
def lstm_backward(
    grad_output: Tensor,
    input: Tensor,
    states: Mapping[str, Tensor],
    weights: LSTMWeights,
    batch_size: int,
    seq_length: int,
    input_size: int,
    hidden_size: int,
) -> LSTMGradients:
    """Return the gradients of ``sum(output * grad_output)`` for the output of LSTMForward.

    The other parameters are those of :func:`lstm_forward`.

    Args:
        grad_output: (B, T, H).
        states: What LSTMForward gave: ``hidden``, ``cell`` and the gates, by their names there.

    Raises:
        SpecError: A state is missing, or see :func:`lstm_forward`.
        ShapeError: A tensor of another size.
    """
    with TensorGraph("LSTMBackward", grad_output) as graph:
        if not isinstance(states, Mapping) or any(
            name not in states for name in ("hidden", "cell", *GATES)
        ):
            raise SpecError(f"states needs hidden, cell, {', '.join(GATES)}")
        sizes = (batch_size, seq_length, input_size)
        lstm = _lowered(graph, input, weights, sizes, hidden_size)
        y = lstm.y
        h = without_start(graph, states["hidden"], "hidden", y)
        c = without_start(graph, states["cell"], "cell", y)
        parts = [graph.input(states[name], name, y.shape) for name in GATES]
        graph.replay(y, h, c, graph.builder.emit("concat", *parts, axis=2))
        dx, *stacked = layer_gradients(graph, lstm, grad_output, h)
        with graph.builder.segment("backward"):
            by_gate = [
                take(graph, gradient, 0, k * hidden_size, hidden_size)
                for k in range(4)
                for gradient in stacked
            ]
        grad_input, *found = graph.run(dx, *by_gate)
        return LSTMGradients(grad_input, LSTMWeightGradients(*found))


def _lowered(
    graph: TensorGraph,
    input: Tensor,
    weights: LSTMWeights,
    sizes: tuple[int, int, int],
    hidden_size: int,
) -> LoweredLayer:
    _, steps, width = sizes
    layer = LSTM(hidden_size, width, seq_length=steps)
    given = read_record(LSTMWeights, weights)
    tensors = [getattr(given, f.name) for f in fields(LSTMWeights)]
    by_kind = {"input": tensors[0::3], "recurrent": tensors[1::3], "bias": tensors[2::3]}
    return lowered(graph, layer, by_kind, input, step_shape(*sizes))
