"""Embedding: a row of a table for each token number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from loom_core.arrays import F32, Shape, element_count
from loom_core.checks import optional_size, positive
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.sample_shapes import features
from loom_core.random_stream import RandomStream


class Embedding(Layer):
    """``y[t] = table[id_t]``: x (T,) token numbers, ``table`` (V, D), y (T, D).

    Numbers are truncated toward zero; one that is no row of the table gives zeros, and no gradient.

    Args:
        vocab_size: V.
        embedding_dim: D.
        input_length: T; any number of tokens when left out.
        frozen: Training leaves the table alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1.

    Source: Loom v0.0.7, embedding.go.
    """

    type_name = "embedding"
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType({"table": "embedding_weights"})
    keeps_width = False

    def __init__(
        self,
        vocab_size: int,
        embedding_dim: int,
        *,
        input_length: int | None = None,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.vocab_size = positive(vocab_size, "vocab_size")
        self.embedding_dim = positive(embedding_dim, "embedding_dim")
        self.input_length = optional_size(input_length, "input_length")

    def input_features(self) -> int | None:
        """Return T, or None for any number of tokens."""
        return self.input_length

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (T, D)."""
        count = features(input_shape) or self.input_length
        return None if count is None else (count, self.embedding_dim)

    def weight_shapes(self) -> dict[str, Shape]:
        """Return table (V, D)."""
        return {"table": (self.vocab_size, self.embedding_dim)}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Uniform in +-1 / sqrt(D)."""
        limit = 1 / math.sqrt(self.embedding_dim)
        return {"table": stream.uniform((self.vocab_size, self.embedding_dim), limit)}

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit gather_rows."""
        ids = graph.reshape(x, (x.shape[0], element_count(x.shape[1:])))
        return graph.emit("gather_rows", self.parameter(graph, "table"), ids)

    @classmethod
    def from_fields(cls, fields: Fields) -> Embedding:
        """Read vocab_size, embedding_dim and input_length."""
        return cls(
            fields.required_size("vocab_size"),
            fields.required_size("embedding_dim"),
            input_length=fields.first_size("input_length", "seq_length"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write the builder's keys."""
        length = {} if self.input_length is None else {"input_length": self.input_length}
        return {"vocab_size": self.vocab_size, "embedding_dim": self.embedding_dim, **length}
