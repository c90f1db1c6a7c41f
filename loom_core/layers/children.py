"""Layers inside layers, in model JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loom_core.errors import LoomError
from loom_core.layers.base import Layer

if TYPE_CHECKING:
    from loom_core.fields import Fields


def child_name(kind: str, index: int, child: Layer) -> str:
    """Return how messages call a child."""
    return f"{kind} {index} {child.type_name}"


def read_child(fields: Fields) -> Layer:
    """Make a layer of any type from its settings.

    Raises:
        SpecError: The type is missing or unknown, or a setting is not allowed; it says where.
    """
    from loom_core.layers import layer_type  # the table of types holds this module's users

    name = fields.text("type")
    if not name:
        raise fields.error("type is missing")
    try:
        layer = layer_type(name).from_fields(fields)
        layer.silent = layer.silent or fields.boolean("silent")
        return layer
    except LoomError as error:
        raise (error if error.where else error.at(fields.where)) from error


def read_children(fields: Fields, kind: str) -> list[Layer]:
    """Make the layers of the key ``branches``."""
    return [read_child(part) for part in fields.parts("branches", kind)]


def write_child(layer: Layer) -> dict[str, Any]:
    """Return a layer's settings as they stand in model JSON."""
    flags = {"frozen": layer.frozen, "is_disabled": layer.disabled, "silent": layer.silent}
    set_flags = {key: True for key, value in flags.items() if value}
    return {"type": layer.type_name, **layer.to_fields(), **set_flags}
