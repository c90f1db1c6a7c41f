"""Findings about statistics that were made to be wrong, and none about those that are fine."""

from dataclasses import replace

import numpy as np
import pytest

import loom_core
from loom_core import (
    Dense,
    DiagnosisThresholds,
    LayerStats,
    RecordingObserver,
    Sequential,
    SpecError,
    diagnose_stats,
)
from loom_core.bridge import Bridge
from tests.support.observed_networks import network_of


def problems(findings):
    return [(finding.problem, finding.layer_index) for finding in findings]


def recorded(network, x, dy=None):
    recording = RecordingObserver()
    network.set_observer(recording)
    with np.errstate(all="ignore"):
        network.forward_cpu(x)
        if dy is not None:
            network.backward_cpu(dy)
    return recording


def test_a_healthy_network_has_no_findings():
    network = network_of(Dense(8, "leaky_relu", input_size=4), Dense(2, "linear", input_size=8))
    x = np.random.default_rng(0).normal(size=(16, 4))
    assert recorded(network, x, np.ones((16, 2))).diagnose() == []


def test_gradients_vanish_through_saturated_layers():
    network = network_of(*(Dense(3, "sigmoid", input_size=3) for _ in range(6)))
    for layer in network.layers:
        layer.set_weights({"kernel": np.eye(3) * 1e-3, "bias": [0, 0, 0]})
    findings = recorded(network, [1, 2, 3], [1, 1, 1]).diagnose()
    assert {problem for problem, _ in problems(findings)} == {"vanishing_gradients"}
    assert problems(findings)[0] == ("vanishing_gradients", 0)
    first = findings[0]
    assert first.value < first.threshold == 1e-6
    assert first.measure == "GradientNorm"
    assert "Layer 0 (Dense) has vanishing gradients" in first.message
    assert any("ReLU" in advice for advice in first.advice)


def test_gradients_explode_through_large_weights():
    network = network_of(*(Dense(2, "linear", input_size=2) for _ in range(3)))
    for layer in network.layers:
        layer.set_weights({"kernel": np.full((2, 2), 9.0), "bias": [0, 0]})
    findings = recorded(network, [1, 1], [1, 1]).diagnose()
    assert ("exploding_gradients", 0) in problems(findings)
    assert ("large_outputs", 2) in problems(findings)
    assert any("Clip" in advice for advice in findings[0].advice)


def test_numbers_that_are_not_finite_come_first():
    network = network_of(Dense(2, "linear", input_size=2), Dense(2, "linear", input_size=2))
    network.layers[1].set_weights({"kernel": [3e38] * 4, "bias": [0, 0]})
    findings = recorded(network, [9, 9], [1, 1]).diagnose()
    assert [finding.problem for finding in findings[:2]] == ["not_finite", "not_finite"]
    assert ("not_finite", 1) in problems(findings)
    assert "NaN or infinite" in findings[0].message


def test_dead_neurons_are_those_of_relu_only():
    dead = [("dead_relu", 0)]
    for activation, expected in (("relu", dead), ("plain_relu", dead), ("linear", [])):
        network = network_of(Dense(4, activation, input_size=2))
        network.layers[0].set_weights({"kernel": np.zeros(8), "bias": [1, -1, -1, -1]})
        if activation == "linear":
            network.layers[0].set_weights({"bias": [1, 0, 0, 0]})
        findings = recorded(network, np.ones((8, 2))).diagnose()
        assert problems(findings) == expected
    assert recorded(network_of(Dense(4, input_size=2)), np.ones((8, 2))).diagnose() == []


def relu_network(dead_layer=None):
    network = network_of(
        Dense(32, "relu", input_size=6),
        Dense(32, "relu", input_size=32),
        Dense(1, "leaky_relu", input_size=32),
        input_size=6,
    )
    network.initialize_weights()
    if dead_layer is not None:
        network.layers[dead_layer].set_weights({"bias": np.full(32, -100.0)})
    return network


def samples_one_by_one(network, count):
    recording = RecordingObserver()
    network.set_observer(recording)
    for sample in np.random.default_rng(1).normal(size=(count, 6)):
        network.forward_cpu(sample)
    return recording


def test_a_neuron_that_rests_in_a_few_samples_is_not_dead():
    recording = samples_one_by_one(relu_network(), 80)
    resting = [stats for stats in recording.get_history() if stats.dead_neurons > 16]
    assert len(resting) > 40
    assert recording.diagnose() == []


def test_neurons_that_are_dead_are_found_in_samples_that_come_one_by_one():
    recording = samples_one_by_one(relu_network(dead_layer=1), 20)
    (finding,) = recording.diagnose()
    assert (finding.problem, finding.layer_index, finding.value) == ("dead_relu", 1, 1.0)
    assert (finding.occurrences, finding.observations) == (16, 20)  # twice eight samples
    assert samples_one_by_one(relu_network(dead_layer=1), 7).diagnose() == []


def test_joined_passes_count_only_neurons_that_must_be_dead_in_all():
    few = LayerStats(
        0, "Dense", activation="ReLU", output_shape=[4, 10], neurons=10, dead_neurons=8
    )
    (finding,) = diagnose_stats([few, few])
    assert finding.value == pytest.approx(0.6)  # 2 of 10 in one pass and 2 others in the other
    assert diagnose_stats([few, few], DiagnosisThresholds(dead_samples=12)) == []


def test_a_dead_layer_is_named_as_the_cause_of_vanishing_gradients():
    x = np.random.default_rng(0).normal(size=(32, 6))
    findings = recorded(relu_network(dead_layer=1), x, np.ones((32, 1))).diagnose()
    assert problems(findings) == [
        ("dead_relu", 1),
        ("vanishing_gradients", 0),
        ("vanishing_gradients", 1),
    ]
    for finding in findings[1:]:
        assert finding.message.endswith(", because all neurons of layer 1 are dead.")
        assert finding.advice == findings[0].advice


def test_advice_against_sigmoid_and_tanh_is_given_only_where_there_are_some():
    norms = [LayerStats(0, "Dense", gradient_norm=0.0, activation="ReLU")]
    (finding,) = diagnose_stats(norms)
    assert finding.advice
    assert not any("sigmoid" in advice for advice in finding.advice)
    (finding,) = diagnose_stats([*norms, LayerStats(1, "Dense", activation="Tanh")])
    assert "sigmoid" in finding.advice[0]
    (_, finding) = diagnose_stats(
        [
            LayerStats(0, "Dense", gradient_norm=0.0, activation="Tanh"),
            replace(norms[0], layer_index=1),
        ]
    )
    assert not any("sigmoid" in advice for advice in finding.advice)


def test_saturation_is_found_inside_layers():
    inner = Dense(2, "tanh", input_size=1)
    network = network_of(Sequential([Dense(1, "linear", input_size=1), inner]))
    inner.set_weights({"kernel": [50.0, -50.0], "bias": [20.0, 20.0]})
    findings = recorded(network, np.full((3, 1), 5.0)).diagnose()
    assert [(finding.problem, finding.layer_path) for finding in findings] == [("saturated", [1])]
    assert "Layer 0.1 (Dense)" in findings[0].message


def test_occurrences_are_counted_of_the_observations_and_the_worst_is_given():
    norms = [1e-9, 0.5, 1e-8, 0.25]
    stats = [LayerStats(2, "Dense", gradient_norm=norm) for norm in norms]
    (finding,) = diagnose_stats([*stats, LayerStats(2, "Dense")])
    assert (finding.occurrences, finding.observations, finding.value) == (2, 4, 1e-9)


def test_thresholds_can_be_set_and_are_checked():
    stats = [LayerStats(0, "Dense", output_max=5.0)]
    assert diagnose_stats(stats) == []
    (finding,) = diagnose_stats(stats, DiagnosisThresholds(large_output=4))
    assert (finding.problem, finding.threshold) == ("large_outputs", 4)
    for wrong in (-1.0, float("nan"), "much"):
        with pytest.raises(SpecError, match="large_output"):
            diagnose_stats(stats, DiagnosisThresholds(large_output=wrong))


def test_javascript_gets_findings_as_objects():
    bridge = Bridge()
    stats = {"LayerIndex": 1, "LayerType": "Dense", "GradientNorm": 1e4}
    (finding,) = bridge.call(0, "DiagnoseStats", [[stats], {"explodingGradient": 50}])["value"]
    assert (finding["Problem"], finding["Threshold"]) == ("exploding_gradients", 50)
    assert loom_core.observers.diagnosis.ADVICE["exploding_gradients"] == finding["Advice"]
