"""Dropout: off wherever a network is used, and in training the mask that the seed names."""

import json

import numpy as np
import pytest

import loom_core
from loom_core import (
    Dense,
    Dropout,
    Network,
    Parallel,
    RecordingObserver,
    Sequential,
    SpecError,
)
from loom_core.plans.step_graph import training_plan
from loom_core.random_stream import RandomStream
from loom_core.telemetry.blueprint import extract_model
from tests.support import webgpu_support
from tests.support.simd_support import backend
from tests.support.tolerances import NETWORK, assert_close

BACKENDS = {"numpy": lambda: "numpy", "simd": backend, "webgpu": webgpu_support.backend}
rng = np.random.default_rng(4)
X = rng.uniform(0.5, 1.5, (6, 5)).astype(np.float32)
T = rng.uniform(-1, 1, (6, 2)).astype(np.float32)
BATCH = [{"Input": X, "Target": T}]


def network_of(*layers, seed=3, runs="numpy"):
    network = Network.of(*layers, input_size=5, seed=seed, backend=runs)
    network.initialize_weights()
    return network


def mask(seed, rate, shape):
    """The mask of a training's first step, number by number."""
    words = RandomStream(seed, -1).bits(int(np.prod(shape)))
    kept = [(int(word) >> 11) / 2**53 >= rate for word in words]
    return np.reshape([1 / (1 - rate) if keep else 0.0 for keep in kept], shape)


def test_it_passes_its_input_through_where_nothing_is_trained():
    network = network_of(Dropout(0.9), Dense(2, "linear", input_size=5), Dropout(0.5))
    dense = network.layers[1].weights
    np.testing.assert_allclose(
        network.forward_cpu(X).reshape(6, 2), X @ dense["kernel"] + dense["bias"], rtol=1e-5
    )
    dx = network.backward_cpu(np.ones(12, np.float32))
    expected = np.broadcast_to(dense["kernel"].sum(axis=1), (6, 5))
    np.testing.assert_allclose(dx.reshape(6, 5), expected, rtol=1e-5)
    alone = network_of(Dropout(0.5))
    np.testing.assert_array_equal(alone.forward_cpu(X[0]), X[0])


@pytest.mark.parametrize("runs", BACKENDS)
@pytest.mark.usefixtures("one_device")
def test_the_first_step_leaves_out_what_the_seed_names(runs):
    """Loss and weights of one step of gradient descent, by hand."""
    rate, step = 0.4, 0.1
    network = network_of(Dropout(rate), Dense(2, "linear", input_size=5), runs=BACKENDS[runs]())
    kernel, bias = (network.layers[1].copied_weights()[name] for name in ("kernel", "bias"))
    masked = X * mask(3, rate, X.shape)
    error = masked @ kernel + bias - T
    found = network.train(BATCH, {"Epochs": 1, "LearningRate": step, "Optimizer": "sgd"})
    np.testing.assert_allclose(found.loss_history, [np.mean(error**2)], rtol=1e-5)
    expected = kernel - step * masked.T @ (2 * error / error.size)
    trained = network.get_layer(0, 0, 1).copied_weights()["kernel"]
    np.testing.assert_allclose(trained, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("runs", ["simd", "webgpu"])
@pytest.mark.usefixtures("one_device")
def test_backends_train_by_the_same_masks(runs):
    def trained(runs):
        network = network_of(
            Dense(8, "tanh", input_size=5),
            Dropout(0.3),
            Parallel([Sequential([Dense(3, "tanh", input_size=8), Dropout(0.6)]), Dropout(0.1)]),
            Dense(2, "linear", input_size=11),
            runs=runs,
        )
        result = network.train(BATCH * 2, {"Epochs": 5, "LearningRate": 0.05})
        return result.loss_history, network.get_layer(0, 0, 0).copied_weights()["kernel"]

    (losses, kernel), (expected_losses, expected_kernel) = map(trained, (BACKENDS[runs](), "numpy"))
    assert_close(np.array(losses), np.array(expected_losses), NETWORK, "losses")
    assert_close(kernel, expected_kernel, NETWORK, "kernel")


def test_each_place_and_step_and_seed_has_its_own_mask():
    def outputs(seed):
        """What each of two Dropouts gives in two steps."""
        watcher = RecordingObserver("masks")
        watcher.values_kept = X.size
        dense = Dense(2, "linear", input_size=5)
        network = network_of(Parallel([Dropout(), Dropout()], "add"), dense, seed=seed)
        network.set_observer(watcher)
        network.train([{"Input": np.ones((6, 5)), "Target": T}] * 2, {"Epochs": 1})
        events = [event for event in watcher.get_events() if event.type == "forward"]
        return [np.asarray(event.output) for event in events if event.is_parallel_branch]

    found = outputs(1)
    assert len(found) == 4
    assert all(set(output) == {0, 2} for output in found)
    other = outputs(2)
    assert len({output.tobytes() for output in (*found, *other)}) == 8
    for output, again in zip(found, outputs(1), strict=True):
        np.testing.assert_array_equal(output, again)


def test_a_rate_of_0_draws_nothing():
    plain, dropped = (
        network_of(Dense(2, "tanh", input_size=5), *more) for more in ([], [Dropout(0)])
    )
    for network in (plain, dropped):
        network.train(BATCH, {"Epochs": 3})
    np.testing.assert_array_equal(plain.forward_cpu(X), dropped.forward_cpu(X))


def test_step_execution_passes_everything_through():
    plain, dropped = (
        network_of(Dropout(rate), Dense(2, "tanh", input_size=5)) for rate in (0.0, 0.9)
    )
    for network in (plain, dropped):
        network.train_with_stepping({"learning_rate": 0.1}, lambda step: (X[step], T[step]), 6)
    np.testing.assert_array_equal(plain.forward_cpu(X), dropped.forward_cpu(X))
    state = dropped.init_step_state(5)
    state.set_input(X[0])
    for _ in range(2):
        dropped.step_forward(state)
    np.testing.assert_allclose(state.get_output(), dropped.forward_cpu(X[0]), rtol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan"), "0.5", True])
def test_rates_that_are_none_are_refused(rate):
    with pytest.raises(SpecError, match="rate must be"):
        Dropout(rate)


def test_a_description_says_where_a_rate_is_wrong():
    layers = [{"type": "dense", "input_size": 5, "output_size": 2}, {"type": "dropout", "rate": 1}]
    with pytest.raises(SpecError, match=r"cell \(0, 0\) layer 1: rate must be .* below 1"):
        loom_core.build_network_from_json(json.dumps({"layers": layers}))
    del layers[1]["rate"]
    network = loom_core.build_network_from_json(json.dumps({"layers": layers}))
    assert network.layers[1].rate == 0.5


def test_it_is_saved_with_its_rate():
    network = network_of(Dense(2, "tanh", input_size=5), Dropout(0.125, disabled=True))
    again = loom_core.load_model_from_string(network.save_model_to_string("m"), "m")
    assert again.layers[1].settings() == network.layers[1].settings()
    assert again.layers[1].settings() == {"type": "dropout", "rate": 0.125, "is_disabled": True}
    blueprint = extract_model(network, "m")
    assert blueprint.total_params == network.get_total_parameters() == 12
    assert [layer.type for layer in blueprint.layers] == ["Dense", "Dropout"]
    with pytest.raises(
        SpecError, match=r"layer 1 dropout: Loom v0\.0\.7 has no layer type 'dropout'"
    ):
        network.save_model_to_string("m", "loom")


def test_masks_count_as_working_memory():
    def needed(*layers):
        network = network_of(Dense(400, "tanh", input_size=5), *layers, Dense(2, input_size=400))
        return training_plan(network.layers, 6, 5, "mse").arena_bytes

    assert needed(Dropout()) >= needed() + 4 * 6 * 400
