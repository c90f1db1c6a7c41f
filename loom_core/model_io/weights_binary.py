"""``tensorsB64`` weights, our own format: one block of little-endian bytes, described by shapes.

``{"fmt", "dtype", "crc32", "tensors": [{"shape", "max"?}], "data"}``: the arrays of all layers, in
the order of :func:`weight_order`, one after the other in ``data`` (base64). Five characters a
weight instead of about seventeen as decimals, and no number is parsed. Integers are fixed point:
w = q / Q * max with Q the dtype's largest number and max the array's largest magnitude, so that
saving what was loaded gives the same bytes. Running statistics are never narrower than float32: a
small variance beside a large one would become 0, and be divided by. The checksum finds damage, not
tampering.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from loom_core.arrays import F32, Array, element_count
from loom_core.errors import ModelFormatError, SpecError
from loom_core.layers import Layer
from loom_core.model_io.base64_text import decode_base64, encode_base64
from loom_core.model_io.weight_tree import require_finite, stored_arrays

FORMAT = "tensorsB64"

DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {
        "float32": "<f4", "float64": "<f8", "float16": "<f2",
        "int8": "<i1", "int16": "<i2", "int32": "<i4",
    }.items()
}  # fmt: skip


def weight_order(layers: Sequence[Layer]) -> Iterator[tuple[Layer, str]]:
    """Yield every weight: layer by layer, own weights before those of children."""
    for layer in layers:
        yield from ((layer, name) for name in layer.weight_shapes())
        yield from weight_order(layer.children)


def dtype_of(name: object) -> np.dtype[Any]:
    """Return the NumPy dtype of a name.

    Raises:
        SpecError: The format has no such dtype.
    """
    if not isinstance(name, str) or name not in DTYPES:
        raise SpecError(f"unknown weight dtype {name!r:.40}", hint=f"Use {', '.join(DTYPES)}.")
    return DTYPES[name]


def _stored_kind(layer: Layer, name: str, kind: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of one weight in a file of a dtype."""
    narrow = kind.name != "float64" and name in layer.running_statistics
    return DTYPES["float32"] if narrow else kind


def encode_weights(layers: Sequence[Layer], dtype: str = "float32") -> dict[str, Any]:
    """Return the weights object.

    Raises:
        SpecError: The format has no such dtype, or a weight does not fit float16.
        NonFiniteError: A weight is NaN or infinite.
    """
    kind = dtype_of(dtype)
    for layer, _ in weight_order(layers):
        stored_arrays(layer)  # raises for what is not finite
    tensors: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    for layer, name in weight_order(layers):
        array = layer.weights[name]
        tensor: dict[str, Any] = {"shape": list(array.shape)}
        stored = _stored_kind(layer, name, kind)
        blocks.append(_narrow(array, stored, tensor, f"{layer.type_name} {name}").tobytes())
        tensors.append(tensor)
    data = b"".join(blocks)
    return {
        "fmt": FORMAT,
        "dtype": dtype,
        "crc32": zlib.crc32(data),
        "tensors": tensors,
        "data": encode_base64(data),
    }


def _narrow(array: F32, kind: np.dtype[Any], tensor: dict[str, Any], what: str) -> Array:
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            narrow = array.astype(kind)
        if not np.isfinite(narrow).all():
            raise SpecError(f"{what} holds numbers too large for {kind.name}", hint="Use float32.")
        return narrow
    largest = float(np.abs(array).max(initial=0.0))
    tensor["max"] = largest
    unit = array.astype(np.float64) / (largest or 1.0)
    return np.rint(unit * np.iinfo(kind).max).astype(kind)


def decode_weights(
    layers: Sequence[Layer], weights: dict[str, Any]
) -> list[tuple[Layer, dict[str, F32]]]:
    """Return the weights of every layer, each checked against its settings.

    Raises:
        ModelFormatError: Shapes, length or checksum are not what settings and header say.
        SpecError: The dtype is unknown.
        NonFiniteError: A weight is NaN or infinite.
    """
    kind = dtype_of(weights.get("dtype"))
    order = list(weight_order(layers))
    tensors = weights.get("tensors")
    if not isinstance(tensors, list) or len(tensors) != len(order):
        found = len(tensors) if isinstance(tensors, list) else "no"
        raise ModelFormatError(f"the settings imply {len(order)} weight arrays, got {found}")
    shapes = [layer.weight_shapes()[name] for layer, name in order]
    for (layer, name), shape, tensor in zip(order, shapes, tensors, strict=True):
        if not isinstance(tensor, dict) or tensor.get("shape") != list(shape):
            given = tensor.get("shape") if isinstance(tensor, dict) else tensor
            raise ModelFormatError(
                f"{layer.type_name} {name} needs the shape {list(shape)}, got {given!r:.60}"
            )
    data = decode_base64(weights.get("data"), "weights.data")
    kinds = [_stored_kind(layer, name, kind) for layer, name in order]
    sizes = zip(shapes, kinds, strict=True)
    expected = sum(element_count(shape) * stored.itemsize for shape, stored in sizes)
    if len(data) != expected:
        raise ModelFormatError(f"the weights need {expected:,} bytes, got {len(data):,}")
    if zlib.crc32(data) != weights.get("crc32"):
        raise ModelFormatError(
            "the weights do not match their checksum",
            hint="The text was damaged on its way: copy or fetch it again.",
        )
    found_weights: dict[Layer, dict[str, F32]] = {}
    offset = 0
    for (layer, name), shape, stored, tensor in zip(order, shapes, kinds, tensors, strict=True):
        raw = np.frombuffer(data, stored, element_count(shape), offset)
        offset += raw.nbytes
        wide = _widen(raw, tensor, f"{layer.type_name} {name}").reshape(shape)
        found_weights.setdefault(layer, {})[name] = wide
    return list(found_weights.items())


def _widen(raw: Array, tensor: dict[str, Any], what: str) -> F32:
    if raw.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return require_finite(raw.astype(np.float32), what)
    largest = tensor.get("max")
    if isinstance(largest, bool) or not isinstance(largest, int | float):
        raise ModelFormatError(f"{what} is stored as integers and needs max, a number")
    with np.errstate(over="ignore"):
        wide = (raw / np.iinfo(raw.dtype).max * float(largest)).astype(np.float32)
    return require_finite(wide, what)
