"""The layer types, by name. Each file holds one layer: settings, weights, lowering."""

from __future__ import annotations

from loom_core.errors import SpecError
from loom_core.layers.base import Layer
from loom_core.layers.conv2d import Conv2D
from loom_core.layers.dense import Dense
from loom_core.layers.softmax import Softmax

LAYER_TYPES: tuple[type[Layer], ...] = (Dense, Conv2D, Softmax)

_BY_NAME = {name: layer for layer in LAYER_TYPES for name in (layer.type_name, *layer.type_aliases)}


def layer_type(name: str) -> type[Layer]:
    """Return the layer class of a type name in model JSON.

    Raises:
        SpecError: There is no layer type of that name.

    """
    if name not in _BY_NAME:
        raise SpecError(
            f"unknown layer type {name!r}", hint=f"Use one of {', '.join(sorted(_BY_NAME))}."
        )
    return _BY_NAME[name]


__all__ = ["LAYER_TYPES", "Conv2D", "Dense", "Layer", "Softmax", "layer_type"]
