"""Sequential: layers one after the other, as one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loom_core.arrays import Shape
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer, child_name, require_layers
from loom_core.layers.chain import chain_input_features, complete_chain, lower_chain


class Sequential(Layer):
    """``y = f_n(... f_2(f_1(x)))`` for children of any layer type.

    Args:
        children: The layers, at least one.
        frozen: Training leaves the weights of all children alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: There is no child, or one is no layer.

    Source: Loom v0.0.7, sequential.go, where only Dense and Softmax children run.
    """

    type_name = "sequential"

    def __init__(
        self, children: Sequence[Layer], *, frozen: bool = False, disabled: bool = False
    ) -> None:
        super().__init__(
            frozen=frozen, disabled=disabled, children=require_layers(children, "sequential")
        )

    def _name(self, index: int) -> str:
        return child_name("child", index, self.children[index])

    def complete(self, input_shape: Shape | None) -> None:
        """Let the children infer their sizes in order."""
        complete_chain(self.children, input_shape, self._name)

    def input_features(self) -> int | None:
        """Return what the first child that cares takes."""
        return chain_input_features(self.children)

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the last child's output shape."""
        return complete_chain(self.children, input_shape, self._name)[-1]

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit the children in order."""
        return lower_chain(graph, self.children, x)

    @classmethod
    def from_fields(cls, fields: Fields) -> Sequential:
        """Read branches; in Loom's own files children that Loom does not run are disabled."""
        children = fields.layers("branches", "child")
        if fields.reading == "loom":
            for child in children:
                child.disabled = child.type_name not in ("dense", "softmax")
        return cls(children, **fields.flags())

    def to_fields(self) -> dict[str, Any]:
        """Write branches."""
        return {"branches": [child.settings() for child in self.children]}
