"""Layers of any type from their settings in model JSON."""

from __future__ import annotations

from loom_core.errors import LoomError
from loom_core.fields import Fields
from loom_core.layers import Layer, layer_type


def read_layer(fields: Fields) -> Layer:
    """Make a layer of any type from its settings.

    Raises:
        SpecError: The type is missing or unknown, or a setting is not allowed; it says where.
    """
    name = fields.text("type")
    if not name:
        raise fields.error("type is missing")
    try:
        layer = layer_type(name).from_fields(fields)
        layer.silent = layer.silent or fields.boolean("silent")
        return layer
    except LoomError as error:
        raise (error if error.where else error.at(fields.where)) from error
