"""The state of an optimizer as plain data: read, and checked before anything changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from loom_core.arrays import F32
from loom_core.errors import ModelFormatError, ShapeError
from loom_core.model_io.base64_text import decode_base64
from loom_core.model_io.weight_tree import require_finite
from loom_core.optimize.trained_weights import TrainedWeight

MOST_STEPS = 2**53
"""A larger number of steps is not exact in JSON."""

Moments = dict[str, dict[str, F32]]
"""Running means by the place of a weight, and by name."""


@dataclass(frozen=True)
class OptimizerState:
    """A state that was read. An optimizer that takes it also takes its arrays, without copying.

    Args:
        type_name: Of the optimizer.
        label: Its name for readers.
        settings: By the names of the constructor's parameters, checked.
        steps: Updates so far.
        moments: The running means, finite.
    """

    type_name: str
    label: str
    settings: Mapping[str, Any]
    steps: int
    moments: Moments

    def require_fitting(self, weights: Iterable[TrainedWeight]) -> None:
        """Raise :class:`ShapeError` where the state is of a weight of another size."""
        require_fitting(self.label, self.moments, weights)


def require_fitting(
    label: str, moments: Mapping[str, Mapping[str, F32]], weights: Iterable[TrainedWeight]
) -> None:
    """Raise :class:`ShapeError` where running means are those of a weight of another size."""
    for weight in weights:
        for array in moments.get(weight.place, {}).values():
            if array.size != weight.array.size and array.any():
                raise ShapeError(
                    f"the state of {label} for weight {weight.place} has {array.size} "
                    f"numbers, the weight {weight.array.size}",
                    hint="Reset the optimizer when the layers have changed.",
                )


def read_moments(stored: object, names: tuple[str, ...], squares: Collection[str]) -> Moments:
    """Return running means from plain data.

    Args:
        stored: For each place of a weight its running means by name, in base64.
        names: Those that there must be.
        squares: Those of them that cannot be negative.

    Raises:
        ModelFormatError: Something is missing or not readable, or a mean of squares is negative.
        NonFiniteError: A running mean is NaN or infinite.
    """
    if not isinstance(stored, Mapping):
        raise ModelFormatError("the moments of the optimizer's state are no object")
    moments: Moments = {}
    for place, texts in stored.items():
        what = f"the state of weight {str(place)[:40]}"
        if not isinstance(texts, Mapping) or (texts and set(texts) != set(names)):
            raise ModelFormatError(f"{what} must hold {', '.join(names) or 'nothing'}")
        moments[str(place)] = {
            name: _read_array(text, f"{what}, {name}") for name, text in texts.items()
        }
        for name in texts.keys() & set(squares):
            least = moments[str(place)][name].min(initial=0.0)
            if least < 0:
                raise ModelFormatError(f"{what}, {name} is a mean of squares, and holds {least:g}")
    return moments


def _read_array(text: object, what: str) -> F32:
    raw = decode_base64(text, what)
    if len(raw) % 4:
        raise ModelFormatError(f"{what} has {len(raw)} bytes, not a whole number of float32")
    return require_finite(np.frombuffer(raw, "<f4").astype(np.float32), what)


def read_count(value: object, what: str) -> int:
    """Return a count from plain data, where whole numbers may have become floats.

    Raises:
        ModelFormatError: It is not a whole number of at least 0.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ModelFormatError(f"the {what} must be a whole number, got {str(value)[:40]}")
    count = value
    if not 0 <= count <= MOST_STEPS:
        raise ModelFormatError(f"the {what} must be from 0 to {MOST_STEPS}, got {count}")
    return count
