"""Conv1D: convolution along a sequence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from loom_core.activations import activation as find_activation
from loom_core.arrays import F32, Shape
from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder, Value
from loom_core.graph.ops.convolution import convolved_size
from loom_core.layers.base import Layer, optional_size, positive, require_features
from loom_core.random_stream import RandomStream

if TYPE_CHECKING:
    from loom_core.model_io.fields import Fields


class Conv1D(Layer):
    """Convolution in time: ``y[f,u] = act(b[f] + sum_ck w[f,c,k] x[c, u s + k - p])``.

    Samples are channels first: x (C, T), ``kernel`` (F, C, K), ``bias`` (F,), y (F, U) with
    ``U = floor((T + 2 p - K) / s) + 1``. It is Conv2D over images of height 1.

    Args:
        filters: F.
        kernel_size: K.
        stride: s, in steps.
        padding: p, steps of zeros on each side.
        activation: Name or code, see :mod:`loom_core.activations`.
        input_channels: C; inferred, or 1.
        input_length: T; inferred from the layer before when left out.
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1 (padding: below 0), or an unknown activation.

    Source: Loom v0.0.7, conv1d.go. Initialisation: He et al. 2015 (uniform).
    """

    type_name = "conv1d"
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"kernel": "kernel", "bias": "conv_bias"}
    )
    optional_weights = frozenset({"bias"})

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        activation: str | int = "scaled_relu",
        *,
        input_channels: int | None = None,
        input_length: int | None = None,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.filters = positive(filters, "filters")
        self.kernel_size = positive(kernel_size, "kernel_size")
        self.stride = positive(stride, "stride")
        self.padding = positive(padding, "padding", minimum=0)
        self.activation = find_activation(activation).name
        self.input_channels = optional_size(input_channels, "input_channels")
        self.input_length = optional_size(input_length, "input_length")

    def complete(self, input_shape: Shape | None) -> None:
        """Take channels and length from the layer before."""
        if input_shape is not None and len(input_shape) == 2:
            self.input_channels = self.input_channels or input_shape[0]
            self.input_length = self.input_length or input_shape[1]
        self.input_channels = self.input_channels or 1
        if input_shape is not None and len(input_shape) == 1:
            self.input_length = self.input_length or input_shape[0] // self.input_channels or None

    def _input(self) -> tuple[int, int]:
        if not (self.input_channels and self.input_length):
            raise ShapeError("conv1d needs input_length", hint="Set it, or put a layer before.")
        return self.input_channels, self.input_length

    def input_features(self) -> int | None:
        """Return C T."""
        channels, length = self._input()
        return channels * length

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (F, U)."""
        channels, length = self._input()
        require_features(input_shape, channels * length, "conv1d", f"{channels}x{length}")
        u = convolved_size(length, self.kernel_size, self.stride, self.padding)
        if u < 1:
            raise ShapeError(
                f"conv1d: a kernel of {self.kernel_size} does not fit {length} steps "
                f"with padding {self.padding}",
                hint="Use a smaller kernel or more padding.",
            )
        return (self.filters, u)

    def weight_shapes(self) -> dict[str, Shape]:
        """Return kernel (F, C, K) and bias (F,)."""
        if self.input_channels is None:
            return {}
        kernel = (self.filters, self.input_channels, self.kernel_size)
        return {"kernel": kernel, "bias": (self.filters,)}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """He uniform: w in +-sqrt(6 / (C K)), b zero."""
        kernel = (self.filters, self._input()[0], self.kernel_size)
        limit = math.sqrt(6.0 / (kernel[1] * kernel[2]))
        return {
            "kernel": stream.uniform(kernel, limit),
            "bias": np.zeros(self.filters, np.float32),
        }

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit conv2d over height 1, add_bias, activate."""
        batch, (channels, length) = x.shape[0], self._input()
        x = graph.reshape(x, (batch, channels, 1, length))
        kernel = graph.reshape(
            self.parameter(graph, "kernel"), (self.filters, channels, 1, self.kernel_size)
        )
        x = graph.emit("conv2d", x, kernel, stride=(1, self.stride), padding=(0, self.padding))
        x = graph.emit("add_bias", x, self.parameter(graph, "bias"), axis=1)
        if self.activation != "linear":
            x = graph.emit("activate", x, function=self.activation)
        return graph.reshape(x, (batch, self.filters, x.shape[3]))

    @classmethod
    def from_fields(cls, fields: Fields) -> Conv1D:
        """Read input_length, input_height or input_size as the length, and Loom's other keys."""
        return cls(
            fields.required_size("filters"),
            fields.required_size("kernel_size"),
            fields.size("stride") or 1,
            fields.size("padding") or 0,
            fields.activation(),
            input_channels=fields.size("input_channels"),
            input_length=fields.first_size("input_length", "input_height"),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write the builder's keys."""
        return {
            "activation": find_activation(self.activation).json_name,
            "input_channels": self.input_channels,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "input_length": self.input_length,
        }
