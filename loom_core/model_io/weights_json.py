"""Loom's ``jsonModelB64`` weights: base64 of JSON that lists each layer's arrays of numbers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from loom_core.arrays import F32, Shape, element_count
from loom_core.errors import LoomError, ModelFormatError, NonFiniteError
from loom_core.layers import Layer
from loom_core.model_io.json_text import parse_json_object

FORMAT = "jsonModelB64"


def encode_weights(layers: Sequence[Layer], names: Sequence[str]) -> str:
    """Return the base64 text of all weights, each in the shortest decimal form that is exact.

    Raises:
        NonFiniteError: A weight is NaN or infinite (JSON cannot hold it).
    """
    encoded = [_encode_layer(layer, name) for layer, name in zip(layers, names, strict=True)]
    text = '{"type":"float32","dtype":"","layers":[' + ",".join(encoded) + "]}"
    return base64.b64encode(text.encode("ascii")).decode("ascii")


def _encode_layer(layer: Layer, name: str) -> str:
    """Return one layer's JSON object; children stand in ``branch_weights``, a gate last."""
    parts = [
        f"{json.dumps(key)}:[{_decimal(array, f'{name}: {key}')}]"
        for key, array in sorted(stored_arrays(layer).items())
    ]
    if layer.children:
        inner = [
            _encode_layer(child, f"{name}: child {number}")
            for number, child in enumerate(layer.children)
        ]
        parts.append('"branch_weights":[' + ",".join(inner) + "]")
    return "{" + ",".join(parts) + "}"


def stored_arrays(layer: Layer) -> dict[str, F32]:
    """Return a layer's own weights by their keys in a model string."""
    arrays: dict[str, F32] = {}
    for name, array in layer.weights.items():
        keys = storage_keys(layer, name)
        arrays.update(zip(keys, np.split(array, len(keys)), strict=True))
    return arrays


def storage_keys(layer: Layer, name: str) -> tuple[str, ...]:
    """Return the keys under which a weight is stored, each an equal part of it."""
    keys = layer.weight_keys[name]
    return (keys,) if isinstance(keys, str) else keys


def _decimal(array: F32, what: str) -> str:
    if not np.isfinite(array).all():
        raise NonFiniteError(
            f"{what} holds NaN or infinity, which a model string cannot hold",
            hint="Training diverged: lower the learning rate and start from an earlier save.",
        )
    return ",".join(array.ravel().astype("U").tolist())


def decode_weights(data: object, count: int, where: str) -> list[dict[str, Any]]:
    """Return the raw per-layer objects of the base64 text.

    Raises:
        ModelFormatError: Not base64, not JSON, or not one object for each of ``count`` layers.
    """
    if not isinstance(data, str):
        raise ModelFormatError("weights.data must be base64 text", where=where)
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ModelFormatError(
            f"weights.data is not base64: {error}",
            where=where,
            hint="Was the text cut or changed when it was copied?",
        ) from error
    try:
        layers = parse_json_object(raw, "the weights text").get("layers")
    except LoomError as error:
        raise error.at(where) from error
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise ModelFormatError("the weights hold no list of layers", where=where)
    if len(layers) != count:
        raise ModelFormatError(
            f"the weights hold {len(layers)} layers, the settings {count}", where=where
        )
    return layers


def read_layer_weights(
    layer: Layer, stored: Mapping[str, Any], where: str
) -> list[tuple[Layer, dict[str, F32]]]:
    """Return the weights of a layer and its children, every length checked against settings.

    Raises:
        ModelFormatError: An array is missing, or of another length than the settings imply, or
            holds anything but numbers.
        NonFiniteError: A number is not finite in float32.
    """
    lengths = {
        name: sum(_length(stored.get(key)) for key in storage_keys(layer, name))
        for name in layer.weight_keys
    }
    layer.adopt_stored(lengths)
    arrays: dict[str, F32] = {}
    for name, shape in layer.weight_shapes().items():
        keys = storage_keys(layer, name)
        part = (shape[0] // len(keys), *shape[1:])
        parts = [
            _read_array(stored.get(key), part, f"{where}: {key}", name in layer.optional_weights)
            for key in keys
        ]
        arrays[name] = np.concatenate(parts) if len(parts) > 1 else parts[0]
    found = [(layer, arrays)]
    for number, (child, inner) in enumerate(_stored_children(layer, stored, where)):
        found += read_layer_weights(child, inner, f"{where}: child {number} {child.type_name}")
    return found


def _stored_children(
    layer: Layer, stored: Mapping[str, Any], where: str
) -> Iterable[tuple[Layer, Mapping[str, Any]]]:
    inner = stored.get("branch_weights") or [{} for _ in layer.children]
    if not isinstance(inner, list) or not all(isinstance(item, dict) for item in inner):
        raise ModelFormatError("branch_weights must be a list of objects", where=where)
    if len(inner) != len(layer.children):
        raise ModelFormatError(
            f"branch_weights holds {len(inner)} layers, the settings {len(layer.children)}",
            where=where,
        )
    return zip(layer.children, inner, strict=True)


def _length(values: object) -> int:
    return len(values) if isinstance(values, list) else 0


def _read_array(values: object, shape: Shape, what: str, optional: bool) -> F32:
    if values is None and optional:
        return np.zeros(shape, np.float32)
    expected = element_count(shape)
    if not isinstance(values, list) or len(values) != expected:
        found = f"{len(values)} values" if isinstance(values, list) else "none"
        raise ModelFormatError(
            f"{what} needs {expected:,} values (shape {shape}), got {found}",
            hint="The file is damaged, or its settings do not belong to its weights.",
        )
    return _float32(values, what).reshape(shape)


def _float32(values: list[Any], what: str) -> F32:
    if not set(map(type, values)) <= {int, float}:
        wrong = next(value for value in values if type(value) not in (int, float))
        raise ModelFormatError(f"{what} must hold numbers only, but holds {str(wrong)[:40]!r}")
    try:
        wide = np.array(values, np.float64)
    except OverflowError as error:
        raise NonFiniteError(f"{what} holds a number too large for float32") from error
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise NonFiniteError(f"{what} holds a number too large for float32")
    return narrow
