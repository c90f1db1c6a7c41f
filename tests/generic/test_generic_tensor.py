"""Tensors: shapes, strides, sharing, numeric types, conversions, and sizes from outside."""

import math

import numpy as np
import pytest

from loom_core import DType, LimitError, NonFiniteError, ShapeError, SpecError, generic as g

INTEGERS = [dtype for dtype in g.DTYPES if "int" in dtype]


def test_new_tensors_are_zero_and_know_their_layout():
    tensor = g.new_tensor([2, 3, 4], "int16")
    assert (tensor.dtype, tensor.shape, tensor.strides) == ("int16", (2, 3, 4), (12, 4, 1))
    assert (tensor.size(), tensor.offset, tensor.scale) == (24, 0, 0.01)
    assert not tensor.array.any()
    assert g.new_tensor([2]).scale == 1
    assert g.new_tensor([]).size() == 1
    assert g.new_tensor([0, 5]).size() == 0
    assert g.new_tensor([0, 5]).to_list() == []
    assert repr(g.new_tensor([2], "int8", 0.5)) == "Tensor(int8, shape (2,), scale 0.5)"


def test_slices_are_shared_and_clones_are_not():
    data = np.arange(6, dtype=np.float32)
    tensor = g.new_tensor_from_slice(data, [2, 3])
    copy, view = tensor.clone(), tensor.reshape([3, 2])
    data[5] = 9
    assert tensor.array[1, 2] == view.array[2, 1] == 9
    assert copy.array[1, 2] == 5
    assert (view.shape, view.strides, copy.shape) == ((3, 2), (2, 1), (2, 3))
    buffer = memoryview(np.arange(3, dtype=np.int8))
    assert not np.shares_memory(g.new_tensor_from_slice(buffer, [3]).data, np.asarray(buffer))
    assert g.new_tensor_from_slice(buffer).dtype == "int8"
    assert g.new_tensor_from_slice([1, 2]).dtype == "float32"
    assert g.new_tensor_from_slice([], [0]).size() == 0


def test_strides_and_offset_choose_elements():
    data = np.arange(12, dtype=np.float64)
    transposed = g.Tensor(data, [4, 3], strides=[1, 4])
    np.testing.assert_array_equal(transposed.array, data.reshape(3, 4).T)
    assert transposed.to_list() == data.reshape(3, 4).T.reshape(-1).tolist()
    assert transposed.to_float32().dtype == np.float32
    flat = transposed.reshape([12])
    np.testing.assert_array_equal(flat.array, transposed.to_list())
    assert not np.shares_memory(flat.data, data)
    part = g.Tensor(data, [2, 3], offset=4)
    np.testing.assert_array_equal(part.array, [[4, 5, 6], [7, 8, 9]])
    assert part.reshape([6]).offset == 0
    assert np.shares_memory(part.reshape([6]).data, data)
    clone = transposed.clone()
    assert clone.strides == (3, 1)
    repeated = g.Tensor(data[:1], [2, 2], strides=[0, 0])
    assert repeated.to_list() == [0, 0, 0, 0]
    y = g.activate_tensor(transposed, "linear")
    np.testing.assert_array_equal(y.array, transposed.array)
    assert y.strides == (3, 1)
    swapped = g.Tensor(np.arange(3, dtype=">f4"))
    assert swapped.dtype == "float32"
    assert swapped.to_list() == [0, 1, 2]


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ([-1], SpecError),
        ([2.5], SpecError),
        ([math.nan], SpecError),
        ([True], SpecError),
        (["3"], SpecError),
        ([None], SpecError),
        ("22", SpecError),
        (7, SpecError),
        (None, SpecError),
        ([2**40], LimitError),
        ([2**20, 2**20], LimitError),
        ([2**31 - 1] * 3, LimitError),
        ([2**63, 0], LimitError),
        ([1] * 33, LimitError),
        ([1] * 10**6, LimitError),
    ],
)
def test_shapes_from_outside_are_measured_before_they_are_allocated(shape, error):
    with pytest.raises(error):
        g.new_tensor(shape)
    if shape is not None:
        with pytest.raises(error):
            g.new_tensor_from_slice([1.0], shape)
        with pytest.raises(error):
            g.new_tensor([1]).reshape(shape)


def test_data_that_do_not_fit_are_errors():
    for data, shape in (([1, 2, 3], [2]), ([1, 2, 3], [2, 2]), ([], [1])):
        with pytest.raises(ShapeError, match="needs"):
            g.new_tensor_from_slice(data, shape)
    with pytest.raises(ShapeError, match="cannot reshape"):
        g.new_tensor([2, 3]).reshape([4])
    data = np.zeros(4)
    for strides, offset in (([2, 2], 0), ([1, 1], 3), ([1], 0)):
        with pytest.raises(ShapeError):
            g.Tensor(data, [2, 2], strides=strides, offset=offset)
    with pytest.raises(ShapeError):
        g.Tensor(data, [2, 2], offset=1)
    for wrong in (-1, 0.5, "1"):
        with pytest.raises(SpecError):
            g.Tensor(data, [2, 2], strides=[wrong, 1])
        with pytest.raises(SpecError):
            g.Tensor(data, [2, 2], offset=wrong)
    for wrong in ("abc", [None], [[1], [1, 2]], [True], np.array(["x"]), [2**70]):
        with pytest.raises(SpecError):
            g.new_tensor_from_slice(wrong)
    for wrong in (np.zeros(2, bool), np.zeros(2, complex), [1.0]):
        with pytest.raises(SpecError):
            g.Tensor(wrong)


def test_stored_numbers_of_integers_must_be_such_numbers():
    assert g.new_tensor_from_slice([1.0, -2.0], [2], "int8").to_list() == [1, -2]
    assert g.new_tensor_from_slice(np.array([3, 4], np.int64), [2], 5).dtype == "int32"
    for data, dtype in (([0.5], "int8"), ([128], "int8"), ([-1], "uint64"), ([math.nan], 3)):
        with pytest.raises(SpecError, match="data for"):
            g.new_tensor_from_slice(data, [1], dtype)
    with pytest.raises(SpecError, match="data for"):
        g.new_tensor_from_slice([math.inf], [1], "int64")


def test_types_have_names_and_codes():
    assert [g.new_tensor([1], code).dtype for code in DType] == list(g.DTYPES)
    assert [code.name.lower() for code in DType] == list(g.DTYPES)
    assert [g.is_float_type(dtype) for dtype in g.DTYPES] == [True] * 3 + [False] * 8
    assert all(g.is_integer_type(d) != g.is_float_type(d) for d in g.DTYPES)
    for wrong in ("float", "f4", "", 11, -1, True, None, 1.0, "x" * 10**6):
        with pytest.raises(SpecError, match="unknown dtype"):
            g.new_tensor([1], wrong)
    for scale in (0, -1, math.nan, math.inf, "1", True):
        with pytest.raises(SpecError, match="scale"):
            g.new_tensor([1], "int8", scale)
    with pytest.raises(SpecError, match="scale"):
        g.new_tensor([1], "float32", 0.01)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_rounded_to_nearest_and_limited_to_their_range(dtype):
    limits = np.iinfo(dtype)
    values = [0.0, 0.29, 0.57, 1.0, 0.004, 0.006, 1e30, -1e30, math.inf, -math.inf]
    wanted = [0, 29, 57, 100, 0, 1, limits.max, limits.min, limits.max, limits.min]
    tensor = g.convert_tensor_float32_to_t(g.Tensor(np.array(values)), dtype)
    assert tensor.to_list() == wanted
    assert g.convert_slice_float32_to_t(values, dtype)[6:] == wanted[6:]
    finest = g.convert_tensor_float32_to_t(g.Tensor(np.array([3.0])), dtype, 1.0)
    assert finest.to_list() == [3]
    with pytest.raises(NonFiniteError):
        g.convert_slice_float32_to_t([math.nan], dtype)


@pytest.mark.parametrize("dtype", g.DTYPES)
def test_conversions_there_and_back(dtype):
    values = np.array([[0.0, 0.25], [1.0, 0.75]], np.float32)
    there = g.convert_tensor_float32_to_t(g.Tensor(values), dtype)
    back = g.convert_tensor_t_to_float32(there)
    assert (there.dtype, back.dtype, back.shape) == (dtype, "float32", (2, 2))
    np.testing.assert_array_equal(back.array, values)
    stored = g.convert_slice_float32_to_t(values, dtype)
    assert stored == there.to_list()
    again = g.convert_slice_t_to_float32(stored, dtype)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again, values.reshape(-1))
    np.testing.assert_array_equal(g.convert_slice_t_to_float32(there.data), again)


def test_float16_is_rounded_and_overflows_as_floats_do():
    tensor = g.convert_tensor_float32_to_t(g.Tensor(np.array([1 / 3, 1e6])), "float16")
    assert tensor.to_list() == [float(np.float16(1 / 3)), math.inf]


def test_a_conversion_is_a_copy():
    tensor = g.Tensor(np.zeros(2, np.float32))
    assert not np.shares_memory(g.convert_tensor_t_to_float32(tensor).data, tensor.data)
    with pytest.raises(SpecError, match="src must be a Tensor"):
        g.convert_tensor_t_to_float32([1.0])


def test_results_keep_the_scale_of_the_first_tensor():
    coarse = g.new_tensor_from_slice([3, 4], [1, 2], "int8", 0.5)
    fine = g.new_tensor_from_slice([50, 100], [2, 1], "int8", 0.02 / 2)
    backend = g.new_cpu_backend("int8")
    product = backend.mat_mul(coarse, fine)
    # 1.5 * 0.5 + 2 * 1 = 2.75 is halfway between two steps of 0.5: the even one
    assert (product.scale, product.to_list()) == (0.5, [6])
    assert g.residual_forward(coarse, coarse).to_list() == [6, 8]
