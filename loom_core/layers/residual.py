"""Residual: adds an earlier value of the chain to the present one."""

from __future__ import annotations

from typing import Any

from loom_core.arrays import Shape
from loom_core.checks import positive
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer


class Residual(Layer):
    """Skip connection: ``y = x + v``, v being the input of the layer ``layers_back`` before.

    Put after one layer f, with the default, it makes ``y = f(v) + v``. As the first layer of a
    chain it has nothing to add, and y = x. The layer has no weights.

    Args:
        layers_back: How many layers the connection jumps over; cut at the chain's start.
        frozen: Kept for symmetry; there is nothing to train.
        disabled: The layer passes its input through.

    Raises:
        SpecError: ``layers_back`` is below 1.

    Source: He et al. 2016, arXiv:1512.03385.
    """

    type_name = "residual"

    def __init__(
        self, layers_back: int = 1, *, frozen: bool = False, disabled: bool = False
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.layers_back = positive(layers_back, "layers_back")

    def skip_source(self, index: int) -> int | None:
        """Return the place of the layer ``layers_back`` before."""
        return max(index - self.layers_back, 0) if index else None

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the input's shape."""
        return input_shape

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit nothing: the chain adds the earlier value."""
        return x

    @classmethod
    def from_fields(cls, fields: Fields) -> Residual:
        """Read layers_back."""
        return cls(fields.size("layers_back") or 1, **fields.flags())

    def to_fields(self) -> dict[str, Any]:
        """Write layers_back where it is not 1."""
        return {} if self.layers_back == 1 else {"layers_back": self.layers_back}
