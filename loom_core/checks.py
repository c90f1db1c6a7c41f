"""Numbers from outside, checked."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from loom_core.errors import SpecError, kind_of

T = TypeVar("T")

LARGEST = float(np.finfo(np.float32).max)
"""A larger setting would be infinite where it is used, and make NaN of the weights."""


def require_type(value: object, wanted: type[T], what: str, where: str = "", hint: str = "") -> T:
    """Return ``value`` if it is of a class.

    Raises:
        SpecError: It is something else.
    """
    if not isinstance(value, wanted):
        raise SpecError(
            f"{what} must be a {wanted.__name__}, got {kind_of(value)}",
            where=where,
            hint=hint,
        )
    return value


def positive(value: int, name: str, minimum: int = 1) -> int:
    """Return a size after checking it.

    Raises:
        SpecError: Not an integer, below ``minimum``, or so large that float64 rounds it.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise SpecError(f"{name} must be a whole number of at least {minimum}, got {value!r}")
    if value > 2**53:
        raise SpecError(f"{name} must be a whole number of at most 2^53")
    return int(value)


def optional_size(value: int | None, name: str) -> int | None:
    """Return a size that may be left out, after checking it."""
    return None if value is None else positive(value, name)


def whole_seed(value: object) -> int:
    """Return a seed after checking it: any whole number.

    Raises:
        SpecError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise SpecError(f"seed must be a whole number, got {str(value)[:40]!r}")
    return int(value)


def finite_number(
    value: object, name: str, *, least: float = 0.0, below: float = np.inf, above: float = -np.inf
) -> float:
    """Return a setting as a float.

    Raises:
        SpecError: Not a number, or outside ``least <= value < below`` or ``value > above``, in
            float32 too.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SpecError(f"{name} must be a number, got {str(value)[:40]!r}")
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        number = np.inf
    usable = abs(number) <= LARGEST and np.float32(number) > above  # 1e-50 is 0 there
    if not (usable and least <= number < below):
        limits = f"at least {least:g}" if above < least else f"above {above:g}"
        limits += f" and below {below:g}" if np.isfinite(below) else ""
        raise SpecError(f"{name} must be finite, {limits}, got {number!r} (as float32)")
    return number
