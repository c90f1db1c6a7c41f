"""Softmax as a layer of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from loom_core.arrays import F32, Shape, element_count
from loom_core.errors import SpecError
from loom_core.graph.builder import GraphBuilder, Value
from loom_core.layers.base import Layer
from loom_core.random_stream import RandomStream

if TYPE_CHECKING:
    from loom_core.model_io.fields import Fields

VARIANTS = ("standard", "temperature")


class Softmax(Layer):
    """Softmax of each sample: ``y = exp(x / T) / sum(exp(x / T))``.

    x and y are (B, C); every row of y sums to 1. The layer has no weights.

    Args:
        temperature: T > 0; small is sharp, large is smooth.
        variant: ``"standard"`` or ``"temperature"`` (the same formula under two names).
        over_batch: One distribution over the whole batch instead of one per sample, as Loom
            v0.0.7 computes it (set when such a model is loaded).
        frozen: Kept for symmetry; there is nothing to train.
        disabled: The layer passes its input through.

    Raises:
        SpecError: T is not a positive number, or the variant is unknown.

    Source: Loom v0.0.7, softmax.go.

    """

    type_name = "softmax"

    def __init__(
        self,
        temperature: float = 1.0,
        *,
        variant: str = "standard",
        over_batch: bool = False,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        if not (math.isfinite(temperature) and temperature > 0):
            raise SpecError(f"softmax temperature must be a positive number, got {temperature!r}")
        if variant not in VARIANTS:
            raise SpecError(
                f"unknown softmax variant {variant!r}", hint=f"Use one of {', '.join(VARIANTS)}."
            )
        self.temperature = float(temperature)
        self.variant = variant
        self.over_batch = over_batch

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the input's shape, flat."""
        return None if input_shape is None else (element_count(input_shape),)

    def weight_shapes(self) -> dict[str, Shape]:
        """Return nothing: no weights."""
        return {}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Return nothing: no weights."""
        return {}

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit softmax over rows of one sample, or of the whole batch."""
        batch, width = x.shape[0], element_count(x.shape[1:])
        rows = (1, batch * width) if self.over_batch else (batch, width)
        y = graph.emit("softmax", graph.reshape(x, rows), temperature=self.temperature)
        return graph.reshape(y, (batch, width))

    @classmethod
    def from_fields(cls, fields: Fields) -> Softmax:
        """Read softmax_variant and temperature; a temperature of 0 or none means 1."""
        return cls(
            fields.number("temperature") or 1.0,
            variant=fields.text("softmax_variant") or "standard",
            over_batch=fields.boolean("over_batch")
            or (fields.reading == "loom" and fields.batch_size > 1),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys."""
        written: dict[str, Any] = {
            "softmax_variant": self.variant,
            "temperature": self.temperature,
        }
        if self.over_batch:
            written["over_batch"] = True
        return written
