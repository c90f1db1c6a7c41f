"""SwiGLU: the gated feed-forward block of Llama-style transformers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from loom_core.arrays import F32, Shape
from loom_core.checks import optional_size, positive
from loom_core.errors import ShapeError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.sample_shapes import as_rows, token_shape
from loom_core.random_stream import RandomStream


class SwiGLU(Layer):
    """``y = (silu(x Wg + bg) * (x Wu + bu)) Wd + bd`` with ``silu(z) = z sigmoid(z)``.

    For each token of D numbers: ``gate`` and ``up`` (D, M), ``down`` (M, D), y (D,).

    Args:
        intermediate_size: M.
        hidden_size: D; the last size of the layer before when left out.
        skip_from: Place in the chain whose value is added to the output (see Layer).
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1.

    Source: Shazeer 2020, arXiv:2002.05202.
    """

    type_name = "swiglu"
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "gate": "gate_weights",
            "up": "up_weights",
            "down": "down_weights",
            "gate_bias": "gate_bias",
            "up_bias": "up_bias",
            "down_bias": "down_bias",
        }
    )
    optional_weights = frozenset({"gate_bias", "up_bias", "down_bias"})

    def __init__(
        self,
        intermediate_size: int,
        hidden_size: int | None = None,
        *,
        skip_from: int | None = None,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled, skip_from=skip_from)
        self.intermediate_size = positive(intermediate_size, "intermediate_size")
        self.hidden_size = optional_size(hidden_size, "hidden_size")

    def complete(self, input_shape: Shape | None) -> None:
        """Take the last size of the layer before."""
        if self.hidden_size is None and input_shape:
            self.hidden_size = input_shape[-1]

    def _hidden(self) -> int:
        if self.hidden_size is None:
            raise ShapeError("swiglu needs an input size", hint="Set input_height.")
        return self.hidden_size

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the input's shape, flat numbers as tokens (T, D)."""
        return token_shape(input_shape, self._hidden(), "swiglu")

    def weight_shapes(self) -> dict[str, Shape]:
        """Return three matrices and three biases."""
        if self.hidden_size is None:
            return {}
        d, m = self.hidden_size, self.intermediate_size
        biases = {"gate_bias": (m,), "up_bias": (m,), "down_bias": (d,)}
        return {"gate": (d, m), "up": (d, m), "down": (m, d), **biases}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Xavier uniform matrices, zero biases."""
        limit = math.sqrt(6.0 / (self._hidden() + self.intermediate_size))
        return {
            name: stream.uniform(shape, limit) if len(shape) == 2 else np.zeros(shape, np.float32)
            for name, shape in self.weight_shapes().items()
        }

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit three matrix products around sigmoid and mul."""
        rows = as_rows(graph, x, self._hidden())
        gate = self._project(graph, rows, "gate")
        silu = graph.emit("mul", gate, graph.emit("activate", gate, function="sigmoid"))
        mixed = graph.emit("mul", silu, self._project(graph, rows, "up"))
        shape = (x.shape[0], *(self.output_shape(x.shape[1:]) or ()))
        return graph.reshape(self._project(graph, mixed, "down"), shape)

    def _project(self, graph: GraphBuilder, x: Value, name: str) -> Value:
        y = graph.emit("matmul", x, self.parameter(graph, name))
        return graph.emit("add_bias", y, self.parameter(graph, f"{name}_bias"), axis=1)

    @classmethod
    def from_fields(cls, fields: Fields) -> SwiGLU:
        """Read input_height as D and output_height as M, or the builder's *_size keys."""
        return cls(
            fields.first_required_size("output_size", "output_height"),
            fields.first_size("input_size", "input_height"),
            skip_from=fields.index("skip_from"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys."""
        return {
            "input_height": self.hidden_size,
            "output_height": self.intermediate_size,
            **self.skip_fields(),
        }
