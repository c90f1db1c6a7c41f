"""Tensors from sizes and from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from loom_core.arrays import Array, FloatData
from loom_core.errors import SpecError
from loom_core.generic.numeric import DTypeName, numeric_dtype, store_numbers
from loom_core.generic.tensor import Tensor, checked_shape
from loom_core.public import public


@public("NewTensor")
def new_tensor(
    shape: Sequence[int], dtype: DTypeName | int = "float32", scale: float | None = None
) -> Tensor:
    """Return a tensor of zeros.

    Args:
        shape: Sizes of at least 0.
        dtype: A name, or Loom's code.
        scale: Value of one step of an integer type; 0.01 when left out.

    Raises:
        SpecError, LimitError: See :class:`Tensor`.
    """
    item = numeric_dtype(dtype)
    return Tensor(np.zeros(checked_shape(shape, item), item), scale=scale)


@public("NewTensorFromSlice")
def new_tensor_from_slice(
    data: FloatData,
    shape: Sequence[int] | None = None,
    dtype: DTypeName | int | None = None,
    scale: float | None = None,
) -> Tensor:
    """Return a tensor of given stored numbers.

    Args:
        data: As many numbers as the shape needs. A NumPy array of the type is shared, as a slice
            is in Loom; all else is copied.
        shape: Sizes of at least 0; one axis when left out.
        dtype: A name, or Loom's code; that of an array when left out, float32 for a list.
        scale: Value of one step of an integer type; 0.01 when left out.

    Raises:
        SpecError: ``data`` are not numbers, or no whole numbers within the range of an integer
            type.
        ShapeError: There are more or fewer numbers than the shape needs.
        LimitError: See :class:`Tensor`.
    """
    array = _numbers(data)
    is_list = not isinstance(data, np.ndarray | memoryview)
    item = np.dtype(np.float32) if dtype is None and is_list else array.dtype
    item = item if dtype is None else numeric_dtype(dtype)
    if array.dtype != item:
        array = _as_stored(array, item)
    elif isinstance(data, memoryview):
        array = array.copy()  # the caller's buffer may end with the call
    return Tensor(array, shape, scale=scale)


def _numbers(data: FloatData) -> Array:
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        raise SpecError("data must be numbers, and rows of equal length") from error
    if array.size == 0 and array.dtype.kind == "f":
        return array
    if array.dtype.kind not in "fiu":
        raise SpecError("data must be numbers", hint="Pass a typed array or a list of numbers.")
    return array


def _as_stored(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return numbers in another type; for an integer type they must be among its numbers."""
    if dtype.kind == "f":
        return store_numbers(array, dtype, 1.0)
    limits_ = np.iinfo(dtype)
    if array.size and array.dtype.kind == "f" and not np.equal(array, np.trunc(array)).all():
        raise SpecError(f"data for {dtype.name} must be whole numbers: they are stored as they are")
    if array.size and not (
        np.isfinite(array).all()
        and int(array.min()) >= limits_.min
        and int(array.max()) <= limits_.max
    ):
        raise SpecError(f"data for {dtype.name} must be from {limits_.min} to {limits_.max}")
    return array.astype(dtype)
