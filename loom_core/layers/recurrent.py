"""RNN, LSTM and GRU: recurrences over a sequence, all steps given out."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from loom_core.arrays import F32, Shape
from loom_core.checks import optional_size, positive
from loom_core.errors import ShapeError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.orthogonal import orthogonal
from loom_core.layers.sample_shapes import as_rows, features, require_rows
from loom_core.random_stream import RandomStream


class _Recurrent(Layer):
    """What all share: ``gates`` blocks of weights, stacked, and one scan over time."""

    gates: ClassVar[int]
    optional_weights = frozenset({"bias"})

    def __init__(
        self,
        hidden_size: int,
        input_size: int | None = None,
        *,
        seq_length: int | None = None,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.hidden_size = positive(hidden_size, "hidden_size")
        self.input_size = optional_size(input_size, "input_size")
        self.seq_length = optional_size(seq_length, "seq_length")

    def complete(self, input_shape: Shape | None) -> None:
        """Take the last size of the layer before, or its width shared among the steps."""
        if self.input_size is None and input_shape and not self.silent:
            count = features(input_shape) or 0
            steps = self.seq_length or 0
            self.input_size = count // steps if steps else input_shape[-1]

    def _input(self) -> int:
        if not self.input_size:
            raise ShapeError(f"{self.type_name} needs input_size")
        return self.input_size

    def input_features(self) -> int | None:
        """Return T I, or None for any number of steps."""
        return None if self.seq_length is None else self.seq_length * self._input()

    keeps_width = False

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (T, H)."""
        if self.silent:
            return None
        steps = require_rows(input_shape, self._input(), self.type_name) or self.seq_length
        if self.seq_length is not None and steps != self.seq_length:
            raise ShapeError(
                f"{self.type_name} expects {self.seq_length} steps of {self.input_size} numbers, "
                f"but receives {steps}"
            )
        return None if steps is None else (steps, self.hidden_size)

    def weight_shapes(self) -> dict[str, Shape]:
        """Return input (G H, I), recurrent (G H, H) and bias (G H,) for G gates."""
        if self.input_size is None:
            return {}
        rows = self.gates * self.hidden_size
        return {
            "input": (rows, self.input_size),
            "recurrent": (rows, self.hidden_size),
            "bias": (rows,),
        }

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Xavier uniform on the input side, orthogonal recurrence for each gate."""
        limit = math.sqrt(6.0 / (self._input() + self.hidden_size))
        rows = self.gates * self.hidden_size
        blocks = [orthogonal(stream, self.hidden_size) for _ in range(self.gates)]
        return {
            "input": stream.uniform((rows, self._input()), limit),
            "recurrent": np.concatenate(blocks),
            "bias": self._initial_bias(),
        }

    @abstractmethod
    def _initial_bias(self) -> F32:
        """Return the bias of a fresh layer."""

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit one product for all steps, the bias, and the scan."""
        rows = as_rows(graph, x, self._input())
        u = graph.emit("matmul", rows, self.parameter(graph, "input"), transpose_b=True)
        u = graph.emit("add_bias", u, self.parameter(graph, "bias"), axis=1)
        batch = x.shape[0]
        steps = rows.shape[0] // batch
        u = graph.reshape(u, (batch, steps, self.gates * self.hidden_size))
        return self._scan(graph, u)

    def _scan(self, graph: GraphBuilder, u: Value) -> Value:
        """Emit the scan of u (B, T, G H)."""
        return graph.emit(f"{self.type_name}_scan", u, self.parameter(graph, "recurrent"))

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Read input_size, hidden_size and seq_length."""
        if fields.sizes_lost and not fields.size("hidden_size"):
            layer = cls(1, **fields.flags())
            layer.silent = True
            return layer
        return cls(
            fields.first_required_size("hidden_size", "input_size"),
            fields.size("input_size"),
            seq_length=fields.size("seq_length"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys."""
        length = {} if self.seq_length is None else {"seq_length": self.seq_length}
        return {"input_size": self.input_size, "hidden_size": self.hidden_size, **length}


class RNN(_Recurrent):
    """``h_t = tanh(W x_t + U h_{t-1} + b)``, h_{-1} = 0; x (T, I), y = h (T, H).

    ``input`` is W (H, I), ``recurrent`` U (H, H), ``bias`` b (H,).

    Args:
        hidden_size: H.
        input_size: I; inferred from the layer before when left out.
        seq_length: T; as many steps as the input holds when left out.
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1.

    Source: Elman 1990. Initialisation: Saxe et al. 2014, arXiv:1312.6120 (orthogonal).
    """

    type_name = "rnn"
    gates = 1
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"input": "weight_ih", "recurrent": "weight_hh", "bias": "bias_h"}
    )

    def _initial_bias(self) -> F32:
        return np.zeros(self.hidden_size, np.float32)


class LSTM(_Recurrent):
    """Long short-term memory; x (T, I), y = h (T, H), zero start.

    ``i, f, o = sigmoid(W x_t + U h_{t-1} + b)``, ``g = tanh(...)`` with weights of their own,
    ``c_t = f c_{t-1} + i g``, ``h_t = o tanh(c_t)``. The weights of the gates are stacked in the
    order i, f, g, o: ``input`` (4 H, I), ``recurrent`` (4 H, H), ``bias`` (4 H,).

    Args:
        hidden_size: H.
        input_size: I; inferred from the layer before when left out.
        seq_length: T; as many steps as the input holds when left out.
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1.

    Sources: Hochreiter and Schmidhuber 1997; forget bias 1: Jozefowicz et al. 2015.
    """

    type_name = "lstm"
    gates = 4
    weight_keys: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType(
        {
            "input": ("weight_ii", "weight_if", "weight_ig", "weight_io"),
            "recurrent": ("weight_hi", "weight_hf", "weight_hg", "weight_ho"),
            "bias": ("bias_i", "bias_f", "bias_g", "bias_o"),
        }
    )

    def _initial_bias(self) -> F32:
        bias = np.zeros(4 * self.hidden_size, np.float32)
        bias[self.hidden_size : 2 * self.hidden_size] = 1.0  # remember, until taught to forget
        return bias


class GRU(_Recurrent):
    """Gated recurrent unit; x (T, I), y = h (T, H), zero start.

    ``r, z = sigmoid(W x_t + U h_{t-1} + b)`` (reset, update), each with weights of its own,
    ``n = tanh(W x_t + b + r (U h_{t-1} + c))``, ``h_t = (1 - z) n + z h_{t-1}``. The weights are
    stacked in the order r, z, n: ``input`` W (3 H, I), ``recurrent`` U (3 H, H), ``bias`` b (3 H,);
    ``recurrent_bias`` is c (H,). The reset gate is applied after the product with U, as PyTorch and
    cuDNN have it, not before it as in the published paper. PyTorch adds two biases to r and z,
    ``b_ih`` and ``b_hh``; their sum is b here.

    Args:
        hidden_size: H.
        input_size: I; inferred from the layer before when left out.
        seq_length: T; as many steps as the input holds when left out.
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1.

    Source: Cho et al. 2014, arXiv:1406.1078; the variant is the first version's, arXiv:1406.1078v1.
    """

    type_name = "gru"
    gates = 3
    weight_keys: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType(
        {
            "input": ("weight_ir", "weight_iz", "weight_in"),
            "recurrent": ("weight_hr", "weight_hz", "weight_hn"),
            "bias": ("bias_r", "bias_z", "bias_n"),
            "recurrent_bias": "bias_hn",
        }
    )
    optional_weights = frozenset({"bias", "recurrent_bias"})

    def weight_shapes(self) -> dict[str, Shape]:
        """Return input (3 H, I), recurrent (3 H, H), bias (3 H,) and recurrent_bias (H,)."""
        shapes = super().weight_shapes()
        return {**shapes, "recurrent_bias": (self.hidden_size,)} if shapes else {}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Xavier uniform on the input side, orthogonal recurrence for each gate, biases 0."""
        return {**super().initial_weights(stream), "recurrent_bias": self._zeros(1)}

    def _initial_bias(self) -> F32:
        return self._zeros(self.gates)

    def _zeros(self, blocks: int) -> F32:
        return np.zeros(blocks * self.hidden_size, np.float32)

    def _scan(self, graph: GraphBuilder, u: Value) -> Value:
        c, recurrent = (self.parameter(graph, name) for name in ("recurrent_bias", "recurrent"))
        return graph.emit("gru_scan", u, c, recurrent)
