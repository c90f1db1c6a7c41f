"""What every weights format shares: which arrays a layer stores, and checking what is read.

A format only says how one array is written and read; the walk over layers and their children,
the keys, the lengths against the settings, and the errors are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from loom_core.arrays import F32, Shape, element_count
from loom_core.errors import ModelFormatError, NonFiniteError
from loom_core.layers import Layer

ReadArray: TypeAlias = Callable[[object, Shape, str], F32]
"""``(stored, shape, what)`` returns the array, or raises ModelFormatError naming ``what``."""

CountArray: TypeAlias = Callable[[object], int]
"""How many numbers a stored array holds; 0 for what is none."""


def stored_arrays(layer: Layer) -> dict[str, F32]:
    """Return a layer's own weights by their keys in a model string.

    Raises:
        NonFiniteError: A weight is NaN or infinite.
    """
    arrays: dict[str, F32] = {}
    for name, array in layer.weights.items():
        if not np.isfinite(array).all():
            raise NonFiniteError(
                f"weight {name!r} of {layer.type_name} holds NaN or infinity, "
                "which a model string cannot hold",
                hint="Training diverged: lower the learning rate and start from an earlier save.",
            )
        keys = storage_keys(layer, name)
        arrays.update(zip(keys, np.split(array, len(keys)), strict=True))
    return arrays


def storage_keys(layer: Layer, name: str) -> tuple[str, ...]:
    """Return the keys under which a weight is stored, each an equal part of it."""
    keys = layer.weight_keys[name]
    return (keys,) if isinstance(keys, str) else keys


def write_tree(layer: Layer, write: Callable[[F32], Any], bias_key: str | None = None) -> Any:
    """Return a layer's arrays as one object; children stand in ``branch_weights``, a gate last.

    Args:
        layer: Whose weights.
        write: Encodes one array.
        bias_key: Replaces the key ``conv_bias`` in formats that call it otherwise.
    """
    written = {
        _renamed(key, bias_key): write(array) for key, array in sorted(stored_arrays(layer).items())
    }
    if layer.children:
        written["branch_weights"] = [write_tree(child, write, bias_key) for child in layer.children]
    return written


def read_tree(
    layer: Layer,
    stored: Mapping[str, Any],
    where: str,
    read: ReadArray,
    count: CountArray,
    bias_key: str | None = None,
) -> list[tuple[Layer, dict[str, F32]]]:
    """Return the weights of a layer and its children, every length checked against settings.

    Raises:
        ModelFormatError: An array is missing, or of another length than the settings imply, or
            holds anything but numbers.
        NonFiniteError: A number is not finite in float32.
    """

    def value(key: str) -> object:
        return stored.get(_renamed(key, bias_key))

    layer.adopt_stored(
        {
            name: sum(count(value(key)) for key in storage_keys(layer, name))
            for name in layer.weight_keys
        }
    )
    arrays: dict[str, F32] = {}
    for name, shape in layer.weight_shapes().items():
        keys = storage_keys(layer, name)
        part = (shape[0] // len(keys), *shape[1:])
        parts = []
        for key in keys:
            found = value(key)
            if found is None and name in layer.optional_weights:
                parts.append(np.zeros(part, np.float32))
                continue
            if count(found) != element_count(part):
                raise ModelFormatError(
                    f"{key} needs {element_count(part):,} values (shape {part}), got "
                    + (f"{count(found):,} values" if count(found) else "none"),
                    where=where,
                    hint="The file is damaged, or its settings do not belong to its weights.",
                )
            parts.append(read(found, part, f"{where}: {key}"))
        arrays[name] = np.concatenate(parts) if len(parts) > 1 else parts[0]
    tree = [(layer, arrays)]
    for number, (child, inner) in enumerate(_stored_children(layer, stored, where)):
        place = f"{where}: child {number} {child.type_name}"
        tree += read_tree(child, inner, place, read, count, bias_key)
    return tree


def _renamed(key: str, bias_key: str | None) -> str:
    return bias_key if bias_key and key == "conv_bias" else key


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


def require_layers(layers: object, count: int, where: str) -> list[dict[str, Any]]:
    """Return a list of one object for each of ``count`` layers.

    Raises:
        ModelFormatError: It is anything else.
    """
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise ModelFormatError("the weights hold no list of layers", where=where)
    if len(layers) != count:
        raise ModelFormatError(
            f"the weights hold {len(layers)} layers, the settings {count}", where=where
        )
    return layers


def require_finite(array: F32, what: str) -> F32:
    """Return ``array`` when all of it is finite.

    Raises:
        NonFiniteError: It is not.
    """
    if not np.isfinite(array).all():
        raise NonFiniteError(
            f"{what} holds NaN, infinity or a number too large for float32",
            hint="The model diverged before it was saved: load an earlier save.",
        )
    return array
