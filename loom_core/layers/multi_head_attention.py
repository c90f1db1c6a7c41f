"""MultiHeadAttention: attention of each token to the tokens of its sequence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from loom_core.arrays import F32, Shape, element_count
from loom_core.checks import optional_size, positive
from loom_core.errors import ShapeError, SpecError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.sample_shapes import as_rows, require_rows
from loom_core.random_stream import RandomStream

LOOM_THETA = 1e6
"""Base of the rotary angles in every attention layer of Loom v0.0.7."""

LONG_SEQUENCE = 1024
"""Tokens up to which the scores of all queries are made at once: below it they are small enough."""

QUERIES_AT_ONCE = 256
"""In a longer sequence: enough for a fast product of matrices."""


class MultiHeadAttention(Layer):
    """``y = concat_h(softmax(q_h k_h^T / sqrt(Dh)) v_h) Wo + bo`` with q, k, v = x W + b.

    x and y are (T, D): ``query`` (D, H Dh), ``output`` (H Dh, D), ``key`` and ``value`` (D, G Dh)
    with G groups of key-value heads; query head h uses group ``h // (H / G)``.

    Args:
        num_heads: H.
        d_model: D; the last size of the layer before when left out.
        num_kv_heads: G, a divisor of H; H (ordinary attention) when left out.
        head_dim: Dh; D / H when left out.
        seq_length: T; as many tokens as the input holds when left out.
        causal: A token sees itself and those before it only.
        rope_theta: Base of rotary position embedding, or None for no positions.
        over_batch: The whole batch is one sequence, as in Loom v0.0.7.
        bias_only: Every output is the output bias, as Loom v0.0.7 computes attention in branches
            (both set when such a model is loaded).
        skip_from: Place in the chain whose value is added to the output (see Layer).
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1, G does not divide H, or the base is not positive.

    Sources: Vaswani et al. 2017, arXiv:1706.03762; Ainslie et al. 2023, arXiv:2305.13245 (groups).
    """

    type_name = "multi_head_attention"
    type_aliases = ("mha",)
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "query": "q_weights",
            "key": "k_weights",
            "value": "v_weights",
            "output": "output_weight",
            "query_bias": "q_bias",
            "key_bias": "k_bias",
            "value_bias": "v_bias",
            "output_bias": "output_bias",
        }
    )
    optional_weights = frozenset({"query_bias", "key_bias", "value_bias", "output_bias"})

    def __init__(
        self,
        num_heads: int,
        d_model: int | None = None,
        *,
        num_kv_heads: int | None = None,
        head_dim: int | None = None,
        seq_length: int | None = None,
        causal: bool = False,
        rope_theta: float | None = None,
        over_batch: bool = False,
        bias_only: bool = False,
        skip_from: int | None = None,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled, skip_from=skip_from)
        self.num_heads = positive(num_heads, "num_heads")
        self.num_kv_heads = optional_size(num_kv_heads, "num_kv_heads") or self.num_heads
        if self.num_heads % self.num_kv_heads:
            raise SpecError(
                f"num_kv_heads must divide num_heads, got {self.num_kv_heads} and {num_heads}"
            )
        if rope_theta is not None and not (math.isfinite(rope_theta) and rope_theta > 0):
            raise SpecError(f"rope_theta must be a positive number or None, got {rope_theta!r}")
        self.d_model = optional_size(d_model, "d_model")
        self.head_dim = optional_size(head_dim, "head_dim")
        self.seq_length = optional_size(seq_length, "seq_length")
        self.causal = causal
        self.rope_theta = rope_theta
        self.over_batch = over_batch
        self.bias_only = bias_only
        self._derive_head_dim()

    def _derive_head_dim(self) -> None:
        if self.head_dim is None and self.d_model is not None:
            if self.d_model % self.num_heads:
                raise SpecError(
                    f"d_model {self.d_model} cannot be divided among {self.num_heads} heads",
                    hint="Give head_dim, or another number of heads.",
                )
            self.head_dim = self.d_model // self.num_heads

    def _sizes(self) -> tuple[int, int]:
        """Return (D, Dh)."""
        if self.d_model is None or self.head_dim is None:
            raise ShapeError("multi_head_attention needs d_model")
        return self.d_model, self.head_dim

    def complete(self, input_shape: Shape | None) -> None:
        """Take the last size of the layer before as D."""
        if self.d_model is None and input_shape:
            self.d_model = input_shape[-1]
        self._derive_head_dim()

    def input_features(self) -> int | None:
        """Return T D, or None for any number of tokens."""
        return None if self.seq_length is None else self.seq_length * self._sizes()[0]

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (T, D)."""
        width = self._sizes()[0]
        tokens = require_rows(input_shape, width, "multi_head_attention") or self.seq_length
        if self.seq_length is not None and tokens != self.seq_length:
            raise ShapeError(
                f"multi_head_attention expects {self.seq_length} tokens of {width} numbers, "
                f"but receives {tokens}"
            )
        return None if tokens is None else (tokens, width)

    def adopt_stored(self, lengths: Mapping[str, int]) -> None:
        """Infer the key-value heads from stored weights: Loom's files do not say how many."""
        if self.d_model is None or self.head_dim is None:
            return
        heads, rest = divmod(lengths.get("key", 0), self.d_model * self.head_dim)
        if heads and not rest and self.num_heads % heads == 0:
            self.num_kv_heads = heads

    def weight_shapes(self) -> dict[str, Shape]:
        """Return four matrices and four biases."""
        if self.d_model is None or self.head_dim is None:
            return {}
        d, wide = self.d_model, self.num_heads * self.head_dim
        narrow = self.num_kv_heads * self.head_dim
        return {
            "query": (d, wide),
            "key": (d, narrow),
            "value": (d, narrow),
            "output": (wide, d),
            "query_bias": (wide,),
            "key_bias": (narrow,),
            "value_bias": (narrow,),
            "output_bias": (d,),
        }

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Xavier uniform matrices, zero biases."""
        return {
            name: stream.uniform(shape, math.sqrt(6.0 / sum(shape)))
            if len(shape) == 2
            else np.zeros(shape, np.float32)
            for name, shape in self.weight_shapes().items()
        }

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit projections, rope, scores, softmax, values, output projection."""
        width, head = self._sizes()
        tokens = element_count(x.shape) // width
        if self.bias_only:
            silence = graph.emit("scale", graph.reshape(x, (tokens, width)), factor=0.0)
            return graph.reshape(self._bias(graph, silence, "output"), x.shape)
        batch = 1 if self.over_batch else x.shape[0]
        steps, groups = tokens // batch, self.num_kv_heads
        shared = self.num_heads // groups  # query heads of one group
        rows = as_rows(graph, x, width)

        def heads(name: str, count: int, rotate: bool) -> Value:
            y = graph.emit("matmul", rows, self.parameter(graph, name))
            y = graph.reshape(self._bias(graph, y, name), (batch, steps, count, head))
            if rotate and self.rope_theta is not None:
                y = graph.emit("rope", y, theta=self.rope_theta)
            return y

        q = graph.reshape(
            heads("query", self.num_heads, rotate=True), (batch, steps, groups, shared, head)
        )
        q = graph.emit("transpose", q, axes=(0, 2, 3, 1, 4))
        k = graph.emit("transpose", heads("key", groups, rotate=True), axes=(0, 2, 1, 3))
        v = graph.emit("transpose", heads("value", groups, rotate=False), axes=(0, 2, 1, 3))
        mixed = graph.emit("transpose", self._attend(graph, q, k, v), axes=(0, 3, 1, 2, 4))
        mixed = graph.reshape(mixed, (tokens, self.num_heads * head))
        y = graph.emit("matmul", mixed, self.parameter(graph, "output"))
        shape = (x.shape[0], tokens // x.shape[0], width)
        return graph.reshape(self._bias(graph, y, "output"), shape)

    def _attend(self, graph: GraphBuilder, q: Value, k: Value, v: Value) -> Value:
        """Return the mixed values (B, groups, shared, T, head) for queries of that shape.

        The scores of a long sequence are made for some queries at a time, and once more in the
        backward pass, so that they take memory in proportion to T and not to its square. What a
        block of a causal layer cannot see is not computed.
        """
        steps = q.shape[3]
        if steps <= LONG_SEQUENCE:
            return self._mix(graph, q, k, v)
        blocks = []
        for start in range(0, steps, QUERIES_AT_ONCE):
            size = min(QUERIES_AT_ONCE, steps - start)
            with graph.recomputed():
                some = graph.emit("slice_axis", q, axis=3, start=start, size=size)
                keys, values = k, v
                if self.causal:
                    seen = {"axis": 2, "start": 0, "size": start + size}
                    keys, values = (graph.emit("slice_axis", x, **seen) for x in (k, v))
                blocks.append(self._mix(graph, some, keys, values))
        return graph.emit("concat", *blocks, axis=3)

    def _mix(self, graph: GraphBuilder, q: Value, k: Value, v: Value) -> Value:
        batch, groups, shared, queries, head = q.shape
        seen = k.shape[2]
        rows = graph.reshape(q, (batch, groups, shared * queries, head))
        scores = graph.emit("matmul", rows, k, transpose_b=True)
        scores = graph.reshape(scores, (batch, groups, shared, queries, seen))
        weights = graph.emit("softmax", scores, temperature=math.sqrt(head), causal=self.causal)
        weights = graph.reshape(weights, (batch, groups, shared * queries, seen))
        return graph.reshape(graph.emit("matmul", weights, v), q.shape)

    def _bias(self, graph: GraphBuilder, y: Value, name: str) -> Value:
        return graph.emit("add_bias", y, self.parameter(graph, f"{name}_bias"), axis=1)

    @classmethod
    def from_fields(cls, fields: Fields) -> MultiHeadAttention:
        """Read Loom's keys; its own layers are causal, rotary, and take a batch as one sequence."""
        loom = fields.reading == "loom"
        heads = fields.size("num_heads")
        return cls(
            fields.required_size("num_heads") if loom else heads or 8,
            fields.size("d_model"),
            num_kv_heads=fields.size("num_kv_heads"),
            head_dim=fields.size("head_dim"),
            seq_length=None if loom else fields.size("seq_length"),
            causal=loom or fields.boolean("causal"),
            rope_theta=LOOM_THETA if loom else fields.number("rope_theta"),
            over_batch=fields.boolean("over_batch") or (loom and fields.batch_size > 1),
            bias_only=fields.boolean("bias_only")
            or (loom and (fields.in_branch or fields.sizes_lost)),
            skip_from=fields.index("skip_from"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys, and ours where they differ from the usual."""
        written: dict[str, Any] = {"d_model": self.d_model, "num_heads": self.num_heads}
        if self.seq_length is not None:
            written["seq_length"] = self.seq_length
        if self.num_kv_heads != self.num_heads:
            written["num_kv_heads"] = self.num_kv_heads
        if self.d_model != self.num_heads * (self.head_dim or 0):
            written["head_dim"] = self.head_dim
        if self.rope_theta is not None:
            written["rope_theta"] = self.rope_theta
        for flag in ("causal", "over_batch", "bias_only"):
            if getattr(self, flag):
                written[flag] = True
        return written | self.skip_fields()
