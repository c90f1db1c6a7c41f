"""Between float32 and the other numeric types; the rule is in :mod:`loom_core.generic.numeric`."""

from __future__ import annotations

from loom_core.arrays import F32, FloatData, to_float32
from loom_core.generic.new_tensor import new_tensor_from_slice
from loom_core.generic.numeric import (
    DTypeName,
    checked_scale,
    numeric_dtype,
    read_numbers,
    store_numbers,
)
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import require_tensor
from loom_core.public import public


@public("ConvertTensorFloat32ToT")
def convert_tensor_float32_to_t(
    src: Tensor, dtype: DTypeName | int, scale: float | None = None
) -> Tensor:
    """Return a tensor's values in another numeric type, nearest and within its range.

    Args:
        src: A tensor of any type.
        dtype: A name, or Loom's code.
        scale: Value of one step of an integer type; 0.01 when left out.

    Raises:
        SpecError: Not a tensor, or an unknown type or scale.
        NonFiniteError: NaN, for an integer type.
    """
    tensor = require_tensor(src, "src", "ConvertTensorFloat32ToT")
    item = numeric_dtype(dtype)
    step = checked_scale(scale, item)
    stored = store_numbers(tensor.values, item, step)
    return Tensor(stored, scale=step).clone()


@public("ConvertTensorTToFloat32")
def convert_tensor_t_to_float32(src: Tensor) -> Tensor:
    """Return what a tensor's numbers mean, as float32.

    Args:
        src: A tensor of any type.

    Raises:
        SpecError: Not a tensor.
    """
    return convert_tensor_float32_to_t(src, "float32")


@public("ConvertSliceFloat32ToT")
def convert_slice_float32_to_t(
    src: FloatData, dtype: DTypeName | int, scale: float | None = None
) -> list[float]:
    """Return the stored numbers of float32 values in another numeric type.

    ``ConvertSliceFloat32ToT([0.5, 9], "int8")`` is ``[50, 127]``.

    Args:
        src: Numbers in any shape.
        dtype: A name, or Loom's code.
        scale: Value of one step of an integer type; 0.01 when left out.

    Raises:
        SpecError: Not numbers, or an unknown type or scale.
        NonFiniteError: NaN, for an integer type.
    """
    item = numeric_dtype(dtype)
    values = to_float32(src, "src").reshape(-1)
    numbers: list[float] = store_numbers(values, item, checked_scale(scale, item)).tolist()
    return numbers


@public("ConvertSliceTToFloat32")
def convert_slice_t_to_float32(
    src: FloatData, dtype: DTypeName | int | None = None, scale: float | None = None
) -> F32:
    """Return what stored numbers of a numeric type mean, as float32.

    Args:
        src: Stored numbers.
        dtype: Their type; that of an array when left out, float32 for a list.
        scale: Value of one step of an integer type; 0.01 when left out.

    Raises:
        SpecError: Not numbers of that type, or an unknown type or scale.
    """
    tensor = new_tensor_from_slice(src, None, dtype, scale)
    return store_numbers(
        read_numbers(tensor.array, tensor.scale), numeric_dtype("float32"), 1.0
    ).reshape(-1)
