"""What the documents call layer types and activations."""

from __future__ import annotations

from functools import cache

from loom_core.activations import ACTIVATIONS
from loom_core.enums import LayerType
from loom_core.errors import SpecError
from loom_core.layers import LAYER_TYPES, Layer


def layer_code(layer: Layer) -> LayerType:
    """Return the code of a layer's type; its name is the documents' word for it.

    Raises:
        SpecError: The type is none of LAYER_TYPES: a class of a program's own.
    """
    return _code(type(layer))


@cache
def _code(kind: type[Layer]) -> LayerType:
    for code, known in enumerate(LAYER_TYPES):
        if issubclass(kind, known):
            return LayerType(code)
    raise SpecError(
        f"layers of type {kind.__name__} run and train, but have no code to be shown by",
        hint="LAYER_TYPES and LayerType list those that have one; or derive it from one of these.",
    )


def activation_name(layer: Layer) -> str:
    """Return the name of :mod:`loom_core.activations` for a layer's activation, or nothing."""
    return str(getattr(layer, "activation", ""))


def activation_word(layer: Layer) -> str:
    """Return the documents' word for a layer's activation; empty where it has none."""
    row = ACTIVATIONS.get(activation_name(layer))
    return row.word if row else ""
