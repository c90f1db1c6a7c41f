"""The grid, sizes, seeds and running."""

import json

import numpy as np
import pytest

import loom_core
from loom_core import (
    GRU,
    LSTM,
    RNN,
    Conv1D,
    Conv2D,
    Dense,
    MaxPool2D,
    Network,
    Sequential,
    ShapeError,
    Softmax,
    SpecError,
    SwiGLU,
)
from loom_core.random_stream import RandomStream


def test_a_fresh_grid_is_bare_activations_by_index():
    network = Network(4, 2, 2, 2)
    names = [layer.activation for layer in network.layers]
    cycle = ["scaled_relu", "sigmoid", "tanh", "softplus", "leaky_relu"]
    assert names == [cycle[i % 5] for i in range(8)]
    assert network.total_layers() == 8
    assert network.get_total_parameters() == 0
    assert network.forward_cpu([1.0, -1.0, 0.5, 2.0]).shape == (4,)


def test_data_flows_through_cells_in_reading_order():
    network = Network(1, 2, 2, 1)
    for number, (row, col) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        layer = Dense(1, "linear", input_size=1)
        layer.set_weights({"kernel": [10.0], "bias": [number]})
        network.set_layer(row, col, 0, layer)
    assert network.forward_cpu([1.0]) == [10123.0]


def test_flat_and_batched_inputs_give_the_same_numbers():
    network = Network.of(Dense(5, "tanh"), Softmax(), input_size=6, seed=4)
    x = np.random.default_rng(0).standard_normal((3, 2, 3)).astype(np.float32)
    batched = network.forward_cpu(x)
    assert batched.shape == (3, 5)
    flat = network.forward_cpu(x.reshape(-1))
    assert flat.shape == (15,)
    np.testing.assert_array_equal(flat, batched.reshape(-1))
    single = np.concatenate([network.forward_cpu(row.reshape(-1)) for row in x])
    np.testing.assert_allclose(single, flat, rtol=1e-6)


def test_the_documented_dense_example():
    layer = Dense(3, "linear", input_size=2)
    layer.set_weights({"kernel": [1, 2, 3, 10, 20, 30], "bias": [0, 0, 0]})
    network = Network.of(layer, input_size=2)
    np.testing.assert_array_equal(network.forward_cpu([1.0, 1.0]), [11.0, 22.0, 33.0])


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv1D(2, 3, disabled=True),
        lambda: Conv2D(2, 3, disabled=True),
        lambda: GRU(3, disabled=True),
        lambda: LSTM(3, disabled=True),
        lambda: MaxPool2D(3, disabled=True),
        lambda: RNN(3, disabled=True),
        lambda: SwiGLU(4, disabled=True),
    ],
)
def test_a_disabled_layer_needs_no_sizes(make, inside):
    layer = Sequential([make()]) if inside else make()
    network = Network.of(layer, Dense(2, input_size=5), input_size=5)
    network.initialize_weights()
    x = np.linspace(-1, 1, 5)
    np.testing.assert_array_equal(
        network.forward_cpu(x), Network.of(network.layers[1]).forward_cpu(x)
    )
    text = network.save_model_to_string("m")
    assert loom_core.load_model_from_string(text, "m").save_model_to_string("m") == text


def test_sizes_are_inferred_and_disabled_layers_are_skipped():
    network = Network.of(
        Conv2D(3, 3, 1, 1, input_channels=2, input_height=6, input_width=6),
        Conv2D(4, 2, 2),
        Dense(5, input_size=5, disabled=True),
        Dense(7),
        input_size=72,
    )
    assert network.complete_sizes() == [(3, 6, 6), (4, 3, 3), (4, 3, 3), (7,)]
    assert network.layers[3].weight_shapes()["kernel"] == (36, 7)
    assert network.get_total_parameters() == (3 * 2 * 9 + 3) + (4 * 3 * 4 + 4) + 30 + (36 * 7 + 7)


def test_the_same_seed_gives_the_same_weights_whatever_the_order():
    def make(order):
        network = Network(3, 1, 1, 2, seed=9)
        for index in order:
            network.set_layer(0, 0, index, Dense(3, input_size=3))
        network.initialize_weights()
        return [layer.weights["kernel"].tobytes() for layer in network.layers]

    assert make([0, 1]) == make([1, 0])
    assert make([0, 1])[0] != make([0, 1])[1]


def test_initialize_weights_returns_to_the_start_or_takes_another_seed():
    network = Network.of(Dense(3), input_size=3, seed=9)
    network.initialize_weights()
    kernel = network.layers[0].weights["kernel"]
    first = kernel.copy()
    kernel += 1
    network.initialize_weights()
    np.testing.assert_array_equal(kernel, first)  # the same array, changed in place
    network.initialize_weights(10)
    assert (kernel != first).any()


def test_random_stream_is_the_same_everywhere():
    """Golden values: SplitMix64 of seed 42, computed by hand with Python integers."""
    state, expected = 42, []
    for _ in range(3):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        expected.append(z ^ (z >> 31))
    stream = RandomStream(42)
    assert [int(word) for word in stream.bits(2)] == expected[:2]
    assert int(stream.bits(1)[0]) == expected[2]  # goes on where it stopped


def test_random_stream_is_uniform_and_shuffles():
    values = RandomStream(1, 2).uniform((100, 1000), 0.5)
    assert values.dtype == np.float32
    assert values.min() >= -0.5
    assert values.max() < 0.5
    assert abs(values.mean()) < 0.003
    assert abs(values.std() - 0.5 / np.sqrt(3)) < 0.002
    order = RandomStream(1).permutation(1000)
    assert sorted(order) == list(range(1000))
    assert (order != np.arange(1000)).sum() > 900


def test_xavier_and_he_limits():
    dense, conv = (
        Dense(100, input_size=300),
        Conv2D(50, 3, input_channels=8, input_height=9, input_width=9),
    )
    for layer in (dense, conv):
        layer.initialize(1)
        assert not layer.weights["bias"].any()
    for weights, limit in (
        (dense.weights["kernel"], np.sqrt(6 / 400)),
        (conv.weights["kernel"], np.sqrt(6 / 72)),
    ):
        assert 0.99 * limit < np.abs(weights).max() <= limit


@pytest.mark.parametrize("size", [1, 2, 7, 64, 300])
def test_recurrent_weights_start_orthogonal(size):
    layer = LSTM(size, 3)
    layer.initialize(1)
    for gate in np.split(layer.weights["recurrent"].astype(np.float64), 4):
        np.testing.assert_allclose(gate @ gate.T, np.eye(size), atol=1e-6)
    bias = np.split(layer.weights["bias"], 4)
    assert [float(part.mean()) for part in bias] == [0.0, 1.0, 0.0, 0.0]  # i, f, g, o


def test_plans_share_the_layers_own_arrays():
    network = Network.of(Dense(1, "linear"), input_size=2)
    network.initialize_weights()
    network.forward_cpu([1.0, 1.0])
    network.layers[0].set_weights({"kernel": [3.0, 4.0]})
    assert network.forward_cpu([1.0, 1.0]) == [7.0]


def test_plans_are_kept_per_batch_size_and_dropped_with_the_layers():
    network = Network.of(Dense(1), input_size=2)
    first = network.program(1, 2)
    assert network.program(1, 2) is first
    assert network.program(3, 2) is not first
    network.set_layer(0, 0, 0, Dense(4, input_size=2))
    assert network.program(1, 2) is not first
    assert network.forward_cpu([1.0, 2.0]).shape == (4,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda n: n.get_layer(0, 1, 0), SpecError, r"no layer \(0, 1, 0\) in a grid of 1 x 1"),
        (lambda n: n.set_layer(0, 0, -1, Dense()), SpecError, "no layer"),
        (lambda n: n.forward_cpu([1.0, 2.0, 3.0]), ShapeError, "3 numbers, expected a multiple"),
        (lambda n: n.forward_cpu([]), ShapeError, "0 numbers"),
        (lambda n: n.forward_cpu(np.zeros((2, 3))), ShapeError, "each sample needs 2"),
        (lambda n: n.forward_cpu(["a", "b"]), SpecError, "holds text"),
        (lambda n: n.forward_cpu([None, 1.0]), SpecError, "mixed objects"),
        (lambda n: n.forward_cpu([[1.0], [1.0, 2.0]]), SpecError, "rows of equal length"),
        (lambda n: n.layers[0].set_weights({"w": [1.0]}), SpecError, "no weight 'w'"),
        (lambda n: n.layers[0].set_weights({"bias": [1.0]}), ShapeError, "needs 3 values"),
        (lambda n: n.save_model_to_string(""), SpecError, "1 to 256 characters"),
        (lambda n: Dense(input_size=3), SpecError, "no output size"),
        (lambda n: Dense(3, input_size=0), SpecError, "at least 1"),
        (lambda n: Dense(2, "nonsense", input_size=2), SpecError, "unknown activation 'nonsense'"),
        (lambda n: Conv2D(1, 0), SpecError, "kernel_size must be"),
        (lambda n: Softmax(0.0), SpecError, "positive number"),
        (lambda n: Network(1, 0, 1, 1), SpecError, "rows must be a whole number of at least 1"),
    ],
)
def test_wrong_calls_are_typed_errors(call, error, message):
    network = Network.of(Dense(3), input_size=2)
    with pytest.raises(error, match=message):
        call(network)


def test_layers_that_do_not_fit_are_named():
    network = Network(4, 1, 2, 1)
    network.set_layer(0, 0, 0, Dense(3, input_size=4))
    network.set_layer(0, 1, 0, Dense(2, input_size=5))
    with pytest.raises(ShapeError, match=r"cell \(0, 1\) layer 0 dense: dense expects 5 inputs"):
        network.forward_cpu([0.0] * 4)


def test_build_from_json_knows_looms_keys_and_aliases():
    def build(**layer):
        return loom_core.build_network_from_json(json.dumps({"layers": [layer]}))

    for keys in (
        {"width": 5, "height": 4},
        {"input_size": 5, "output_size": 4},
        {"input_height": 5, "output_height": 4},
        {"width": 1, "height": 1, "input_height": 5, "output_height": 4},
        {"Input_Height": 5, "OUTPUT_HEIGHT": 4},
    ):
        layer = build(type="dense", activation="tanh", **keys).layers[0]
        assert (layer.input_size, layer.output_size) == (5, 4), keys
    single = build(type="dense", width=1, height=1).layers[0]
    assert (single.input_size, single.output_size) == (1, 1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "layers is missing"),
        ({"layers": [{"type": "dense"}], "grid_rows": 2}, "layer count mismatch: expected 2"),
        ({"layers": [{"type": "mystery"}]}, "unknown layer type 'mystery'"),
        ({"layers": [{"type": "conv2d", "filters": 2}]}, "kernel_size is missing"),
        ({"layers": [{"type": "conv2d", "filters": 2, "kernel_size": 3}]}, "input_channels"),
        ({"layers": [{"type": "dense", "output_size": 3}]}, "dense needs an input size"),
        ({"layers": [{"type": "softmax"}], "seed": "x"}, "seed must be a whole number"),
        ({"layers": [{"type": "softmax", "temperature": -1}]}, "positive number"),
        (
            {"layers": [{"type": "conv2d", "filters": 1, "kernel_size": 3, "input_channels": 1,
                         "input_height": 5, "input_width": 5, "output_height": 9,
                         "output_width": 9}]},
            "gives 3x3, but output_height and output_width say 9x9",
        ),
    ],
)  # fmt: skip
def test_wrong_descriptions_are_typed_errors(config, message):
    with pytest.raises(loom_core.LoomError, match=message):
        loom_core.build_network_from_json(json.dumps(config))


def test_sizes_of_a_dense_layer_in_the_old_order_are_refused():
    with pytest.raises(SpecError, match="must be a name, got 4") as error:
        Dense(2, 4)
    assert "output size comes first" in error.value.hint
