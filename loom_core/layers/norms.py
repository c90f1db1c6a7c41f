"""LayerNorm and RMSNorm: each group of numbers scaled to unit size, then gain (and bias)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from loom_core.arrays import F32, Shape, element_count
from loom_core.checks import optional_size
from loom_core.errors import ShapeError, SpecError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.sample_shapes import as_rows, token_shape
from loom_core.random_stream import RandomStream

LARGEST_EPSILON = 1e18
"""Beyond it nothing is left of any input, and sums with it leave float32."""


class _Norm(Layer):
    """What both norms share: groups of N numbers, each group a row."""

    op: ClassVar[str]
    default_epsilon: ClassVar[float] = 1e-5

    def __init__(
        self,
        norm_size: int | None = None,
        epsilon: float | None = None,
        *,
        skip_from: int | None = None,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled, skip_from=skip_from)
        self.norm_size = optional_size(norm_size, "norm_size")
        self.epsilon = self.default_epsilon if epsilon is None else float(epsilon)
        if not 0 < self.epsilon <= LARGEST_EPSILON:
            raise SpecError(
                f"epsilon must be above 0 and at most {LARGEST_EPSILON:g}, got {epsilon!r}"
            )

    def complete(self, input_shape: Shape | None) -> None:
        """Take the last size of the layer before."""
        if self.norm_size is None and input_shape:
            self.norm_size = input_shape[-1]

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the input's shape, flat numbers as tokens (T, N)."""
        if self.norm_size is None:
            raise ShapeError(f"{self.type_name} needs norm_size")
        return token_shape(input_shape, self.norm_size, self.type_name)

    def weight_shapes(self) -> dict[str, Shape]:
        """Return gain (N,), and bias (N,) where the layer has one."""
        return {} if self.norm_size is None else dict.fromkeys(self.weight_keys, (self.norm_size,))

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Gain 1, bias 0: the bare norm."""
        starts = {"gain": np.ones, "bias": np.zeros}
        return {name: starts[name](s, np.float32) for name, s in self.weight_shapes().items()}

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit the norm on rows of N, mul_channels, add_bias."""
        y = self._lower_rows(graph, as_rows(graph, x, self.norm_size or 0))
        return graph.reshape(y, self._batched(x))

    def _batched(self, x: Value) -> Shape:
        """Return the output's shape with the batch."""
        return (x.shape[0], *(self.output_shape(x.shape[1:]) or ()))

    def _lower_rows(self, graph: GraphBuilder, rows: Value) -> Value:
        y = graph.emit(self.op, rows, epsilon=self.epsilon)
        y = graph.emit("mul_channels", y, self.parameter(graph, "gain"), axis=1)
        if "bias" in self.weight_keys:
            y = graph.emit("add_bias", y, self.parameter(graph, "bias"), axis=1)
        return y

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Read norm_size and epsilon."""
        return cls(
            fields.size("norm_size"),
            fields.number("epsilon") or None,
            skip_from=fields.index("skip_from"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write norm_size and epsilon."""
        return {"norm_size": self.norm_size, "epsilon": self.epsilon, **self.skip_fields()}


class LayerNorm(_Norm):
    """``y = g (x - mean(x)) / sqrt(var(x) + eps) + b`` over each group of N numbers.

    Args:
        norm_size: N; the last size of the layer before when left out. The variance is that of the
            population (divided by N).
        epsilon: > 0, added to the variance; 1e-5 when left out.
        skip_from: Place in the chain whose value is added to the input first (see Layer).
        first_groups_only: As many groups as there are samples are normalised, counted from the
            start of the whole batch, and the rest becomes zero, as in Loom v0.0.7 (set when
            such a model is loaded).
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: norm_size below 1, or epsilon not positive.

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """

    type_name = "layer_norm"
    type_aliases = ("layernorm",)
    op = "layer_norm"
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType({"gain": "gamma", "bias": "beta"})
    optional_weights = frozenset({"bias"})
    skip_before = True

    def __init__(
        self,
        norm_size: int | None = None,
        epsilon: float | None = None,
        *,
        skip_from: int | None = None,
        first_groups_only: bool = False,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(norm_size, epsilon, skip_from=skip_from, frozen=frozen, disabled=disabled)
        self.first_groups_only = first_groups_only

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit the norm on rows of N; on the first rows only where that is set."""
        if not self.first_groups_only:
            return super().lower(graph, x)
        size, total = self.norm_size or 0, element_count(x.shape)
        used = min(x.shape[0], total // size) * size
        flat = graph.reshape(x, (1, total))
        first = graph.emit("slice_axis", flat, axis=1, start=0, size=used)
        y = self._lower_rows(graph, graph.reshape(first, (used // size, size)))
        y = graph.reshape(y, (1, used))
        return graph.reshape(graph.emit("pad_axis", y, axis=1, start=0, size=total), x.shape)

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the input's shape; groups that cut across samples are Loom's own."""
        return input_shape if self.first_groups_only else super().output_shape(input_shape)

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Read norm_size and epsilon; Loom's own layers normalise the first groups only."""
        layer = super().from_fields(fields)
        layer.first_groups_only = fields.reading == "loom" or fields.boolean("first_groups_only")
        return layer

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys."""
        quirk = {"first_groups_only": True} if self.first_groups_only else {}
        return {**super().to_fields(), **quirk}


class RMSNorm(_Norm):
    """``y = g x / sqrt(mean(x^2) + eps)`` over each group of N numbers.

    Args:
        norm_size: N; the last size of the layer before when left out.
        epsilon: > 0, added to the mean square; 1e-5 when left out, 1e-6 in Loom's files.
        skip_from: Place in the chain whose value is added to the output (see Layer).
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: norm_size below 1, or epsilon not positive.

    Source: Zhang and Sennrich 2019, arXiv:1910.07467.
    """

    type_name = "rms_norm"
    type_aliases = ("rmsnorm",)
    op = "rms_norm"
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType({"gain": "gamma"})

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Read norm_size and epsilon; a missing epsilon is 1e-6 in Loom's own files."""
        layer = super().from_fields(fields)
        if fields.reading == "loom" and not fields.number("epsilon"):
            layer.epsilon = 1e-6
        return layer
