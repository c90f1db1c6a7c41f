"""What observers are told of each layer, against plain NumPy on layers that were run one by one."""

import math

import numpy as np
import pytest

from loom_core import Dense, LayerNorm, Parallel, Sequential, Softmax
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.watch.statistics import array_statistics, norm_of, saturated_share
from tests.support.observed_networks import (
    Collector,
    digits_cnn,
    every_layer_type,
    nested_network,
    network_of,
    outputs_one_by_one,
)
from tests.support.simd_support import backend as simd_backend
from tests.support.weights import norm64

BACKENDS = {"numpy": NumpyBackend, "simd": simd_backend}
NEAR = {"rtol": 2e-5, "atol": 1e-6}


def assert_statistics(stats, y, channels=False):
    """Compare a layer's statistics with float64 arithmetic on its output (B, ...)."""
    wide = y.astype(np.float64)
    assert stats.output_shape == list(y.shape)
    np.testing.assert_allclose(stats.output_mean, wide.mean(), **NEAR)
    np.testing.assert_allclose(stats.output_std, wide.std(), **NEAR)
    np.testing.assert_allclose(stats.output_norm, np.sqrt((wide**2).sum()), **NEAR)
    assert (stats.output_min, stats.output_max) == (y.min(), y.max())
    assert stats.zero_share == (y == 0).mean()
    assert (stats.active_neurons, stats.total_neurons) == ((y > 0).sum(), y.size)
    axis = 1 if channels else -1
    others = tuple(at for at in range(y.ndim) if at != axis % y.ndim)
    assert stats.neurons == y.shape[axis]
    assert stats.dead_neurons == int((y == 0).all(axis=others).sum())
    assert (stats.avg_activation, stats.max_activation) == (stats.output_mean, stats.output_max)
    assert stats.min_activation == stats.output_min
    assert (stats.nan_count, stats.inf_count) == (0, 0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", every_layer_type())
def test_forward_statistics_are_those_of_each_layer(name, backend):
    network = every_layer_type(backend=BACKENDS[backend]())[name]
    rng = np.random.default_rng(5)
    x = rng.integers(0, 11, (4, 6)) if name == "tokens" else rng.normal(
        size=(4, network.input_width())
    )  # fmt: skip
    x = x.astype(np.float32)
    seen = Collector()
    plain = network.forward_cpu(x)
    network.set_observer(seen)
    np.testing.assert_array_equal(network.forward_cpu(x), plain)
    outermost = [event for event in seen.forward if not event.layer_path]
    expected = outputs_one_by_one(network, x)
    assert len(outermost) == len(expected)
    for index, (event, y) in enumerate(zip(outermost, expected, strict=True)):
        layer = network.layers[index]
        stats = event.stats
        assert (event.layer_idx, stats.layer_index, event.type) == (index, index, "forward")
        found = y.reshape(stats.output_shape)
        np.testing.assert_allclose(stats.output_mean, found.mean(dtype=float), rtol=2e-4, atol=1e-5)
        weights = {**layer.copied_weights()}
        bias = [weights.pop(key) for key in [*weights] if "bias" in key]
        if not layer.children:
            np.testing.assert_allclose(stats.bias_norm, norm64(bias), **NEAR)
            np.testing.assert_allclose(stats.weight_norm, norm64(weights.values()), **NEAR)


def test_statistics_of_the_very_numbers_that_a_layer_gave():
    network = digits_cnn(backend="numpy")
    x = np.random.default_rng(1).normal(size=(5, 784)).astype(np.float32)
    network.initialize_weights()
    kernel = network.layers[0].copied_weights()["kernel"]
    kernel[3] = -np.abs(kernel[3])
    network.layers[0].set_weights({"kernel": kernel, "bias": [0, 0, 0, -99, 0, 0, 0, 0]})
    seen = Collector(values_kept=10**6)
    network.set_observer(seen)
    network.forward_cpu(x)
    for index, event in enumerate(seen.forward):
        y = np.asarray(event.output).reshape(event.stats.output_shape)
        assert_statistics(event.stats, y, channels=index < 2)
    assert seen.forward[0].stats.dead_neurons == 1
    np.testing.assert_array_equal(seen.forward[0].input, x.reshape(-1))
    np.testing.assert_array_equal(seen.forward[1].input, seen.forward[0].output)


def test_layers_inside_layers_are_told_before_them_with_their_place():
    seen = Collector()
    network = nested_network()
    network.set_observer(seen)
    network.forward_cpu(np.ones((2, 5), np.float32))
    places = [(event.layer_idx, *event.layer_path) for event in seen.forward]
    assert places == [
        (0,), (1, 0), (1, 1, 0), (1, 1, 1), (1, 1), (1, 2, 0), (1, 2, 1), (1, 2), (1, 3), (1,),
        (2,), (3,),
    ]  # fmt: skip
    branches = [event for event in seen.forward if event.is_parallel_branch]
    assert [(event.layer_path, event.branch_idx) for event in branches] == [
        ([0], 0), ([1], 1), ([2, 0], 0), ([2, 1], 1), ([2], 2), ([3], 3),
    ]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
def test_backward_statistics_are_those_of_the_gradients(backend):
    layers = [Dense(4, "tanh", input_size=3), LayerNorm(), Dense(2, "linear", input_size=4)]
    network = network_of(*layers, backend=BACKENDS[backend](), model_id="m")
    rng = np.random.default_rng(2)
    x, dy = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    network.forward_cpu(x)
    plain = network.backward_cpu(dy)
    kernels, biases = network.kernel_gradients(), network.bias_gradients()
    network.zero_gradients()
    seen = Collector(values_kept=100)
    network.set_observer(seen)
    network.forward_cpu(x)
    np.testing.assert_array_equal(network.backward_cpu(dy), plain)
    assert [event.layer_idx for event in seen.backward] == [2, 1, 0]
    last, middle, first = seen.backward
    np.testing.assert_allclose(last.output, dy.astype(np.float32).ravel())
    w = layers[2].copied_weights()["kernel"]
    np.testing.assert_allclose(middle.output, (dy @ w.T).ravel(), rtol=1e-5, atol=1e-6)
    for event in seen.backward:
        y = np.asarray(event.output).reshape(event.stats.output_shape)
        assert_statistics(event.stats, y)
        index = event.layer_idx
        expected = norm64([kernels[index], biases[index]])
        np.testing.assert_allclose(event.stats.gradient_norm, expected, rtol=1e-5)
        assert (event.mode, event.model_id, event.type) == ("normal", "m", "backward")
    assert first.stats.layer_type == "Dense"


def test_a_layer_without_weights_shows_the_norm_of_its_output_gradient():
    network = network_of(Dense(4, "tanh", input_size=3), Dense(activation="sigmoid"))
    seen = Collector()
    network.set_observer(seen)
    network.forward_cpu([1, 2, 3])
    network.backward_cpu([1, -2, 2, 4])
    assert seen.backward[0].stats.gradient_norm == pytest.approx(5.0)
    network.layers[0].frozen = True
    seen.backward.clear()
    network.backward_cpu([1, -2, 2, 4])
    first = seen.backward[-1]
    assert first.stats.gradient_norm == pytest.approx(first.stats.output_norm)


def test_disabled_layers_are_not_told():
    network = network_of(
        Dense(3, input_size=3),
        Dense(3, input_size=3),
        Sequential([Dense(3, input_size=3), Dense(2, input_size=3)]),
    )
    network.layers[1].set_disabled(True)
    seen = Collector()
    network.set_observer(seen)
    network.forward_cpu([1, 2, 3])
    assert [event.layer_idx for event in seen.forward] == [0, 2, 2, 2]


@np.errstate(over="ignore", invalid="ignore")
def test_numbers_that_are_not_finite_are_counted_and_shown():
    x = np.array([[1, np.nan, np.inf, -np.inf, 0]], np.float32)
    found = array_statistics(x)
    assert (found.nans, found.infinities, found.zeros) == (1, 2, 1)
    assert math.isnan(found.mean)
    infinite = array_statistics(np.array([[1, np.inf]], np.float32))
    assert (infinite.mean, infinite.maximum, infinite.infinities) == (np.inf, np.inf, 1)


@np.errstate(over="ignore", invalid="ignore")
def test_large_numbers_do_not_overflow():
    x = np.array([[3e30, -3e30, 1e30, 0]], np.float32)
    found = array_statistics(x)
    wide = x.astype(np.float64)
    assert found.std == pytest.approx(wide.std())
    assert found.norm == pytest.approx(np.linalg.norm(wide))
    assert norm_of(x) == pytest.approx(np.linalg.norm(wide))
    assert (found.nans, found.infinities) == (0, 0)


def test_a_mean_far_from_zero_does_not_spoil_the_deviation():
    x = (1e4 + np.random.default_rng(0).normal(size=(64, 200))).astype(np.float32)
    assert array_statistics(x).std == pytest.approx(x.astype(np.float64).std(), rel=1e-3)


def test_empty_arrays_give_zeros():
    found = array_statistics(np.empty((3, 0), np.float32))
    assert (found.mean, found.norm, found.neurons) == (0, 0, 0)


def test_saturation_is_counted_at_both_ends():
    y = np.array([[0.995, 0.5, 0.005, 0.02]], np.float32)
    assert saturated_share(y, "sigmoid") == 0.5
    assert saturated_share(np.array([[-0.99, 0.99, 0.5, 0]], np.float32), "tanh") == 0.5
    assert saturated_share(y, "scaled_relu") is None


def test_saturation_of_a_layer_follows_its_activation():
    network = network_of(Dense(2, "tanh", input_size=1), Dense(2, "linear", input_size=2))
    network.layers[0].set_weights({"kernel": [100.0, 0.0], "bias": [0.0, 0.0]})
    seen = Collector()
    network.set_observer(seen)
    network.forward_cpu([1.0])
    assert [event.stats.saturated_share for event in seen.forward] == [0.5, None]
    assert [event.stats.activation for event in seen.forward] == ["Tanh", "Linear"]


def test_values_are_kept_as_many_as_the_observer_says():
    network = network_of(Parallel([Dense(30, input_size=4), Dense(3, input_size=4)]), Softmax())
    seen = Collector(values_kept=5)
    network.set_observer(seen)
    output = network.forward_cpu([1, 2, 3, 4])
    assert [len(event.output) for event in seen.forward] == [5, 3, 5, 5]
    np.testing.assert_array_equal(seen.forward[-1].output, output[:5])
    np.testing.assert_array_equal(seen.forward[0].input, [1, 2, 3, 4])


@pytest.mark.parametrize("backend", BACKENDS)
def test_layers_are_timed_one_by_one_in_a_forward_pass(backend):
    network = nested_network(backend=BACKENDS[backend]())
    seen = Collector()
    network.set_observer(seen)
    x = np.ones((3, 5), np.float32)
    for _ in range(2):
        timed = network.forward_cpu(x)
    network.backward_cpu(np.ones((3, 4)))
    network.set_observer(None)
    np.testing.assert_array_equal(network.forward_cpu(x), timed)
    times = [event.stats.compute_time_ns for event in seen.forward if not event.layer_path]
    assert all(isinstance(time, int) and time > 0 for time in times)
    assert {event.stats.compute_time_ns for event in seen.forward if event.layer_path} == {None}
    assert {event.stats.compute_time_ns for event in seen.backward} == {None}
