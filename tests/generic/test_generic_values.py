"""Functions on tensors against numbers worked out by hand, and their errors."""

import math

import numpy as np
import pytest

from loom_core import LimitError, LoomError, NonFiniteError, ShapeError, SpecError, generic as g


def tensor(values, *shape, dtype="float32"):
    array = np.array(values, np.float64).reshape(shape or -1)
    return g.convert_tensor_float32_to_t(g.Tensor(array), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint16"])
def test_dense_puts_product_and_bias_on_one_scale(dtype):
    kernel = tensor([1, 2, 3, 10, 20, 30], dtype=dtype)
    bias = tensor([1, 0, 0.5], dtype=dtype)
    found = g.dense_forward(tensor([1, 1], dtype=dtype), kernel, bias, 2, 3, 1, "linear")
    np.testing.assert_allclose(found.post_activation.values, [[12, 22, 33.5]], atol=1e-6)
    assert found.pre_activation.to_list() == found.post_activation.to_list()


def test_small_integers_do_not_wrap_around():
    x, w = tensor([1.2] * 50, dtype="int8"), tensor([1.2] * 50, dtype="int8")
    found = g.dense_forward(x, w, None, 50, 1, 1, "tanh")
    assert found.pre_activation.to_list() == [127]  # 72, and the most it can say is 1.27
    assert found.post_activation.to_list() == [100]  # tanh(72), not tanh(1.27)


def test_convolutions():
    x, w = tensor([1, 10, 1000, 10000]), tensor([1, 2, 3, 4])
    found = g.conv2d_forward(x, w, tensor([100]), 2, 2, 1, 2, 1, 0, 1, 1, 1, 1, "linear")
    assert found.post_activation.to_list() == [43121]
    assert found.post_activation.shape == (1, 1, 1, 1)
    found = g.conv1d_forward(tensor([1, 2, 3]), tensor([10, 1]), None, 3, 1, 2, 1, 1, 1, 1, 0)
    np.testing.assert_allclose(found.pre_activation.array, [[[1, 12, 23, 30]]])
    np.testing.assert_allclose(found.post_activation.array, [[[1.1, 13.2, 25.3, 33]]], rtol=1e-6)


def identity_attention(dtype="float64"):
    eye = tensor([1, 0, 0, 1], 2, 2, dtype=dtype)
    return g.AttentionWeights(eye, eye, eye, eye, 2, 1)


def test_attention_attends():
    x = tensor([1, 2, 3, 4], 2, 2, dtype="float64")
    y = g.multi_head_attention_forward(x, identity_attention(), 1e6, causal=True)
    np.testing.assert_allclose(y.array, [[1, 2], [2.9999907, 3.9999907]], atol=1e-7)
    both = g.multi_head_attention_forward(x, identity_attention())
    scores = np.array([[5, 11], [11, 25]]) / math.sqrt(2)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(both.array, weights @ x.array)


def test_swiglu_norms_and_embedding():
    ones = tensor([1, 1])
    y = g.swiglu_forward(
        ones, tensor([1, 2]), tensor([3, 4]), tensor([5, 6]), None, None, None, 2, 1, 1
    )
    np.testing.assert_allclose(y.array, [[100.02029, 120.02434]], rtol=1e-6)
    two = tensor([1, 1])
    y = g.layer_norm_forward(tensor([1, 2, 3, 5]), None, two, None, 2, 1)
    np.testing.assert_allclose(y.array, [-0.99998, 0.99998, -0.999995, 0.999995], atol=1e-6)
    y = g.rms_norm_forward(tensor([3, 4]), None, two, 2)
    np.testing.assert_allclose(y.array, [0.8485281, 1.1313708], atol=1e-5)
    table = tensor([1, 2, 3, 4, 5, 6], 3, 2)
    y = g.embedding_forward(tensor([1.9, -0.5, 3, -1]), table, 3, 2)
    assert y.to_list() == [3, 4, 1, 2, 0, 0, 0, 0]
    ids = g.new_tensor_from_slice([2, 0], [2], "uint8")
    assert g.embedding_forward(ids, table, 3, 2).to_list() == [5, 6, 1, 2]


def test_softmax_of_vectors_and_blocks():
    x = tensor([1, 2, 3, 4])
    y = g.apply_softmax(x, 2.0)
    np.testing.assert_allclose(y.array, [0.101536326, 0.1674051, 0.27600434, 0.45505422])
    y = g.apply_softmax_grid(x, 2, 2, 2.0)
    np.testing.assert_allclose(y.array, [0.37754068, 0.62245935] * 2, rtol=1e-6)
    rows = g.apply_softmax(tensor([0, 0, 5, 5, 5, 5], 3, 2))
    np.testing.assert_allclose(rows.array, 0.5)


def test_filter_without_a_gate_and_with_one():
    from loom_core import Dense

    doubled, tenfold, gate = (
        Dense(2, "linear", input_size=1),
        Dense(1, "linear", input_size=1),
        Dense(2, "linear", input_size=1),
    )
    doubled.set_weights({"kernel": [2, 4], "bias": [0, 0]})
    tenfold.set_weights({"kernel": [10], "bias": [0]})
    gate.set_weights({"kernel": [0, 0], "bias": [0, math.log(3)]})
    y = g.parallel_forward(tensor([1]), [doubled, tenfold], 1, "filter").output
    assert y.to_list() == [6, 2]
    y = g.parallel_forward(tensor([1, 2]), [doubled, tenfold], 2).output
    assert y.to_list() == [2, 4, 10, 4, 8, 20]
    found = g.parallel_forward_filtered(tensor([1]), [doubled, tenfold], gate)
    np.testing.assert_allclose(found.gate_weights.array, [[0.25, 0.75]], rtol=1e-6)
    np.testing.assert_allclose(found.output.array, [[8, 1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "wanted", "slope"),
    [
        ("scaled_relu", 2, 2.2, 1.1),
        (0, -2, 0, 0),
        ("sigmoid", 0, 0.5, 0.25),
        ("tanh", 0.5, math.tanh(0.5), 1 - math.tanh(0.5) ** 2),
        ("softplus", 800, 800, 1),
        (4, -2, -0.2, 0.1),
        ("leaky_relu", 0, 0, 1),
        (-1, -3, -3, 1),
        ("plain_relu", 2, 2, 1),
        ("gelu", 1, math.erfc(-math.sqrt(0.5)) / 2, 1.0833154705876863),
        ("swish", 0, 0, 0.5),
    ],
)
def test_activations_of_numbers(name, value, wanted, slope):
    assert g.activate(value, name) == pytest.approx(wanted, abs=1e-15)
    assert g.activate_derivative(value, name) == pytest.approx(slope, abs=1e-15)


def test_backend_operations():
    backend = g.new_cpu_backend("int16")
    assert backend.dtype == "int16"
    a = tensor([1, 2, 3, 4], 2, 2, dtype="int16")
    b = tensor([0.5, 0, 0, 2], 2, 2, dtype="int16")
    row = tensor([1, 2], dtype="int16")
    np.testing.assert_allclose(backend.mat_mul(a, b).values, [[0.5, 4], [1.5, 8]])
    np.testing.assert_allclose(backend.mat_mul_add(a, b, row).values, [[1.5, 6], [2.5, 10]])
    np.testing.assert_allclose(backend.mat_mul_add(a, b, a).values, [[1.5, 6], [4.5, 12]])
    np.testing.assert_allclose(backend.add(a, b).values, [[1.5, 2], [3, 6]])
    np.testing.assert_allclose(backend.scale(a, -0.5).values, [[-0.5, -1], [-1.5, -2]])
    np.testing.assert_allclose(backend.outer_product(row, row).values, [[1, 2], [2, 4]])
    np.testing.assert_allclose(backend.sqrt(a).values, [[1, 1.41], [1.73, 2]])
    np.testing.assert_allclose(backend.activate(a, "leaky_relu").values, a.values)
    np.testing.assert_allclose(backend.activate_derivative(a, 0).values, 1.1)
    assert (backend.sum(a), backend.mean(a)) == (10, 2.5)


def test_backends_refuse_what_does_not_fit():
    backend = g.CPUBackend()
    a = tensor(range(6), 2, 3)
    with pytest.raises(ShapeError, match="contract"):
        backend.mat_mul(a, a)
    with pytest.raises(ShapeError, match="two matrices"):
        backend.mat_mul(a, tensor([1, 2, 3]))
    with pytest.raises(ShapeError, match="skipInput needs"):
        backend.add(a, tensor([1]))
    with pytest.raises(ShapeError, match="c needs"):
        backend.mat_mul_add(a, a.reshape([3, 2]), tensor([1]))
    with pytest.raises(SpecError, match="float32 tensors, got int8"):
        backend.activate(tensor([1], dtype="int8"), "tanh")
    with pytest.raises(SpecError, match="factor"):
        backend.scale(a, math.inf)
    with pytest.raises(NonFiniteError):
        backend.sqrt(tensor([-1]))
    with pytest.raises(SpecError, match="must be a Tensor"):
        backend.sum([1, 2])


def conv(**changed):
    sizes = {
        "in_h": 2, "in_w": 2, "in_c": 1, "k_size": 2, "stride": 1, "padding": 0, "filters": 1,
        "out_h": 1, "out_w": 1, "batch_size": 1, "activation": "linear",
    }  # fmt: skip
    return g.conv2d_forward(tensor([1] * 4), tensor([1] * 4), None, **{**sizes, **changed})


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: conv(stride=0), SpecError, "stride"),
        (lambda: conv(in_h=-2), SpecError, "input_height"),
        (lambda: conv(in_h=2**40), ShapeError, "Conv2DForward"),
        (lambda: conv(out_h=3), ShapeError, "the output is"),
        (lambda: conv(padding=10**6, stride=10**7, out_h=1, out_w=1), LimitError, "memory"),
        (lambda: conv(padding=10**5, out_h=0, out_w=0), LimitError, "memory"),
        (lambda: conv(filters=2), ShapeError, "the weight 'kernel' needs 8 numbers, got 4"),
        (lambda: conv(batch_size=0), SpecError, "batch_size"),
        (lambda: conv(batch_size=2.5), SpecError, "batch_size"),
        (lambda: conv(activation="nonsense"), SpecError, "unknown activation"),
        (lambda: g.embedding_backward(tensor([1]), tensor([0]), 2**31, 2**20), LoomError, "needs"),
        (lambda: g.embedding_backward(tensor([1]), tensor([0]), 2**40, 1), LimitError, "memory"),
        (
            lambda: g.embedding_forward(g.Tensor(np.array([2**24 + 1])), tensor([1]), 1, 1),
            LimitError,
            "inexact",
        ),
        (lambda: g.apply_softmax(tensor([1]), 0.0), SpecError, "temperature"),
        (lambda: g.apply_softmax(g.new_tensor([0])), ShapeError, "ApplySoftmax"),
        (lambda: g.apply_softmax_grid(tensor([1, 2, 3]), 2, 2), ShapeError, "multiple of 4"),
        (lambda: g.softmax_backward(tensor([1]), tensor([1]), 1, 0), SpecError, "cols"),
        (lambda: g.residual_forward(tensor([1]), tensor([1, 2])), ShapeError, "skipInput"),
        (lambda: g.residual_backward(3), SpecError, "must be a Tensor"),
        (
            lambda: g.residual_forward(tensor([1]), tensor([1], dtype="int8")),
            SpecError,
            "skipInput is int8, but the first tensor is float32",
        ),
        (
            lambda: g.multi_head_attention_forward(tensor([1, 2, 3]), identity_attention()),
            SpecError,
            "float64",
        ),
        (
            lambda: g.multi_head_attention_forward(
                tensor([1, 2, 3]), identity_attention("float32")
            ),
            ShapeError,
            "tokens of 2",
        ),
        (lambda: g.lstm_forward(tensor([1]), {"WeightIH_i": 1}, 1, 1, 1, 1), SpecError, "LSTM"),
        (
            lambda: g.lstm_backward(tensor([1]), tensor([1]), {}, None, 1, 1, 1, 1),
            SpecError,
            "states needs hidden",
        ),
        (lambda: g.rms_norm_forward(tensor([1]), None, tensor([1]), 0), SpecError, "norm_size"),
        (lambda: g.rms_norm_forward(tensor([1]), None, tensor([1, 1]), 2), ShapeError, "multiple"),
        (lambda: g.sequential_forward(tensor([1]), [], 1), SpecError, "layers"),
        (lambda: g.sequential_forward(tensor([1]), [5], 1), SpecError, "layers"),
        (lambda: g.parallel_forward(tensor([1]), ["x"], 1), SpecError, "layers"),
        (lambda: g.parallel_forward(tensor([1]), [], 1, "concat"), SpecError, "at least one"),
        (lambda: g.activate("1", "tanh"), SpecError, "number"),
        (lambda: g.activate(math.nan, "tanh"), SpecError, "NaN"),
        (lambda: g.activate_tensor(tensor([1]), 999), SpecError, "unknown activation"),
    ],
)
def test_errors_say_where_and_what(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_nan_has_no_integer():
    x = g.new_tensor_from_slice([100, 100], [2], "int32", 1e308)
    words = "ApplySoftmax: a result is NaN, which int32"
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=words):
        g.apply_softmax(x)


def test_arguments_are_not_changed():
    x, w, b = tensor([1, 2], 1, 2), tensor([1, 2], 2, 1), tensor([3])
    held = [t.to_list() for t in (x, w, b)]
    found = g.dense_forward(x, w, b, 2, 1, 1, "tanh")
    g.dense_backward(found.post_activation, x, found.pre_activation, w, 2, 1, 1, "tanh")
    assert [t.to_list() for t in (x, w, b)] == held
    y = g.residual_backward(x)
    assert not np.shares_memory(y.grad_input.data, x.data)
    assert not np.shares_memory(y.grad_input.data, y.grad_skip.data)
