"""Tensor: numbers of any numeric type with a shape and strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from loom_core import limits
from loom_core.arrays import F32, Array, Shape, element_count
from loom_core.errors import LimitError, ShapeError, SpecError, kind_of
from loom_core.generic.numeric import DTYPES, checked_scale, read_numbers
from loom_core.public import public, public_class

AXES = 32
"""Most axes of a tensor."""


@public_class
class Tensor:
    """Numbers in one flat array, seen in a shape.

    Element (i, j, ...) is ``data[offset + i * strides[0] + j * strides[1] + ...]``. What a stored
    number means is said in :mod:`loom_core.generic.numeric`.

    Args:
        data: The numbers: kept as they are, not copied, if they lie in one contiguous array.
        shape: Sizes of at least 0; those of ``data`` when left out.
        strides: Distance, in elements, of neighbours along each axis; rows one after the other
            when left out.
        offset: Where in ``data`` the first element is.
        scale: Value of one step of an integer type; 0.01 when left out, always 1 for floats.

    Raises:
        SpecError: Data that are not numbers, or a size, stride or scale that is none.
        ShapeError: The shape needs more numbers than there are, or fewer (without strides).
        LimitError: More axes or elements than the limits allow.

    Source: Loom v0.0.7, types.go.
    """

    def __init__(
        self,
        data: Array,
        shape: Sequence[int] | None = None,
        *,
        strides: Sequence[int] | None = None,
        offset: int = 0,
        scale: float | None = None,
    ) -> None:
        if not isinstance(data, np.ndarray) or data.dtype.name not in DTYPES:
            kind = data.dtype.name if isinstance(data, np.ndarray) else kind_of(data)
            raise SpecError(
                f"a tensor needs an array of a numeric type, got {kind}",
                hint=f"Its types are {', '.join(DTYPES)}.",
            )
        dtype = data.dtype.newbyteorder("=")
        self._shape = checked_shape(data.shape if shape is None else shape, dtype)
        self.data = data.astype(dtype, copy=False).reshape(-1)
        self._scale = checked_scale(scale, dtype)
        self._offset = whole_number(offset, "offset")
        size = element_count(self._shape)
        if strides is None:
            self._strides = row_major(self._shape)
            exact = self._offset > 0 or size == self.data.size
        else:
            self._strides = tuple(whole_number(stride, "a stride") for stride in strides)
            if len(self._strides) != len(self._shape):
                raise ShapeError(f"shape {self._shape} needs as many strides, got {self._strides}")
            exact = True
        reach = sum((n - 1) * s for n, s in zip(self._shape, self._strides, strict=True))
        if not exact or (size and self._offset + reach >= self.data.size):
            raise ShapeError(
                f"a tensor of shape {self._shape} needs {size} numbers, "
                f"got {max(self.data.size - self._offset, 0)}",
                hint="Give as many numbers as the product of the sizes.",
            )

    def __repr__(self) -> str:
        return f"Tensor({self.dtype}, shape {self._shape}, scale {self.scale})"

    @property
    @public("DType")
    def dtype(self) -> str:
        """The name of the numeric type."""
        return str(self.data.dtype.name)

    @property
    @public("Shape")
    def shape(self) -> Shape:
        """The sizes."""
        return self._shape

    @property
    @public("Strides")
    def strides(self) -> Shape:
        """Distance, in elements, of neighbours along each axis."""
        return self._strides

    @property
    @public("Scale")
    def scale(self) -> float:
        """The value of one step: a stored number times this is what it means."""
        return self._scale

    @property
    @public("Offset")
    def offset(self) -> int:
        """Where in the data the first element is."""
        return self._offset

    @property
    def array(self) -> Array:
        """The stored numbers in the tensor's shape: a view of ``data``, in place of a copy."""
        item = self.data.dtype.itemsize
        steps = tuple(stride * item for stride in self._strides)
        return np.lib.stride_tricks.as_strided(self.data[self.offset :], self._shape, steps)

    @property
    def values(self) -> Array:
        """What the stored numbers mean, in the compute type and the tensor's shape."""
        return read_numbers(self.array, self.scale)

    @public("Size")
    def size(self) -> int:
        """Return the number of elements, the product of the shape."""
        return element_count(self._shape)

    @public("Data")
    def to_float32(self) -> F32:
        """Return a copy of the stored numbers, row by row, rounded to float32."""
        with np.errstate(over="ignore"):
            return self.array.astype(np.float32).reshape(-1)

    @public("Numbers")
    def to_list(self) -> list[float]:
        """Return the stored numbers, row by row, exactly."""
        numbers: list[float] = self.array.reshape(-1).tolist()
        return numbers

    @public("Clone")
    def clone(self) -> Tensor:
        """Return an independent copy, rows one after the other."""
        return Tensor(np.array(self.array, order="C"), scale=self.scale)

    @public("Reshape")
    def reshape(self, shape: Sequence[int]) -> Tensor:
        """Return the same numbers in another shape; they are shared, not copied.

        Only a tensor with strides of its own, whose rows do not lie one after the other, is copied.

        Args:
            shape: Sizes of at least 0 whose product is the number of elements.

        Raises:
            SpecError: A size is not a whole number of at least 0.
            ShapeError: The sizes do not multiply to the number of elements.
        """
        sizes = checked_shape(shape, self.data.dtype)
        if element_count(sizes) != self.size():
            raise ShapeError(
                f"cannot reshape {self._shape} ({self.size()} numbers) to {sizes} "
                f"({element_count(sizes)} numbers)"
            )
        if self._strides == row_major(self._shape):
            end = self.offset + self.size()
            return Tensor(self.data[self.offset : end], sizes, scale=self.scale)
        return Tensor(np.array(self.array, order="C"), sizes, scale=self.scale)


def checked_shape(shape: Sequence[int], dtype: np.dtype[Any]) -> Shape:
    """Return a shape from anywhere as a tuple, before anything of its size is allocated.

    Raises:
        SpecError: Not a list of whole numbers of at least 0.
        LimitError: More axes, or more bytes, than the limits allow.
    """
    if isinstance(shape, str | bytes) or not isinstance(shape, Sequence | np.ndarray):
        raise SpecError(f"a shape must be a list of sizes, got {kind_of(shape)}")
    if len(shape) > AXES:
        raise LimitError(f"a tensor has at most {AXES} axes, got {len(shape)}")
    sizes = tuple(whole_number(size, "a size") for size in shape)
    for size in sizes:
        limits.require_within(size, limits.DIMENSION, "a size of a tensor")
    count = element_count(sizes) * dtype.itemsize
    limits.require_within(count, limits.PLAN_BYTES, "a tensor's size in bytes")
    return sizes


def whole_number(value: object, what: str) -> int:
    """Return a whole number of at least 0 after checking it."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise SpecError(f"{what} must be a whole number of at least 0, got {value!r}"[:200])
    return int(value)


def row_major(shape: Shape) -> Shape:
    """Return the strides of rows that lie one after the other."""
    return tuple(element_count(shape[axis + 1 :]) for axis in range(len(shape)))
