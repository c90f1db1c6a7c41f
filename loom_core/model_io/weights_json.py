"""Loom's ``jsonModelB64`` weights: base64 of JSON that lists each layer's arrays of numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from loom_core.arrays import F32, Shape
from loom_core.errors import ModelFormatError, NonFiniteError
from loom_core.layers import Layer
from loom_core.model_io.base64_text import decode_base64, encode_base64
from loom_core.model_io.json_text import parse_json_object
from loom_core.model_io.weight_tree import require_finite, write_tree

FORMAT = "jsonModelB64"


class _Decimals(str):
    """Numbers already written out, to be put into JSON as they are."""


def encode_weights(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the weights object, each number in the shortest decimal form that is exact.

    Raises:
        NonFiniteError: A weight is NaN or infinite (JSON cannot hold it).
    """
    encoded = [_dump(write_tree(layer, _decimals)) for layer in layers]
    text = '{"type":"float32","dtype":"","layers":[' + ",".join(encoded) + "]}"
    return {"fmt": FORMAT, "data": encode_base64(text.encode("ascii"))}


def _decimals(array: F32) -> _Decimals:
    return _Decimals("[" + ",".join(array.ravel().astype("U").tolist()) + "]")


def _dump(value: Any) -> str:
    """Return JSON text; the standard encoder would print float32 as longer doubles."""
    if isinstance(value, _Decimals):
        return value
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return "{" + ",".join(f"{json.dumps(k)}:{_dump(v)}" for k, v in value.items()) + "}"


def decode_weights(weights: dict[str, Any]) -> object:
    """Return the raw list of layers.

    Raises:
        ModelFormatError, LimitError, NonFiniteError: Not base64 of a JSON object.
    """
    raw = decode_base64(weights.get("data"), "weights.data")
    return parse_json_object(raw, "the weights text").get("layers")


def count_numbers(values: object) -> int:
    """Return how many numbers a stored array holds."""
    return len(values) if isinstance(values, list) else 0


def read_array(values: object, shape: Shape, what: str) -> F32:
    """Return a list of numbers as an array.

    Raises:
        ModelFormatError: It holds anything but numbers.
        NonFiniteError: One is not finite in float32.
    """
    if not isinstance(values, list) or not set(map(type, values)) <= {int, float}:
        raise ModelFormatError(f"{what} must hold numbers only")
    try:
        wide = np.array(values, np.float64)
    except OverflowError as error:
        raise NonFiniteError(f"{what} holds a number too large for float32") from error
    with np.errstate(over="ignore"):
        return require_finite(wide.astype(np.float32), what).reshape(shape)
