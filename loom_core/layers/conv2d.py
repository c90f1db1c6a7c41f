"""Conv2D: two-dimensional convolution over channels-first images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from loom_core.activations import activation as find_activation
from loom_core.arrays import F32, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder, Value
from loom_core.graph.ops.convolution import convolved_size
from loom_core.layers.base import Layer, optional_size, positive, require_features
from loom_core.random_stream import RandomStream

if TYPE_CHECKING:
    from loom_core.model_io.fields import Fields


class Conv2D(Layer):
    """Convolution: ``y[f,u,v] = act(b[f] + sum_cij w[f,c,i,j] x[c, u s + i - p, v s + j - p])``.

    Samples are channels first: x (C, H, W), ``kernel`` (F, C, K, K), ``bias`` (F,), y (F, U, V)
    with ``U = floor((H + 2 p - K) / s) + 1``. Beyond the border x is zero. The kernel is not
    flipped (cross-correlation).

    Args:
        filters: F.
        kernel_size: K.
        stride: s, in cells.
        padding: p, cells of zeros on each side.
        activation: Name or code, see :mod:`loom_core.activations`.
        input_channels: C; these three are inferred from the layer before when left out.
        input_height: H.
        input_width: W.
        frozen: Training leaves the weights alone.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1 (padding: below 0), or an unknown activation.

    Source: Loom v0.0.7, conv2d.go. Initialisation: He et al. 2015 (uniform).
    """

    type_name = "conv2d"
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
        input_height: int | None = None,
        input_width: int | None = None,
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
        self.input_height = optional_size(input_height, "input_height")
        self.input_width = optional_size(input_width, "input_width")

    def complete(self, input_shape: Shape | None) -> None:
        """Take channels, height and width from an image-shaped output of the layer before."""
        if input_shape is not None and len(input_shape) == 3:
            channels, height, width = input_shape
            self.input_channels = self.input_channels or channels
            self.input_height = self.input_height or height
            self.input_width = self.input_width or width

    def _input(self) -> tuple[int, int, int]:
        """Return (C, H, W).

        Raises:
            ShapeError: One of them was never given.
        """
        if not (self.input_channels and self.input_height and self.input_width):
            raise ShapeError(
                "conv2d needs input_channels, input_height and input_width, got "
                f"{self.input_channels}, {self.input_height} and {self.input_width}",
                hint="They are inferred only when the layer before gives images (C, H, W).",
            )
        return self.input_channels, self.input_height, self.input_width

    def input_features(self) -> int | None:
        """Return C H W."""
        return element_count(self._input())

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (F, U, V)."""
        channels, height, width = self._input()
        require_features(
            input_shape, channels * height * width, "conv2d", f"{channels}x{height}x{width}"
        )
        u = convolved_size(height, self.kernel_size, self.stride, self.padding)
        v = convolved_size(width, self.kernel_size, self.stride, self.padding)
        if u < 1 or v < 1:
            raise ShapeError(
                f"conv2d: a kernel of {self.kernel_size} does not fit {height}x{width} "
                f"with padding {self.padding}",
                hint="Use a smaller kernel or more padding.",
            )
        return (self.filters, u, v)

    def weight_shapes(self) -> dict[str, Shape]:
        """Return kernel (F, C, K, K) and bias (F,)."""
        if self.input_channels is None:
            return {}
        size = self.kernel_size
        kernel = (self.filters, self.input_channels, size, size)
        return {"kernel": kernel, "bias": (self.filters,)}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """He uniform: w in +-sqrt(6 / (C K K)), b zero."""
        kernel = (self.filters, self._input()[0], self.kernel_size, self.kernel_size)
        limit = math.sqrt(6.0 / element_count(kernel[1:]))
        return {
            "kernel": stream.uniform(kernel, limit),
            "bias": np.zeros(self.filters, np.float32),
        }

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit conv2d, add_bias, activate."""
        batch = x.shape[0]
        x = graph.reshape(x, (batch, *self._input()))
        kernel = self.parameter(graph, "kernel")
        x = graph.emit(
            "conv2d",
            x,
            kernel,
            stride=(self.stride, self.stride),
            padding=(self.padding, self.padding),
        )
        x = graph.emit("add_bias", x, self.parameter(graph, "bias"), axis=1)
        if self.activation != "linear":
            x = graph.emit("activate", x, function=self.activation)
        return x

    @classmethod
    def from_fields(cls, fields: Fields) -> Conv2D:
        """Read Loom's keys; output sizes are computed, and checked where they are given."""
        layer = cls(
            fields.required_size("filters"),
            fields.required_size("kernel_size"),
            fields.size("stride") or 1,
            fields.size("padding") or 0,
            fields.activation(),
            input_channels=fields.size("input_channels"),
            input_height=fields.size("input_height"),
            input_width=fields.size("input_width"),
            **fields.flags(),
        )
        given = (fields.size("output_height"), fields.size("output_width"))
        if fields.reading == "loom" and not all(given):
            layer.silent = True  # Loom computes nothing without its output sizes
        elif all(given) and layer.input_height and layer.input_width:
            computed = tuple(
                convolved_size(size, layer.kernel_size, layer.stride, layer.padding)
                for size in (layer.input_height, layer.input_width)
            )
            if computed != given:
                raise ShapeError(
                    f"conv2d gives {computed[0]}x{computed[1]}, but output_height and "
                    f"output_width say {given[0]}x{given[1]}",
                    hint="Leave them out: they follow from the other sizes.",
                )
        return layer

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys, output sizes included."""
        written: dict[str, Any] = {
            "activation": find_activation(self.activation).json_name,
            "input_channels": self.input_channels,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "input_height": self.input_height,
            "input_width": self.input_width,
        }
        shape = self.output_shape(None)
        if shape is not None and not self.silent:
            written |= {"output_height": shape[1], "output_width": shape[2]}
        return written
