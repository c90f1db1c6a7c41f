"""What the documents call layer types and activations."""

from __future__ import annotations

from loom_core.enums import LayerType
from loom_core.layers import LAYER_TYPES, Layer

_ACTIVATIONS = {
    "scaled_relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "leaky_relu": "LeakyReLU",
    "linear": "Linear",
}


def layer_code(layer: Layer) -> LayerType:
    """Return Loom's code of a layer's type; its name is the documents' word for it."""
    kind = next(code for code, cls in enumerate(LAYER_TYPES) if isinstance(layer, cls))
    return LayerType(kind)


def activation_name(layer: Layer) -> str:
    """Return the name of :mod:`loom_core.activations` for a layer's activation, or nothing."""
    return str(getattr(layer, "activation", ""))


def activation_word(layer: Layer) -> str:
    """Return the documents' word for a layer's activation; empty where it has none."""
    return _ACTIVATIONS.get(activation_name(layer), "")
