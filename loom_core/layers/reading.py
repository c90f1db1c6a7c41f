"""Layers of any type from their settings in model JSON."""

from __future__ import annotations

from loom_core.errors import LoomError
from loom_core.fields import Fields
from loom_core.layers import LOOM_LAYER_TYPES, Layer, layer_type


def read_layer(fields: Fields) -> Layer:
    """Make a layer of any type from its settings.

    Loom's own types take any key: its files give layers those of other types, too.

    Raises:
        SpecError: The type is missing or unknown, or a setting is not allowed, or one that the type
            does not have; it says where.
    """
    name = fields.text("type")
    if not name:
        raise fields.error("type is missing")
    try:
        kind = layer_type(name)
        layer = kind.from_fields(fields)
        layer.silent = layer.silent or fields.boolean("silent")
        if kind not in LOOM_LAYER_TYPES:
            fields.require_known(name)
        return layer
    except LoomError as error:
        raise (error if error.where else error.at(fields.where)) from error
