"""Typed reading of one settings object of model JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from loom_core import limits
from loom_core.activations import ACTIVATIONS, activation
from loom_core.errors import SpecError

Reading = Literal["loom", "documented"]
"""Which meaning a file's settings have: ``"loom"`` is the arithmetic of Loom v0.0.7, its quirks
turned into explicit settings; ``"documented"`` is the documented mathematics."""

_LOOM_ACTIVATIONS = {
    row.loom_name: row.name
    for row in ACTIVATIONS.values()
    if row.loom_name is not None and row.name != "linear"
}


class Fields:
    """The settings of one layer (or network) in model JSON.

    Keys match without regard to case, as in Loom. Loom leaves out what is zero, so a size of 0
    and a missing one are the same.

    Args:
        values: The JSON object.
        where: Said first in every error.
        reading: Which meaning the settings have.
        batch_size: The network's, which some of Loom's layers depend on.
        in_branch: The layer stands inside another one.
        read_layer: Makes the layers inside this one from their settings.
        sizes_lost: The file is in Loom's multi-precision format, which leaves out sizes.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        where: str,
        reading: Reading = "documented",
        batch_size: int = 1,
        in_branch: bool = False,
        sizes_lost: bool = False,
        read_layer: Callable[[Fields], Any] | None = None,
    ) -> None:
        self._values = {key.lower(): value for key, value in values.items()}
        self.where = where
        self.reading = reading
        self.batch_size = batch_size
        self.in_branch = in_branch
        self.sizes_lost = sizes_lost
        self._read_layer = read_layer
        self._asked: dict[str, None] = {}  # keys, in the order in which they were read

    def get(self, key: str) -> Any:
        """Return the raw value, or None."""
        self._asked[key] = None
        return self._values.get(key)

    def require_known(self, what: str) -> None:
        """Raise :class:`SpecError` where a key was given that nobody has read.

        Args:
            what: Whose settings these are; all of them have been read.
        """
        unknown = [key for key in self._values if key not in self._asked]
        if unknown:
            raise SpecError(
                f"{what} has no {_short(unknown[0])}",
                where=self.where,
                hint=f"Its keys are {', '.join(self._asked)}.",
            )

    def size(self, key: str) -> int | None:
        """Return a whole number of at least 1; None where it is missing, null or 0."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.error(f"{key} must be a whole number of at least 0, got {_short(value)}")
        limits.require_within(value, limits.DIMENSION, key, where=self.where)
        return value or None

    def required_size(self, key: str) -> int:
        """Return a whole number of at least 1."""
        value = self.size(key)
        if value is None:
            raise self.error(f"{key} is missing")
        return value

    def first_size(self, *keys: str) -> int | None:
        """Return the first of several keys that gives a size."""
        return next((size for size in map(self.size, keys) if size), None)

    def first_required_size(self, *keys: str) -> int:
        """Return the first of several keys that gives a size, one of which must."""
        value = self.first_size(*keys)
        if value is None:
            raise self.error(f"{' or '.join(keys)} is missing")
        return value

    def index(self, key: str) -> int | None:
        """Return a whole number of at least 0; None where it is missing or null."""
        return None if self.get(key) is None else self.size(key) or 0

    def number(self, key: str) -> float | None:
        """Return a finite number, or None where it is missing or null."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{key} must be a number, got {_short(value)}")
        try:
            converted = float(value)
        except OverflowError as error:
            raise self.error(f"{key} is too large for a number") from error
        if not math.isfinite(converted):
            raise self.error(f"{key} must be finite, got {_short(value)}")
        return converted

    def text(self, key: str) -> str | None:
        """Return text, or None where it is missing or null."""
        value = self.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(f"{key} must be text, got {_short(value)}")
        return value

    def boolean(self, key: str) -> bool:
        """Return true or false; false where it is missing or null."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(f"{key} must be true or false, got {_short(value)}")
        return bool(value)

    def choice(self, key: str, allowed: Iterable[str], default: str) -> Any:
        """Return one of several words."""
        value = self.text(key) or default
        if value not in allowed:
            raise self.error(f"{key} must be one of {', '.join(allowed)}, got {_short(value)}")
        return value

    def _items(self, key: str, kinds: tuple[type, ...], what: str) -> list[Any]:
        """Return a list whose items are of given types; empty where it is missing or null."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(type(item) in kinds for item in value):
            raise self.error(f"{key} must be a list of {what}, got {_short(value)}")
        limits.require_within(len(value), limits.LIST_ITEMS, f"the length of {key}")
        return value

    def sizes(self, key: str) -> list[int]:
        """Return a list of whole numbers."""
        return self._items(key, (int,), "whole numbers")

    def size_lists(self, key: str) -> list[list[int]]:
        """Return a list of lists of whole numbers."""
        lists = self._items(key, (list,), "lists")
        if not all(type(item) is int for part in lists for item in part):
            raise self.error(f"{key} must be lists of whole numbers")
        return lists

    def numbers(self, key: str) -> list[float]:
        """Return a list of numbers."""
        return self._items(key, (int, float), "numbers")

    def booleans(self, key: str) -> list[bool]:
        """Return a list of booleans."""
        return self._items(key, (bool,), "true and false")

    def objects(self, key: str) -> list[dict[str, Any]]:
        """Return a list of JSON objects."""
        return self._items(key, (dict,), "objects")

    def parts(self, key: str, kind: str) -> list[Fields]:
        """Return the settings of each object in a list, named ``kind`` and a number."""
        return [
            self._inner(value, f"{kind} {number}") for number, value in enumerate(self.objects(key))
        ]

    def part(self, key: str, kind: str) -> Fields | None:
        """Return the settings in one inner object; None where it is missing or null."""
        value = self.get(key)
        if value is not None and not isinstance(value, dict):
            raise self.error(f"{key} must be an object, got {_short(value)}")
        return None if value is None else self._inner(value, kind)

    def layers(self, key: str, kind: str) -> list[Any]:
        """Return the layers whose settings are in a list, named ``kind`` and a number."""
        return [self._layer(part) for part in self.parts(key, kind)]

    def layer(self, key: str, kind: str) -> Any:
        """Return the layer whose settings are in one inner object, or None."""
        part = self.part(key, kind)
        return None if part is None else self._layer(part)

    def _layer(self, part: Fields) -> Any:
        if self._read_layer is None:
            raise TypeError("internal: no layers are read here")
        return self._read_layer(part)

    def _inner(self, values: Mapping[str, Any], name: str) -> Fields:
        where = f"{self.where}: {name}"
        return Fields(
            values,
            where=where,
            reading=self.reading,
            batch_size=self.batch_size,
            in_branch=True,
            sizes_lost=self.sizes_lost,
            read_layer=self._read_layer,
        )

    def activation(self) -> str:
        """Return the name of the layer's activation; a missing one is scaled_relu.

        Loom knows five names and silently takes scaled_relu for every other one.
        """
        name = self.text("activation") or "scaled_relu"
        if self.reading == "loom":
            return _LOOM_ACTIVATIONS.get(name, "scaled_relu")
        return activation(name).name

    def flags(self) -> dict[str, bool]:
        """Return what every layer has."""
        return {"frozen": self.boolean("frozen"), "disabled": self.boolean("is_disabled")}

    def error(self, message: str) -> SpecError:
        """Return an error that says where in the file it is."""
        return SpecError(message, where=self.where)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
