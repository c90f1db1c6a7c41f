"""The numeric types of tensors, and the one rule for what a stored number means.

**The rule.** A tensor of floats holds its values. A tensor of integers is fixed point: a stored
number q means the value ``q * scale``, and the scale is 0.01 (1.00 is stored as 100) unless the
tensor says otherwise. Whatever the type, a function reads values, computes in a wide float type
(``compute_dtype``: float64 for integers, float32 for float16, else the type itself) and stores
each result once, at its end, with ``store_numbers``: rounded to the nearest step, ties to even,
and limited to the range of the type. So products and biases are on one scale, nothing wraps
around, and no error grows between the parts of a layer. Results have the type and the scale of
the function's first tensor (for the Backward functions: of the output's gradient).

Integers above 2**53 are read as the nearest float64.

Source of the factor 100: Loom v0.0.7's conversions.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from loom_core.arrays import Array
from loom_core.errors import NonFiniteError, SpecError, kind_of
from loom_core.public import public

DTypeName: TypeAlias = Literal[
    "float32",
    "float64",
    "float16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]
"""The numeric types by NumPy's names, in the order of the codes of :class:`loom_core.DType`."""

DTYPES: tuple[DTypeName, ...] = get_args(DTypeName)

Numeric: TypeAlias = np.floating[Any] | np.integer[Any]
"""What a tensor can hold."""

FIXED_POINT_SCALE = 0.01
"""Value of one step of an integer tensor."""


def numeric_dtype(dtype: DTypeName | int) -> np.dtype[Any]:
    """Return the NumPy type of a name or of a code of :class:`loom_core.DType`.

    Raises:
        SpecError: There is no numeric type of that name or code.
    """
    if isinstance(dtype, str) and dtype in DTYPES:
        return np.dtype(dtype)
    if isinstance(dtype, int) and not isinstance(dtype, bool) and 0 <= dtype < len(DTYPES):
        return np.dtype(DTYPES[dtype])
    raise SpecError(
        f"unknown dtype {dtype!r}"[:100],
        hint=f"Use one of {', '.join(DTYPES)}, or a code from 0 to {len(DTYPES) - 1}.",
    )


def compute_dtype(dtype: np.dtype[Any]) -> type[np.floating[Any]]:
    """Return the float type in which numbers of a stored type are computed."""
    if dtype.kind in "iu" or dtype == np.float64:
        return np.float64
    return np.float32


@public("IsFloatType")
def is_float_type(dtype: DTypeName | int) -> bool:
    """Return whether a numeric type holds floats.

    Args:
        dtype: A name, or Loom's code.
    """
    return numeric_dtype(dtype).kind == "f"


@public("IsIntegerType")
def is_integer_type(dtype: DTypeName | int) -> bool:
    """Return whether a numeric type holds integers, which are fixed point here.

    Args:
        dtype: A name, or Loom's code.
    """
    return numeric_dtype(dtype).kind in "iu"


def checked_scale(scale: float | None, dtype: np.dtype[Any]) -> float:
    """Return the value of one stored step: the given one, or the usual one of the type.

    Raises:
        SpecError: Not a positive number, or not 1 for a float type.
    """
    is_float = dtype.kind == "f"
    if scale is None:
        return 1.0 if is_float else FIXED_POINT_SCALE
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        raise SpecError(f"scale must be a number, got {kind_of(scale)}")
    if not (math.isfinite(scale) and scale > 0):
        raise SpecError(f"scale must be a positive number, got {scale!r}")
    if is_float and scale != 1:
        raise SpecError(f"a {dtype.name} tensor has the scale 1, got {scale!r}")
    return float(scale)


def read_numbers(stored: Array, scale: float) -> Array:
    """Return the values of stored numbers in their compute type; floats without a copy."""
    values = stored.astype(compute_dtype(stored.dtype), copy=False)
    with np.errstate(over="ignore"):
        return values if stored.dtype.kind == "f" else values * scale


def store_numbers(values: Array, dtype: np.dtype[Any], scale: float) -> Array:
    """Return values as they are stored: see the rule above.

    A float beyond the range of a smaller float type becomes infinite, as IEEE 754 says.

    Raises:
        NonFiniteError: NaN for an integer type, which has no such number.
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        steps = np.rint(values.astype(np.float64) / scale)
    if np.isnan(steps).any():
        raise NonFiniteError(f"a result is NaN, which {dtype.name} cannot hold")
    limits = np.iinfo(dtype)
    top = float(limits.max)
    if int(top) > limits.max:  # 2**63 - 1 is no float64: the nearest one is outside
        top = float(np.nextafter(top, 0.0))
    stored = np.clip(steps, float(limits.min), top).astype(dtype)
    stored[steps > top] = limits.max
    return stored
