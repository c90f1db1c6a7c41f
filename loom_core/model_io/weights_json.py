"""Loom's ``jsonModelB64`` weights: base64 of JSON that lists each layer's arrays of numbers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from loom_core.arrays import F32, element_count
from loom_core.errors import LoomError, ModelFormatError, NonFiniteError
from loom_core.layers import Layer
from loom_core.model_io.json_text import parse_json_object

FORMAT = "jsonModelB64"


def encode_weights(layers: Sequence[Layer], names: Sequence[str]) -> str:
    """Return the base64 text of all weights, each in the shortest decimal form that is exact.

    Raises:
        NonFiniteError: A weight is NaN or infinite (JSON cannot hold it).

    """
    encoded = []
    for layer, name in zip(layers, names, strict=True):
        arrays = []
        for weight, key in sorted(layer.weight_keys.items(), key=lambda item: item[1]):
            array = layer.weights.get(weight)
            if array is not None:
                arrays.append(f"{json.dumps(key)}:[{_decimal(array, f'{name}: {weight}')}]")
        encoded.append("{" + ",".join(arrays) + "}")
    text = '{"type":"float32","dtype":"","layers":[' + ",".join(encoded) + "]}"
    return base64.b64encode(text.encode("ascii")).decode("ascii")


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


def read_layer_weights(layer: Layer, stored: Mapping[str, Any], where: str) -> dict[str, F32]:
    """Return a layer's weights after every length was checked against its settings.

    Raises:
        ModelFormatError: An array is missing, or of another length than the settings imply, or
            holds anything but numbers.
        NonFiniteError: A number is not finite in float32.

    """
    arrays: dict[str, F32] = {}
    for name, shape in layer.weight_shapes().items():
        values = stored.get(layer.weight_keys[name])
        expected = element_count(shape)
        if values is None and name in layer.optional_weights:
            arrays[name] = np.zeros(shape, np.float32)
            continue
        if not isinstance(values, list) or len(values) != expected:
            found = f"{len(values)} values" if isinstance(values, list) else "none"
            raise ModelFormatError(
                f"{layer.weight_keys[name]} needs {expected:,} values (shape {shape}), got {found}",
                where=where,
                hint="The file is damaged, or its settings do not belong to its weights.",
            )
        arrays[name] = _float32(values, f"{where}: {layer.weight_keys[name]}").reshape(shape)
    return arrays


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
