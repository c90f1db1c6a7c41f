"""MaxPool2D and AvgPool2D: images made smaller, window by window."""

from __future__ import annotations

from typing import Any, Literal, Self, TypeAlias

from loom_core.arrays import Shape, element_count
from loom_core.checks import optional_size, positive
from loom_core.errors import ShapeError, SpecError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.ops.convolution import convolved_size, require_bordered_image
from loom_core.layers.base import Layer
from loom_core.layers.images import complete_image, image_shape, read_plane, written_plane
from loom_core.layers.sample_shapes import require_features

Window: TypeAlias = int | Literal["global"]
"""Size of a square window, or ``"global"`` for one window that holds the whole image."""


class _Pooling(Layer):
    """What both share: all but the op, whose name is the layer's type."""

    channels_first = True
    keeps_width = False

    def __init__(
        self,
        kernel_size: Window,
        stride: int | None = None,
        padding: int = 0,
        *,
        input_channels: int | None = None,
        input_height: int | None = None,
        input_width: int | None = None,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.kernel_size: Window = _window(kernel_size)
        self.stride = optional_size(stride, "stride")
        self.padding = positive(padding, "padding", minimum=0)
        self.input_channels = optional_size(input_channels, "input_channels")
        self.input_height = optional_size(input_height, "input_height")
        self.input_width = optional_size(input_width, "input_width")
        if self.kernel_size == "global":
            if self.stride is not None or self.padding:
                raise SpecError(
                    f"a global window has no stride and no padding, got {stride} and {padding}",
                    hint="Leave them out, or give kernel_size as a number.",
                )
        elif 2 * self.padding > self.kernel_size:
            raise SpecError(
                f"padding must be at most half of kernel_size {self.kernel_size}, got {padding}",
                hint="More would leave windows without a cell of the image.",
            )

    def complete(self, input_shape: Shape | None) -> None:
        """Take channels, height and width from an image-shaped output of the layer before."""
        complete_image(self, input_shape)

    def input_features(self) -> int | None:
        """Return how many numbers one sample holds."""
        return element_count(image_shape(self))

    def _sizes(self) -> dict[str, tuple[int, int]]:
        """Return window, stride and padding, each down and right."""
        if self.kernel_size == "global":
            _, height, width = image_shape(self)
            return {"kernel": (height, width), "stride": (1, 1), "padding": (0, 0)}
        stride = self.stride or self.kernel_size
        sizes = {"kernel": self.kernel_size, "stride": stride, "padding": self.padding}
        return {name: (size, size) for name, size in sizes.items()}

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (C, U, V).

        Raises:
            ShapeError: The input is of another size, or the window does not fit into it.
            LimitError: The padding makes an image too large.
        """
        image, sizes = image_shape(self), self._sizes()
        require_bordered_image(image, sizes["padding"], self.type_name)
        shown = "x".join(map(str, image))
        require_features(input_shape, element_count(image), self.type_name, shown)
        cells = tuple(map(convolved_size, image[1:], *sizes.values()))
        if min(cells) < 1:
            raise ShapeError(
                f"{self.type_name}: a window of {self.kernel_size} does not fit {shown} "
                f"with padding {self.padding}",
                hint='Use a smaller window, more padding, or "global".',
            )
        return (image[0], *cells)

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit the op on images (B, C, H, W)."""
        images = graph.reshape(x, (x.shape[0], *image_shape(self)))
        return graph.emit(self.type_name, images, **self._sizes())

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Read kernel_size (a size or "global"), stride, padding and the image's sizes."""
        window = fields.get("kernel_size")
        return cls(
            _window(window) if isinstance(window, str) else fields.required_size("kernel_size"),
            fields.size("stride"),
            fields.size("padding") or 0,
            input_channels=fields.size("input_channels"),
            **read_plane(fields),
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write the same keys; stride and padding where they say something."""
        window = {"stride": self.stride, "padding": self.padding}
        return {
            "kernel_size": self.kernel_size,
            **{name: size for name, size in window.items() if size},
            "input_channels": self.input_channels,
            **written_plane(self),
        }


def _window(value: int | str) -> Window:
    if isinstance(value, str):
        if value != "global":
            raise SpecError(f'kernel_size must be a size or "global", got {value[:40]!r}')
        return "global"
    return positive(value, "kernel_size")


class MaxPool2D(_Pooling):
    """The largest of each window: ``y[c,u,v] = max_ij x[c, u s + i - p, v s + j - p]``.

    Samples are channels first: x (C, H, W), y (C, U, V) with ``U = floor((H + 2 p - K) / s) + 1``.
    Cells beyond the border are never the largest. The gradient goes to the largest cell, of equal
    ones to the first in reading order, as in PyTorch. The layer has no weights.

    Args:
        kernel_size: K, or ``"global"`` for one window over the whole image: y (C, 1, 1).
        stride: s, in cells; K when left out.
        padding: p, cells around the image; at most K / 2.
        input_channels: C; these three are inferred from the layer before when left out.
        input_height: H.
        input_width: W.
        frozen: Kept for symmetry; there is nothing to train.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1 (padding: below 0), more padding than half a window, or stride or
            padding of a global window.

    Source: Yamaguchi et al. 1990, "A neural network for speaker-independent isolated word
    recognition".
    """

    type_name = "max_pool2d"


class AvgPool2D(_Pooling):
    """The mean of each window: ``y[c,u,v] = (1 / K^2) sum_ij x[c, u s + i - p, v s + j - p]``.

    Samples are channels first: x (C, H, W), y (C, U, V) with ``U = floor((H + 2 p - K) / s) + 1``.
    Cells beyond the border count as zeros: the sum is divided by K^2 everywhere, as in PyTorch
    by default (``count_include_pad=True``). The layer has no weights.

    Args:
        kernel_size: K, or ``"global"`` for one window over the whole image: y (C, 1, 1).
        stride: s, in cells; K when left out.
        padding: p, cells around the image; at most K / 2.
        input_channels: C; these three are inferred from the layer before when left out.
        input_height: H.
        input_width: W.
        frozen: Kept for symmetry; there is nothing to train.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A size below 1 (padding: below 0), more padding than half a window, or stride or
            padding of a global window.

    Sources: LeCun et al. 1998, "Gradient-based learning applied to document recognition"; the
    global one: Lin et al. 2014, arXiv:1312.4400.
    """

    type_name = "avg_pool2d"
