"""Live telemetry against the arrays themselves."""

import numpy as np
import pytest

from loom_core import AdamWOptimizer, Dense, Parallel, SGDOptimizer, TrainingData
from loom_core.bridge import Bridge
from tests.support.observed_networks import Collector, nested_network, network_of
from tests.support.weights import arrays_of, norm64

DATA = TrainingData([1, 2, 3, 4, 5, 6], [1, 0, 0, 1, 1, 1], batch_size=2)


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
    network = network_of(Dense(3, "tanh", input_size=2), Dense(2, "relu", input_size=3))
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
    network = network_of(
        Parallel([Dense(2, input_size=2), Dense(1, input_size=2)]), Dense(1, "linear", input_size=3)
    )
    network.forward_cpu([1, 2])
    network.backward_cpu([1])
    pairs = zip(network.kernel_gradients(), network.bias_gradients(), strict=True)
    shown = [layer.gradient_norm for layer in network.get_telemetry().layer_stats]
    assert shown == pytest.approx([norm64(pair) for pair in pairs], rel=1e-6)


def test_memory_is_the_sum_of_its_parts():
    network = network_of(Dense(50, input_size=100), Dense(10, input_size=50))
    network.forward_cpu(np.ones(100))
    network.backward_cpu(np.ones(10))
    telemetry = network.get_telemetry()
    assert telemetry.weight_bytes == 4 * network.get_total_parameters()
    assert telemetry.gradient_bytes == telemetry.weight_bytes
    assert telemetry.plan_bytes == sum(program.plan.arena_bytes for program in network.programs)
    assert telemetry.memory_usage == (
        2 * telemetry.weight_bytes + telemetry.plan_bytes + telemetry.optimizer_bytes
    )


@pytest.mark.parametrize("optimizer", ["adamw", AdamWOptimizer()], ids=["by name", "own"])
def test_memory_counts_the_optimizer_of_the_training(optimizer):
    network = network_of(Dense(3, "tanh", input_size=2), Dense(2, input_size=3))
    network.train(DATA, {"optimizer": optimizer, "epochs": 1})
    held = 2 * 4 * network.get_total_parameters()  # two running means of float32
    assert network.get_telemetry().optimizer_bytes == held
    memory = network.get_blueprint().models[0].memory
    assert memory.optimizer == held
    assert memory.total_training == memory.parameters + memory.training + held
    network.set_optimizer(SGDOptimizer(0.9))
    assert network.get_telemetry().optimizer_bytes == held  # it has no state yet
    network.forward_cpu([1, 2])
    network.backward_cpu([1, 2])
    network.apply_gradients(0.1)
    assert network.get_telemetry().optimizer_bytes == held + held // 2
    assert network.get_blueprint().models[0].memory.optimizer == held


def shown(network):
    """What the telemetry has of each layer: the gradient's norm, and the largest activation."""
    stats = network.get_telemetry().layer_stats
    return [layer.gradient_norm for layer in stats], [layer.activation_max for layer in stats]


def test_whatever_came_last_is_shown():
    network, seen = network_of(Dense(3, "tanh", input_size=2), Dense(2, input_size=3)), Collector()
    network.forward_cpu([1, 2])
    network.backward_cpu([1, 2])
    by_hand = shown(network)[0]
    network.set_observer(seen)
    network.train(DATA, {"epochs": 3})
    network.set_observer(None)
    of_training = (
        [event.stats.gradient_norm for event in seen.backward[-1:-3:-1]],
        [event.stats.output_max for event in seen.forward[-2:]],
    )
    assert shown(network) == of_training
    assert of_training[0] != by_hand

    y = network.forward_cpu([0.5, 3])
    gradients, activations = shown(network)
    assert gradients == of_training[0]
    assert activations[1] == y.max() != of_training[1][1]
    network.zero_gradients()
    network.backward_cpu([5, 6])
    pairs = zip(network.kernel_gradients(), network.bias_gradients(), strict=True)
    by_hand = [norm64(pair) for pair in pairs]
    assert shown(network)[0] == pytest.approx(by_hand, rel=1e-6)


def test_a_training_that_nobody_watches_leaves_nothing_old_to_show():
    network = network_of(Dense(3, "tanh", input_size=2), Dense(2, input_size=3))
    network.forward_cpu([0.5, 3])
    network.set_observer(Collector())
    network.train(DATA, {"epochs": 1})
    network.set_observer(None)
    network.train(DATA, {"epochs": 5})
    gradients, activations = shown(network)
    assert gradients == [None, None]
    assert activations[1] == network.forward_cpu([0.5, 3]).max()


def test_javascript_gets_the_guides_names():
    bridge = Bridge()
    config = '{"layers": [{"type": "dense", "input_size": 2, "output_size": 3}]}'
    handle = bridge.call(0, "BuildNetworkFromJSON", [config])["value"]["$object"]
    telemetry = bridge.call(handle, "GetTelemetry", [])["value"]
    names = {"Index", "WeightNorm", "GradientNorm", "ActivationMin", "ActivationMax"}
    assert telemetry["MemoryUsage"] >= 36
    assert names <= telemetry["LayerStats"][0].keys()
