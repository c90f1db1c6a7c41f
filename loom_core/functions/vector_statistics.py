"""Numbers about a list of numbers. NaN in it gives NaN."""

from __future__ import annotations

import numpy as np

from loom_core.arrays import Array, FloatData, to_numbers
from loom_core.errors import ShapeError
from loom_core.public import public


@public("MaxAbsDiff")
def max_abs_diff(a: FloatData, b: FloatData) -> float:
    """Return ``max |a - b|``, the largest distance of two numbers in the same place.

    Args:
        a: Any shape; 0 numbers give 0.
        b: As many numbers.

    Raises:
        ShapeError: The lists differ in length.
        SpecError: They hold anything but numbers.
    """
    first, second = _flat(a, "the first list"), _flat(b, "the second list")
    if first.size != second.size:
        raise ShapeError(
            f"the lists have {first.size} and {second.size} numbers, expected as many in both"
        )
    return float(np.abs(first - second).max(initial=0.0))


@public("Min")
def minimum(v: FloatData) -> float:
    """Return the smallest number.

    Args:
        v: Numbers in any shape, at least one.

    Raises:
        ShapeError: There is none.
        SpecError: The list holds anything but numbers.
    """
    return float(_some(v, "Min").min())


@public("Max")
def maximum(v: FloatData) -> float:
    """Return the largest number; raises as Min.

    Args:
        v: Numbers in any shape, at least one.
    """
    return float(_some(v, "Max").max())


@public("Mean")
def mean(v: FloatData) -> float:
    """Return the sum over the count, in float64; raises as Min.

    Args:
        v: Numbers in any shape, at least one.
    """
    return float(_some(v, "Mean").mean())


def _flat(data: FloatData, what: str) -> Array:
    return to_numbers(data, what).astype(np.float64).reshape(-1)


def _some(data: FloatData, name: str) -> Array:
    numbers = _flat(data, "the list")
    if numbers.size == 0:
        raise ShapeError(f"{name} needs at least one number, got none")
    return numbers
