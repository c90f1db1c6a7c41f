"""Array types, and the one way data from outside becomes a float32 array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loom_core.errors import SpecError

Array: TypeAlias = NDArray[Any]
F32: TypeAlias = NDArray[np.float32]
F64: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]

FloatData: TypeAlias = Annotated[
    NDArray[Any] | Sequence[float] | Sequence[Sequence[float]] | memoryview, "float32array"
]
"""Numbers from a caller: an array, a buffer (JavaScript's typed arrays), a sequence or its rows."""


def to_float32(data: FloatData, what: str) -> F32:
    """Return ``data`` as a float32 array of the same shape, without a copy where possible.

    Raises:
        SpecError: ``data`` holds anything but numbers (text, null, booleans, ragged lists).
    """
    return to_numbers(data, what).astype(np.float32, copy=False)


def to_numbers(data: object, what: str) -> Array:
    """Return ``data`` as an array of numbers of whatever type it has; raises as to_float32."""
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        raise SpecError(
            f"{what} must be numbers in one array, and its rows of equal length",
            hint="Pass a Float32Array, a NumPy array or a list of numbers.",
        ) from error
    if array.dtype.kind not in "fiu":
        kinds = {"U": "text", "S": "bytes", "b": "booleans", "O": "mixed objects"}
        found = kinds.get(array.dtype.kind, str(array.dtype))
        raise SpecError(
            f"{what} must be numbers, but it holds {found}",
            hint="Pass a Float32Array, a NumPy array or a list of numbers.",
        )
    return array


def element_count(shape: Shape) -> int:
    """Product of the sizes as an exact Python int (1 for a scalar)."""
    count = 1
    for size in shape:
        count *= size
    return count
