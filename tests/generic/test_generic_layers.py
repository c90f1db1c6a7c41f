"""Layers as functions of tensors: gradients, every numeric type, and the layers themselves."""

import numpy as np
import pytest

from loom_core import generic as g, run_layer
from loom_core.layers import LOOM_LAYER_TYPES, LSTM, RNN, Conv1D, Conv2D, Dense, MultiHeadAttention
from loom_core.public import FUNCTIONS
from tests.support.finite_differences import assert_close_to_differences
from tests.support.generic_cases import CASES, make_tensors


def as_float64(value):
    """The same tensors in float64, holding what the given ones mean."""
    if isinstance(value, g.Tensor):
        return g.Tensor(np.array(value.values, np.float64))
    if isinstance(value, dict):
        return {name: as_float64(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_float64(item) for item in value]
    return value


@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_finite_differences(name):
    case = CASES[name]
    tensors = make_tensors(case)
    output, kept = case.forward(tensors)
    weights = np.random.default_rng(5).standard_normal(output.shape)
    found = case.backward(g.Tensor(weights), tensors, kept)
    assert found.keys() == tensors.keys()
    for name_, gradient in found.items():
        assert gradient.shape == tensors[name_].shape

    def run():
        return float(np.sum(case.forward(tensors)[0].array * weights))

    arrays = {key: tensor.array for key, tensor in tensors.items()}
    gradients = {key: gradient.array for key, gradient in found.items()}
    assert_close_to_differences(run, arrays, gradients)


def expected_numbers(values, dtype):
    """The rule, written apart: nearest step of 0.01, within the type's range."""
    steps = np.rint(values / 0.01)
    limits = np.iinfo(dtype)
    if limits.bits < 64:
        steps = np.minimum(np.maximum(steps, limits.min), limits.max)
    else:
        steps = np.maximum(steps, max(limits.min, -(2**62)))
    return steps


@pytest.mark.parametrize("dtype", g.DTYPES)
@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith(("seq", "par", "filt"))])
def test_every_type_computes_what_its_numbers_mean(name, dtype):
    case = CASES[name]
    tensors = make_tensors(case, dtype)
    wide = as_float64(tensors)
    output, kept = case.forward(tensors)
    wanted, _ = case.forward(wide)
    kept_wide = as_float64(kept) if not hasattr(kept, "gate_weights") else kept
    gradient = g.convert_tensor_float32_to_t(
        g.Tensor(np.random.default_rng(5).uniform(-1, 1, output.shape)), dtype
    )
    pairs = [(output, wanted)]
    found = case.backward(gradient, tensors, kept)
    right = case.backward(as_float64(gradient), wide, kept_wide)
    pairs += [(found[key], right[key]) for key in found]
    for got, wanted_ in pairs:
        assert got.dtype == dtype
        assert got.shape == wanted_.shape
        if g.is_integer_type(dtype):
            np.testing.assert_array_equal(got.array, expected_numbers(wanted_.array, dtype))
        else:
            tolerance = {"float64": 0.0, "float32": 2e-5, "float16": 5e-3}[dtype]
            np.testing.assert_allclose(got.array, wanted_.array, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", g.DTYPES)
@pytest.mark.parametrize("name", [n for n in CASES if n.startswith(("seq", "par", "filt"))])
def test_containers_run_in_every_type(name, dtype):
    case = CASES[name]
    tensors = make_tensors(case, dtype)
    output, kept = case.forward(tensors)
    gradient = g.convert_tensor_float32_to_t(g.Tensor(np.full(output.shape, 0.5)), dtype)
    found = case.backward(gradient, tensors, kept)["input"]
    assert output.dtype == found.dtype == dtype
    wide, _ = case.forward(make_tensors(case))
    if dtype.startswith("u"):
        return  # a type without negative numbers holds other weights
    # The errors of rounded weights and inputs, a few steps of 0.01 each, add up.
    tolerance = 0.1 if g.is_integer_type(dtype) else 5e-3
    wanted = np.clip(wide.array, -1.28, 1.27) if dtype == "int8" else wide.array
    np.testing.assert_allclose(output.values, wanted, atol=tolerance)


def equal(tensor, array):
    """To rounding: the network may run on another backend."""
    flat = np.asarray(array).reshape(-1)
    np.testing.assert_allclose(tensor.array.reshape(-1), flat, rtol=2e-6, atol=2e-6)


def test_float32_gives_the_numbers_of_the_layers():
    rng = np.random.default_rng(2)

    def tensors(layer):
        return {name: g.Tensor(array) for name, array in layer.weights.items()}

    def ready(layer):
        layer.initialize(4)
        return layer

    x = rng.standard_normal((2, 40)).astype(np.float32)
    dense = ready(Dense(3, "tanh", input_size=40))
    t = tensors(dense)
    found = g.dense_forward(g.Tensor(x), t["kernel"], t["bias"], 40, 3, 2, "tanh")
    equal(found.post_activation, run_layer(dense, x, 2))
    conv = ready(Conv2D(3, 3, 2, 1, "tanh", input_channels=2, input_height=5, input_width=4))
    t = tensors(conv)
    found = g.conv2d_forward(
        g.Tensor(x), t["kernel"], t["bias"], 5, 4, 2, 3, 2, 1, 3, 0, 0, 2, "tanh"
    )
    equal(found.post_activation, run_layer(conv, x, 2))
    conv = ready(Conv1D(3, 3, 2, 1, "tanh", input_channels=2, input_length=20))
    t = tensors(conv)
    found = g.conv1d_forward(g.Tensor(x), t["kernel"], t["bias"], 20, 2, 3, 2, 1, 3, 2, "tanh")
    equal(found.post_activation, run_layer(conv, x, 2))
    rnn = ready(RNN(3, 8, seq_length=5))
    t = tensors(rnn)
    found = g.rnn_forward(g.Tensor(x), t["input"], t["recurrent"], t["bias"], 2, 5, 8, 3)
    equal(found.output, run_layer(rnn, x, 2))
    assert found.hidden_states.shape == (2, 6, 3)
    lstm = ready(LSTM(3, 8, seq_length=5))
    parts = [np.split(lstm.weights[name], 4) for name in ("input", "recurrent", "bias")]
    by_gate = [g.Tensor(part[k].copy()) for k in range(4) for part in parts]
    found = g.lstm_forward(g.Tensor(x), g.LSTMWeights(*by_gate), 2, 5, 8, 3)
    equal(found.output, run_layer(lstm, x, 2))
    np.testing.assert_allclose(
        found.gates["o_gate"].array * found.gates["c_tanh"].array, found.output.array, rtol=1e-6
    )
    mha = ready(MultiHeadAttention(4, 8, num_kv_heads=2, causal=True, rope_theta=1e4))
    t = tensors(mha)
    weights = g.AttentionWeights(
        t["query"], t["key"], t["value"], t["output"], 8, 4, 2,
        q_bias=t["query_bias"], k_bias=t["key_bias"], v_bias=t["value_bias"],
        output_bias=t["output_bias"],
    )  # fmt: skip
    three = g.Tensor(x.reshape(2, 5, 8))
    y = g.multi_head_attention_forward(three, weights, 1e4, causal=True)
    equal(y, run_layer(mha, x, 2))


def test_every_layer_type_of_loom_has_its_pair():
    pairs = {
        "dense": "Dense", "conv2d": "Conv2D", "conv1d": "Conv1D", "rnn": "RNN", "lstm": "LSTM",
        "multi_head_attention": "MultiHeadAttention", "layer_norm": "LayerNorm",
        "rms_norm": "RMSNorm", "swiglu": "SwiGLU", "embedding": "Embedding",
        "residual": "Residual", "sequential": "Sequential", "parallel": "Parallel",
    }  # fmt: skip
    assert pairs.keys() | {"softmax"} == {layer.type_name for layer in LOOM_LAYER_TYPES}
    wanted = {f"{name}{way}" for name in pairs.values() for way in ("Forward", "Backward")}
    wanted |= {"ApplySoftmax", "ApplySoftmaxGrid", "SoftmaxBackward"}
    wanted |= {"ParallelForwardFiltered", "ParallelBackwardFiltered"}
    assert wanted <= FUNCTIONS.keys()


def test_weight_gradients_of_containers_equal_finite_differences():
    layers = [
        Dense(4, "tanh", input_size=3),
        Dense(2, "tanh", input_size=4, frozen=True),
        Dense(3, "sigmoid", input_size=2),
    ]
    x = g.Tensor(np.random.default_rng(1).uniform(-1, 1, (2, 3)))
    output = g.sequential_forward(x, layers, 2).output
    w = np.random.default_rng(5).standard_normal(output.shape)
    for layer in layers:
        layer._weights = {name: a.astype(np.float64) for name, a in layer.weights.items()}
    found = g.sequential_backward(g.Tensor(w), x, layers)
    assert [sorted(part) for part in found.weight_gradients] == [
        ["bias", "kernel"], [], ["bias", "kernel"]
    ]  # fmt: skip
    assert found.gate_gradients == {}

    def run():
        return float(np.sum(g.sequential_forward(x, layers, 2).output.array * w))

    for layer, part in zip(layers, found.weight_gradients, strict=True):
        if part:
            arrays = {name: gradient.array for name, gradient in part.items()}
            assert_close_to_differences(run, layer.weights, arrays)


def test_gates_and_nested_children_are_trained():
    from loom_core import Sequential

    branches = [
        Sequential([Dense(2, "tanh", input_size=2)]),
        Dense(2, "tanh", input_size=2, frozen=True),
    ]
    gate = Dense(2, "linear", input_size=2)
    x = g.Tensor(np.array([[0.5, -1.0]]))
    forward = g.parallel_forward_filtered(x, branches, gate)
    np.testing.assert_allclose(forward.gate_weights.array.sum(axis=1), 1)
    mixed = sum(
        forward.gate_weights.array[:, i] * forward.branch_outputs[i].array for i in range(2)
    )
    np.testing.assert_allclose(forward.output.array, mixed)
    ones = g.Tensor(np.ones((1, 2)))
    found = g.parallel_backward_filtered(ones, x, branches, [], None, gate)
    assert [sorted(part) for part in found.weight_gradients] == [["0.bias", "0.kernel"], []]
    assert sorted(found.gate_gradients) == ["bias", "kernel"]
    assert np.abs(found.gate_gradients["bias"].array).max() > 0
