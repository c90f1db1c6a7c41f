"""Findings about statistics that were made to be wrong, and none about those that are fine."""

import numpy as np
import pytest
from observed_networks import network_of

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
    network = network_of(Dense(4, 8, "leaky_relu"), Dense(8, 2, "linear"))
    x = np.random.default_rng(0).normal(size=(16, 4))
    assert recorded(network, x, np.ones((16, 2))).diagnose() == []


def test_gradients_vanish_through_saturated_layers():
    network = network_of(*(Dense(3, 3, "sigmoid") for _ in range(6)))
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
    network = network_of(*(Dense(2, 2, "linear") for _ in range(3)))
    for layer in network.layers:
        layer.set_weights({"kernel": np.full((2, 2), 9.0), "bias": [0, 0]})
    findings = recorded(network, [1, 1], [1, 1]).diagnose()
    assert ("exploding_gradients", 0) in problems(findings)
    assert ("large_outputs", 2) in problems(findings)
    assert any("Clip" in advice for advice in findings[0].advice)


def test_numbers_that_are_not_finite_come_first():
    network = network_of(Dense(2, 2, "linear"), Dense(2, 2, "linear"))
    network.layers[1].set_weights({"kernel": [3e38] * 4, "bias": [0, 0]})
    findings = recorded(network, [9, 9], [1, 1]).diagnose()
    assert [finding.problem for finding in findings[:2]] == ["not_finite", "not_finite"]
    assert ("not_finite", 1) in problems(findings)
    assert "NaN or infinite" in findings[0].message


def test_dead_neurons_are_those_of_relu_only():
    for activation, expected in (("relu", [("dead_relu", 0)]), ("linear", [])):
        network = network_of(Dense(2, 4, activation))
        network.layers[0].set_weights({"kernel": np.zeros(8), "bias": [1, -1, -1, -1]})
        if activation == "linear":
            network.layers[0].set_weights({"bias": [1, 0, 0, 0]})
        findings = recorded(network, np.ones((5, 2))).diagnose()
        assert problems(findings) == expected
    assert recorded(network_of(Dense(2, 4)), np.ones((5, 2))).diagnose() == []


def test_saturation_is_found_inside_layers():
    inner = Dense(1, 2, "tanh")
    network = network_of(Sequential([Dense(1, 1, "linear"), inner]))
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
    assert loom_core.observe.diagnosis.ADVICE["exploding_gradients"] == finding["Advice"]
