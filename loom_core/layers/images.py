"""Layers whose samples are images (C, H, W): where they get the sizes from that were left out."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from loom_core.arrays import Shape
from loom_core.errors import ShapeError
from loom_core.fields import Fields


class TakesImages(Protocol):
    """A layer with the sizes of its images; each is None until it is known."""

    type_name: ClassVar[str]
    input_channels: int | None
    input_height: int | None
    input_width: int | None


def complete_image(layer: TakesImages, input_shape: Shape | None) -> None:
    """Take channels, height and width from an image-shaped output of the layer before."""
    if input_shape is not None and len(input_shape) == 3:
        channels, height, width = input_shape
        layer.input_channels = layer.input_channels or channels
        layer.input_height = layer.input_height or height
        layer.input_width = layer.input_width or width


def image_shape(layer: TakesImages) -> Shape:
    """Return (C, H, W).

    Raises:
        ShapeError: One of them was never given.
    """
    if not (layer.input_channels and layer.input_height and layer.input_width):
        raise ShapeError(
            f"{layer.type_name} needs input_channels, input_height and input_width, got "
            f"{layer.input_channels}, {layer.input_height} and {layer.input_width}",
            hint="They are inferred only when the layer before gives images (C, H, W).",
        )
    return layer.input_channels, layer.input_height, layer.input_width


def read_plane(fields: Fields) -> dict[str, Any]:
    """Read height and width of the images from model JSON."""
    return {key: fields.size(key) for key in ("input_height", "input_width")}


def written_plane(layer: TakesImages) -> dict[str, Any]:
    """Write height and width of the images as model JSON has them."""
    return {"input_height": layer.input_height, "input_width": layer.input_width}
