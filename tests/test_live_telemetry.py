"""Live telemetry against the arrays themselves."""

import math

import numpy as np
import pytest
from observed_networks import arrays_of, nested_network, network_of

from loom_core import Dense, Parallel
from loom_core.bridge import Bridge


def norm64(arrays):
    return math.sqrt(sum(float((array.astype(np.float64) ** 2).sum()) for array in arrays))


def test_a_fresh_network_shows_its_weights_only():
    telemetry = nested_network().get_telemetry()
    assert [layer.index for layer in telemetry.layer_stats] == [0, 1, 2, 3]
    assert {layer.gradient_norm for layer in telemetry.layer_stats} == {None}
    assert {layer.activation_min for layer in telemetry.layer_stats} == {None}
    assert telemetry.memory_usage == telemetry.weight_bytes


def test_norms_of_weights_count_branches_children_and_gates():
    network = nested_network()
    network.initialize_weights()
    for layer, shown in zip(network.layers, network.get_telemetry().layer_stats, strict=True):
        assert shown.weight_norm == pytest.approx(norm64(arrays_of(layer)), rel=1e-6)


def test_activations_are_those_of_the_last_input_with_the_present_weights():
    network = network_of(Dense(2, 3, "tanh"), Dense(3, 2, "relu"))
    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    network.forward_cpu(x)
    network.layers[1].set_weights({"kernel": np.ones(6), "bias": [1, -99]})
    shown = network.get_telemetry().layer_stats
    _, first, last = (y.reshape(4, -1) for y in network.activations())
    for layer, y in zip(shown, (first, last), strict=True):
        assert (layer.activation_min, layer.activation_max) == (y.min(), y.max())
        assert layer.activation_mean == pytest.approx(y.mean(dtype=np.float64), rel=1e-5)
    assert shown[1].dead_neurons == 1
    np.testing.assert_array_equal(network.forward_cpu(x), last)


def test_gradients_are_those_that_backward_left():
    network = network_of(Parallel([Dense(2, 2), Dense(2, 1)]), Dense(3, 1, "linear"))
    network.forward_cpu([1, 2])
    network.backward_cpu([1])
    pairs = zip(network.kernel_gradients(), network.bias_gradients(), strict=True)
    shown = [layer.gradient_norm for layer in network.get_telemetry().layer_stats]
    assert shown == pytest.approx([norm64(pair) for pair in pairs], rel=1e-6)


def test_memory_is_the_sum_of_its_parts():
    network = network_of(Dense(100, 50), Dense(50, 10))
    network.forward_cpu(np.ones(100))
    network.backward_cpu(np.ones(10))
    telemetry = network.get_telemetry()
    assert telemetry.weight_bytes == 4 * network.get_total_parameters()
    assert telemetry.gradient_bytes == telemetry.weight_bytes
    assert telemetry.plan_bytes == sum(plan.arena_bytes for plan in network.prepared_plans())
    assert telemetry.memory_usage == (
        2 * telemetry.weight_bytes + telemetry.plan_bytes + telemetry.optimizer_bytes
    )


def test_javascript_gets_the_guides_names():
    bridge = Bridge()
    config = '{"layers": [{"type": "dense", "input_size": 2, "output_size": 3}]}'
    handle = bridge.call(0, "BuildNetworkFromJSON", [config])["value"]["$object"]
    telemetry = bridge.call(handle, "GetTelemetry", [])["value"]
    names = {"Index", "WeightNorm", "GradientNorm", "ActivationMin", "ActivationMax"}
    assert telemetry["MemoryUsage"] >= 36
    assert names <= telemetry["LayerStats"][0].keys()
