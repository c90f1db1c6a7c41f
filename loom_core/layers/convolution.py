"""Conv2D and Conv1D: one convolution, over images or along sequences."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from loom_core.activations import activation as find_activation
from loom_core.arrays import F32, Shape, element_count
from loom_core.checks import optional_size, positive
from loom_core.errors import ShapeError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.ops.convolution import convolved_size, require_bordered_image
from loom_core.layers.base import Layer
from loom_core.layers.images import complete_image, image_shape, read_plane, written_plane
from loom_core.layers.sample_shapes import require_features
from loom_core.random_stream import RandomStream


class _Convolution(Layer):
    """What both share: square kernels with one stride and padding, over one or two axes."""

    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"kernel": "kernel", "bias": "conv_bias"}
    )
    optional_weights = frozenset({"bias"})
    channels_first = True

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        stride: int,
        padding: int,
        activation: str | int,
        input_channels: int | None,
        *,
        frozen: bool,
        disabled: bool,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.filters = positive(filters, "filters")
        self.kernel_size = positive(kernel_size, "kernel_size")
        self.stride = positive(stride, "stride")
        self.padding = positive(padding, "padding", minimum=0)
        self.activation = find_activation(activation).name
        self.input_channels = optional_size(input_channels, "input_channels")

    @abstractmethod
    def input_sizes(self) -> Shape:
        """Return (C, H, W) or (C, T), the shape of one sample.

        Raises:
            ShapeError: One of them was never given.
        """

    def _convolved(self, sizes: Shape) -> Shape:
        return tuple(convolved_size(n, self.kernel_size, self.stride, self.padding) for n in sizes)

    def input_features(self) -> int | None:
        """Return how many numbers one sample holds."""
        return element_count(self.input_sizes())

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (F, U, V) or (F, U).

        Raises:
            ShapeError: The input is of another size, or the kernel does not fit into it.
            LimitError: The padding makes an image too large.
        """
        expected = self.input_sizes()
        padding = (self.padding,) * (len(expected) - 1)
        require_bordered_image(expected, padding, self.type_name)
        shown = "x".join(map(str, expected))
        require_features(input_shape, element_count(expected), self.type_name, shown)
        sizes = self._convolved(expected[1:])
        if min(sizes) < 1:
            raise ShapeError(
                f"{self.type_name}: a kernel of {self.kernel_size} does not fit {shown} "
                f"with padding {self.padding}",
                hint="Use a smaller kernel or more padding.",
            )
        return (self.filters, *sizes)

    @property
    @abstractmethod
    def _kernel_sizes(self) -> Shape:
        """The kernel's sizes along the axes."""

    def weight_shapes(self) -> dict[str, Shape]:
        """Return kernel (F, C, K, K) or (F, C, K), and bias (F,)."""
        if self.input_channels is None:
            return {}
        kernel = (self.filters, self.input_channels, *self._kernel_sizes)
        return {"kernel": kernel, "bias": (self.filters,)}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """He uniform: w in +-sqrt(6 / inputs of one output), b zero."""
        kernel = (self.filters, self.input_sizes()[0], *self._kernel_sizes)
        limit = math.sqrt(6.0 / element_count(kernel[1:]))
        return {
            "kernel": stream.uniform(kernel, limit),
            "bias": np.zeros(self.filters, np.float32),
        }

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit conv2d, add_bias, activate; a sequence is an image of height 1."""
        flat = (1,) * (2 - len(self._kernel_sizes))  # the axis that a sequence lacks
        channels, *sizes = self.input_sizes()
        x = graph.reshape(x, (x.shape[0], channels, *flat, *sizes))
        kernel = graph.reshape(
            self.parameter(graph, "kernel"), (self.filters, channels, *flat, *self._kernel_sizes)
        )
        stride = (1, self.stride) if flat else (self.stride, self.stride)
        padding = (0, self.padding) if flat else (self.padding, self.padding)
        x = graph.emit("conv2d", x, kernel, stride=stride, padding=padding)
        x = graph.emit("add_bias", x, self.parameter(graph, "bias"), axis=1)
        if self.activation != "linear":
            x = graph.emit("activate", x, function=self.activation)
        return graph.reshape(x, (*x.shape[:2], *x.shape[2 + len(flat) :]))

    @staticmethod
    def _shared_settings(fields: Fields) -> dict[str, Any]:
        """Read the keys that both share."""
        return {
            "filters": fields.required_size("filters"),
            "kernel_size": fields.required_size("kernel_size"),
            "stride": fields.size("stride") or 1,
            "padding": fields.size("padding") or 0,
            "activation": fields.activation(),
            "input_channels": fields.size("input_channels"),
            **fields.flags(),
        }

    def unknown_to_loom(self) -> str | None:
        """Name the activation, where Loom has none such."""
        return find_activation(self.activation).unknown_to_loom

    def to_fields(self) -> dict[str, Any]:
        """Write the keys that both share."""
        return {
            "activation": find_activation(self.activation).json_name,
            "input_channels": self.input_channels,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
        }


class Conv2D(_Convolution):
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
        super().__init__(
            filters, kernel_size, stride, padding, activation, input_channels,
            frozen=frozen, disabled=disabled,
        )  # fmt: skip
        self.input_height = optional_size(input_height, "input_height")
        self.input_width = optional_size(input_width, "input_width")

    def complete(self, input_shape: Shape | None) -> None:
        """Take channels, height and width from an image-shaped output of the layer before."""
        complete_image(self, input_shape)

    def input_sizes(self) -> Shape:
        """Return (C, H, W)."""
        return image_shape(self)

    @property
    def _kernel_sizes(self) -> Shape:
        return (self.kernel_size, self.kernel_size)

    @classmethod
    def from_fields(cls, fields: Fields) -> Conv2D:
        """Read Loom's keys; output sizes are computed, and checked where they are given."""
        layer = cls(**cls._shared_settings(fields), **read_plane(fields))
        given = (fields.size("output_height"), fields.size("output_width"))
        if fields.reading == "loom" and not all(given):
            layer.silent = True  # Loom computes nothing without its output sizes
        elif all(given) and layer.input_height and layer.input_width:
            computed = layer._convolved((layer.input_height, layer.input_width))
            if computed != given:
                raise ShapeError(
                    f"conv2d gives {computed[0]}x{computed[1]}, but output_height and "
                    f"output_width say {given[0]}x{given[1]}",
                    hint="Leave them out: they follow from the other sizes.",
                )
        return layer

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys, output sizes included where they are known."""
        written = super().to_fields() | written_plane(self)
        known = self.input_channels and self.input_height and self.input_width
        shape = self.output_shape(None) if known and not self.silent else None
        if shape is not None:
            written |= {"output_height": shape[1], "output_width": shape[2]}
        return written


class Conv1D(_Convolution):
    """Convolution in time: ``y[f,u] = act(b[f] + sum_ck w[f,c,k] x[c, u s + k - p])``.

    Samples are channels first: x (C, T), ``kernel`` (F, C, K), ``bias`` (F,), y (F, U) with
    ``U = floor((T + 2 p - K) / s) + 1``.

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
        super().__init__(
            filters, kernel_size, stride, padding, activation, input_channels,
            frozen=frozen, disabled=disabled,
        )  # fmt: skip
        self.input_length = optional_size(input_length, "input_length")

    def complete(self, input_shape: Shape | None) -> None:
        """Take channels and length from the layer before."""
        if input_shape is not None and len(input_shape) == 2:
            self.input_channels = self.input_channels or input_shape[0]
            self.input_length = self.input_length or input_shape[1]
        self.input_channels = self.input_channels or 1
        if input_shape is not None and len(input_shape) == 1:
            self.input_length = self.input_length or input_shape[0] // self.input_channels or None

    def input_sizes(self) -> Shape:
        """Return (C, T)."""
        if not (self.input_channels and self.input_length):
            raise ShapeError("conv1d needs input_length", hint="Set it, or put a layer before.")
        return self.input_channels, self.input_length

    @property
    def _kernel_sizes(self) -> Shape:
        return (self.kernel_size,)

    @classmethod
    def from_fields(cls, fields: Fields) -> Conv1D:
        """Read input_length or input_height as the length, and Loom's other keys."""
        length = fields.first_size("input_length", "input_height")
        return cls(**cls._shared_settings(fields), input_length=length)

    def to_fields(self) -> dict[str, Any]:
        """Write the builder's keys."""
        return {**super().to_fields(), "input_length": self.input_length}
