"""Loom's ``multiPrecisionB64`` weights: base64 of JSON whose arrays are base64 of packed numbers.

``{"dtype", "scale", "layers": [{"dtype", key: base64, "branch_weights": [...]}]}``, little-endian.
A stored integer q means q / scale. Loom always uses the dtype's largest number as the scale, which
clips weights beyond 1; ours is the largest power of two that clips none, which Loom reads too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from loom_core.arrays import F32, Shape
from loom_core.errors import ModelFormatError, SpecError
from loom_core.layers import Layer
from loom_core.model_io.base64_text import decode_base64, encode_base64
from loom_core.model_io.json_text import parse_json_object
from loom_core.model_io.weight_tree import ReadArray, require_finite, stored_arrays, write_tree
from loom_core.model_io.weights_binary import DTYPES

FORMAT = "multiPrecisionB64"
BIAS_KEY = "biases"
"""This format's name for a convolution's bias."""

WRITTEN = ("float32", "float64", "int8", "int16", "int32")
"""What Loom reads; any other dtype is float32 to it."""


def encode_weights(layers: Sequence[Layer], dtype: str) -> dict[str, Any]:
    """Return the weights object.

    Raises:
        SpecError: Loom's format has no such dtype.
        NonFiniteError: A weight is NaN or infinite.
    """
    if dtype not in WRITTEN:
        raise SpecError(f"Loom reads no {dtype!r} weights", hint=f"Use {', '.join(WRITTEN)}.")
    kind = DTYPES[dtype]
    scale = 1.0
    if kind.kind == "i":
        scale = _power_of_two_scale(max(map(_largest, layers), default=0.0), np.iinfo(kind).max)

    def packed(array: F32) -> str:
        if kind.kind == "f":
            return encode_base64(array.astype(kind).tobytes())
        return encode_base64(np.rint(array.astype(np.float64) * scale).astype(kind).tobytes())

    written = [{"dtype": dtype, **write_tree(layer, packed, BIAS_KEY)} for layer in layers]
    text = json.dumps({"dtype": dtype, "scale": scale, "layers": written})
    return {"fmt": FORMAT, "data": encode_base64(text.encode("ascii"))}


def _largest(layer: Layer) -> float:
    own = [float(np.abs(array).max(initial=0.0)) for array in stored_arrays(layer).values()]
    return max([*own, *map(_largest, layer.children)], default=0.0)


def _power_of_two_scale(largest: float, limit: int) -> float:
    """Return the largest power of two that keeps ``largest * scale`` within ``limit``."""
    return 2.0 ** math.floor(math.log2(limit / largest)) if largest else float(limit)


def decode_weights(weights: dict[str, Any]) -> tuple[str, object, ReadArray]:
    """Return the stored dtype, the raw list of layers, and the reader of one array.

    Raises:
        ModelFormatError, LimitError: Not base64 of a JSON object, or the scale is no number.
    """
    raw = decode_base64(weights.get("data"), "weights.data")
    stored = parse_json_object(raw, "the weights text")
    name, scale = stored.get("dtype"), stored.get("scale")
    if not isinstance(name, str):
        raise ModelFormatError("the weights do not say their dtype")
    if scale is not None and (isinstance(scale, bool) or not isinstance(scale, int | float)):
        raise ModelFormatError(f"the scale of the weights must be a number, got {scale!r:.40}")
    kind = DTYPES[name] if name in WRITTEN else DTYPES["float32"]

    def read_array(values: object, shape: Shape, what: str) -> F32:
        numbers = np.frombuffer(decode_base64(values, what), kind)
        with np.errstate(over="ignore"):
            wide = numbers / (scale or 1) if kind.kind == "i" else numbers
            return require_finite(wide.astype(np.float32), what).reshape(shape)

    return name, stored.get("layers"), read_array


def count_numbers(values: object, dtype: str) -> int:
    """Return how many numbers a stored array holds, from the length of its text alone."""
    if not isinstance(values, str):
        return 0
    size = DTYPES[dtype if dtype in WRITTEN else "float32"].itemsize
    padding = len(values) - len(values.rstrip("="))
    count, rest = divmod(len(values) // 4 * 3 - padding, size)
    return count if not rest and len(values) % 4 == 0 else 0
