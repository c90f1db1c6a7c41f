"""Dense: a fully connected layer, or the bare activation where it has no sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeGuard

import numpy as np

from loom_core.activations import ActivationType, activation as find_activation
from loom_core.arrays import F32, Shape
from loom_core.checks import positive
from loom_core.errors import ShapeError, SpecError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.sample_shapes import as_rows, features, require_features
from loom_core.random_stream import RandomStream

InputFit = Literal["exact", "pad"]


class Dense(Layer):
    """Fully connected layer: ``y = f(x W + b)``.

    x is (B, I), W ``kernel`` (I, O), b ``bias`` (O,), y (B, O). After a layer that gives tokens
    (T, I) it maps each token: y (B, T, O). Without an output size it is the activation alone,
    elementwise, with no weights (the default layer of a fresh grid).

    Args:
        output_size: O; None for the bare activation.
        activation: Name, see :mod:`loom_core.activations`, or an ActivationType.
        input_size: I; inferred from the layer before when left out.
        input_fit: ``"exact"``, or ``"pad"``: where the width is another, the numbers of the whole
            batch are padded with zeros or cut at the end, as Loom v0.0.7 does silently (set
            when such a model is loaded).
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size is below 1, the activation or fit is unknown (a bare number is no
            activation, as it would be taken for a size), or only I is given.

    Source: Loom v0.0.7, dense.go. Initialisation: Glorot and Bengio 2010 (uniform).
    """

    type_name = "dense"
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"kernel": "kernel", "bias": "biases"}
    )
    optional_weights = frozenset({"bias"})

    def __init__(
        self,
        output_size: int | None = None,
        activation: str | ActivationType = "scaled_relu",
        *,
        input_size: int | None = None,
        input_fit: InputFit = "exact",
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        if output_size is None and input_size is not None:
            raise SpecError("dense has an input size but no output size", hint="Set output_size.")
        if not isinstance(activation, str | ActivationType):
            raise SpecError(
                f"the activation of a dense layer must be a name, got {activation!r:.60}",
                hint='The output size comes first, then a name: Dense(8, "tanh", input_size=2).',
            )
        if input_fit not in ("exact", "pad"):
            raise SpecError(f'input_fit must be "exact" or "pad", got {input_fit!r}')
        self.input_size = None if input_size is None else positive(input_size, "input_size")
        self.output_size = None if output_size is None else positive(output_size, "output_size")
        self.activation = find_activation(activation).name
        self.input_fit = input_fit

    def complete(self, input_shape: Shape | None) -> None:
        """Take the input size from the layer before."""
        if self.output_size is not None and self.input_size is None:
            self.input_size = features(input_shape)

    def input_features(self) -> int | None:
        """Return I; None for the bare activation."""
        return self.input_size

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (O,), or the input's shape for the bare activation."""
        if self.output_size is None:
            return input_shape
        if self.input_size is None:
            raise ShapeError(
                "dense needs an input size",
                hint="Give input_size to the network, or to this layer: Dense(8, input_size=2).",
            )
        if _maps_tokens(input_shape, self.input_size):
            return (input_shape[0], self.output_size)
        if self.input_fit == "exact":
            sizes = f"{self.input_size} -> {self.output_size}"
            require_features(input_shape, self.input_size, "dense", sizes)
        return (self.output_size,)

    def weight_shapes(self) -> dict[str, Shape]:
        """Return kernel (I, O) and bias (O,)."""
        if self.output_size is None or self.input_size is None:
            return {}
        return {"kernel": (self.input_size, self.output_size), "bias": (self.output_size,)}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Xavier uniform: W in +-sqrt(6 / (I + O)), b zero."""
        if self.output_size is None or self.input_size is None:
            return {}
        limit = math.sqrt(6.0 / (self.input_size + self.output_size))
        return {
            "kernel": stream.uniform((self.input_size, self.output_size), limit),
            "bias": np.zeros(self.output_size, np.float32),
        }

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit matmul, add_bias, activate, after fitting the width where that is set."""
        if self.output_size is not None and self.input_size is not None:
            output: Shape = (x.shape[0], self.output_size)
            if _maps_tokens(x.shape[1:], self.input_size):
                output = (x.shape[0], x.shape[1], self.output_size)
                x = as_rows(graph, x, self.input_size)
            x = self._fit(graph, graph.reshape(x, (x.shape[0], features(x.shape[1:]) or 0)))
            x = graph.emit("matmul", x, self.parameter(graph, "kernel"))
            x = graph.emit("add_bias", x, self.parameter(graph, "bias"), axis=1)
            return graph.reshape(self._activate(graph, x), output)
        return self._activate(graph, x)

    def _activate(self, graph: GraphBuilder, x: Value) -> Value:
        if self.activation == "linear":
            return x
        return graph.emit("activate", x, function=self.activation)

    def _fit(self, graph: GraphBuilder, x: Value) -> Value:
        """Pad or cut the numbers of the whole batch, one after the other, where Loom does."""
        batch, width = x.shape
        needed = self.input_size or 0
        if width == needed:
            return x
        flat = graph.reshape(x, (1, batch * width))
        fit = "slice_axis" if width > needed else "pad_axis"
        flat = graph.emit(fit, flat, axis=1, start=0, size=batch * needed)
        return graph.reshape(flat, (batch, needed))

    def unknown_to_loom(self) -> str | None:
        """Name the activation, where Loom has none such."""
        return find_activation(self.activation).unknown_to_loom

    @classmethod
    def from_fields(cls, fields: Fields) -> Dense:
        """Read input_height/output_height, or the builder's width/height and *_size keys."""
        width: tuple[str, ...] = ("width",)
        height: tuple[str, ...] = ("height",)
        inputs, outputs = ("input_size", "input_height"), ("output_size", "output_height")
        named = any(fields.size(key) for key in (*inputs, *outputs))
        if named and fields.get("width") == 1 and fields.get("height") == 1:
            width = height = ()  # Loom writes 1 x 1 into every dense layer that it saves
        return cls(
            fields.first_size(*height, *outputs),
            fields.activation(),
            input_size=fields.first_size(*width, *inputs),
            input_fit=fields.choice("input_fit", ("exact", "pad"), "exact"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys; it reads sizes from input_height and output_height."""
        written: dict[str, Any] = {"activation": find_activation(self.activation).json_name}
        if self.output_size is not None:
            written |= {"input_height": self.input_size, "output_height": self.output_size}
        if self.input_fit != "exact":
            written["input_fit"] = self.input_fit
        return written


def _maps_tokens(shape: Shape | None, width: int) -> TypeGuard[tuple[int, int]]:
    """Whether samples are several tokens of just the width that one Dense row takes."""
    return shape is not None and len(shape) == 2 and shape[0] > 1 and shape[1] == width
