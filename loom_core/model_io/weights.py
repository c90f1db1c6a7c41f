"""The weights formats of a bundle, chosen by name: one way in and one way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from loom_core.arrays import F32
from loom_core.errors import ModelFormatError, SpecError
from loom_core.layers import Layer
from loom_core.model_io import weights_binary, weights_json, weights_multi_precision
from loom_core.model_io.weight_tree import CountArray, ReadArray, read_tree, require_layers

SaveAs = Literal["compact", "loom"]


def encode_weights(layers: Sequence[Layer], save_as: str, dtype: str) -> dict[str, Any]:
    """Return the ``weights`` object of a model.

    Raises:
        SpecError: An unknown format, or a dtype that it does not have.
        NonFiniteError: A weight is NaN or infinite.
    """
    if save_as == "compact":
        return weights_binary.encode_weights(layers, dtype)
    if save_as != "loom":
        raise SpecError(f'save_as must be "compact" or "loom", got {save_as!r:.40}')
    if dtype == "float32":
        return weights_json.encode_weights(layers)
    return weights_multi_precision.encode_weights(layers, dtype)


def decode_weights(
    layers: Sequence[Layer], names: Sequence[str], weights: dict[str, Any]
) -> list[tuple[Layer, dict[str, F32]]]:
    """Return every layer's weights, children included; nothing is set yet.

    Raises:
        ModelFormatError: An unknown format, or the arrays do not fit the settings.
        SpecError: An unknown dtype, or a layer does not allow a value.
        NonFiniteError: A weight is NaN or infinite.
        LimitError: The text is too long or too deep.
    """
    found = _decoded(layers, names, weights)
    for layer, arrays in found:
        layer.require_allowed(arrays)
    return found


def _decoded(
    layers: Sequence[Layer], names: Sequence[str], weights: dict[str, Any]
) -> list[tuple[Layer, dict[str, F32]]]:
    fmt = weights.get("fmt")
    if fmt == weights_binary.FORMAT:
        return weights_binary.decode_weights(layers, weights)
    read: ReadArray
    count: CountArray
    if fmt == weights_json.FORMAT:
        stored, bias_key = weights_json.decode_weights(weights), None
        read, count = weights_json.read_array, weights_json.count_numbers
    elif fmt == weights_multi_precision.FORMAT:
        dtype, stored, read = weights_multi_precision.decode_weights(weights)
        count = partial(weights_multi_precision.count_numbers, dtype=dtype)
        bias_key = weights_multi_precision.BIAS_KEY
    else:
        known = (weights_binary, weights_json, weights_multi_precision)
        formats = ", ".join(module.FORMAT for module in known)
        raise ModelFormatError(f"weights format {fmt!r:.40} is not known; {formats} are")
    found = []
    for layer, name, raw in zip(
        layers, names, require_layers(stored, len(layers), ""), strict=True
    ):
        found += read_tree(layer, raw, name, read, count, bias_key)
    return found


def stored_dtype(weights: Mapping[str, Any]) -> str:
    """Return the name of the dtype in which weights are stored."""
    if weights.get("fmt") == weights_multi_precision.FORMAT:
        return weights_multi_precision.decode_weights(dict(weights))[0]
    return str(weights.get("dtype") or "float32")
