"""Trainings that are watched: events in order, the same weights, sampling, late comers."""

import json

import numpy as np
import pytest

from loom_core import NonFiniteError, RecordingObserver, TrainingData
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.bridge import Bridge
from tests.support.observed_networks import Collector, digits_cnn, nested_network
from tests.support.simd_support import backend as simd_backend
from tests.support.watched_trainings import config, data
from tests.support.weights import assert_same_arrays, copied_weights

BACKENDS = {"numpy": NumpyBackend, "simd": simd_backend}


def trained(network, observer=None, every_n=1, on_progress=None, **options):
    network.set_observer(observer, every_n)
    result = network.train(data(), config(**options), on_progress)
    return result, copied_weights(network)


@pytest.mark.parametrize("every_n", [1, 4])
@pytest.mark.parametrize("backend", BACKENDS)
def test_watching_changes_no_bit(backend, every_n):
    options = {"gradient_clip": 0.5, "optimizer": "adamw"}
    plain, expected = trained(nested_network(backend=BACKENDS[backend]()), **options)
    watched, found = trained(
        nested_network(backend=BACKENDS[backend]()), Collector(), every_n, **options
    )
    assert watched.loss_history == plain.loss_history
    assert_same_arrays(found, expected)


def test_every_step_is_told_once_in_order():
    network, seen = nested_network(), Collector()
    result, _ = trained(network, seen)
    assert result.steps == 18  # 22 samples in batches of 4: six steps an epoch, the last of two
    steps = [event.step_count for event in seen.forward if event.layer_idx == 0]
    assert steps == list(range(18))
    assert [event.step_count for event in seen.backward if event.layer_idx == 3] == steps
    last = [event for event in seen.forward if event.layer_idx == 3][5]
    assert last.stats.output_shape == [2, 4]


def test_events_of_the_training_frame_its_steps():
    network, seen = nested_network(), Collector()
    result, _ = trained(network, seen)
    kinds = [event.type for event in seen.training]
    assert kinds == ["epoch_start", *["batch_end"] * 6, "epoch_end"] * 3
    ends = [event for event in seen.training if event.type == "epoch_end"]
    assert [(event.epoch, event.batch, event.step) for event in ends] == [
        (1, 6, 6), (2, 6, 12), (3, 6, 18),
    ]  # fmt: skip
    np.testing.assert_allclose([event.loss for event in ends], result.loss_history)
    assert {event.accuracy for event in ends} == {None}


def test_the_end_of_an_epoch_tells_the_accuracy():
    network, seen = nested_network(), Collector()
    held_out = data()
    result, _ = trained(
        network, seen, validation_inputs=held_out.inputs, validation_labels=held_out.labels
    )
    ends = [event for event in seen.training if event.type == "epoch_end"]
    assert [event.accuracy for event in ends] == result.accuracy_history
    assert {event.mode for event in seen.forward} == {"training"}  # and not the validation


def test_sampling_watches_every_nth_step():
    network, seen = nested_network(), Collector()
    trained(network, seen, 5)
    steps = [event.step_count for event in seen.forward if event.layer_idx == 0]
    assert steps == [0, 5, 10, 15]
    assert sum(event.type == "batch_end" for event in seen.training) == 18


def test_an_observer_may_come_and_go_while_the_training_runs():
    network, seen = nested_network(), Collector()

    def switch(progress):
        network.set_observer(seen if 4 <= progress.step < 8 else None)

    trained(network, on_progress=switch)
    steps = [event.step_count for event in seen.forward if event.layer_idx == 0]
    assert steps == [4, 5, 6, 7]


def test_one_layer_may_be_watched_alone():
    network, own = nested_network(), Collector()
    network.layers[3].set_observer(own)
    network.train(data(), config(epochs=1))
    assert {event.layer_idx for event in own.forward + own.backward} == {3}
    assert len(own.forward) == 6
    assert own.training == []


def test_a_step_that_is_not_finite_is_seen_and_named():
    network = nested_network()
    recording = RecordingObserver()
    network.set_observer(recording)
    bad = data()
    targets = np.eye(4, dtype=np.float32)[np.asarray(bad.labels)]
    targets[9] = 3e38
    with pytest.raises(NonFiniteError), np.errstate(all="ignore"):
        network.train(TrainingData(bad.inputs, targets, batch_size=4, shuffle=False), config())
    problems = {finding.problem for finding in recording.diagnose()}
    assert "not_finite" in problems
    assert [event.type for event in recording.get_training_events()] == [
        "epoch_start", "batch_end", "batch_end", "batch_end",
    ]  # fmt: skip


def test_telemetry_shows_the_gradients_of_the_last_watched_step():
    network, seen = nested_network(), Collector()
    trained(network, seen, 5)
    last = {
        event.layer_idx: event.stats.gradient_norm
        for event in seen.backward
        if event.step_count == 15 and not event.layer_path and event.layer_idx != 2
    }
    shown = {
        layer.index: layer.gradient_norm
        for layer in network.get_telemetry().layer_stats
        if layer.gradient_norm is not None
    }
    assert shown == pytest.approx(last)


def test_the_digits_network_is_watched_with_its_fused_loss():
    network, seen = digits_cnn(backend=simd_backend()), Collector()
    network.set_observer(seen, 2)
    network.train(data(width=784, classes=10), config(epochs=1, loss_type="cross_entropy"))
    assert [event.layer_idx for event in seen.backward] == [3, 2, 1, 0] * 3
    assert all(event.stats.gradient_norm > 0 for event in seen.backward)


def test_javascript_listens_while_a_training_runs_in_slices():
    bridge = Bridge()
    layers = [{"type": "dense", "input_size": 2, "output_size": 3}]
    handle = bridge.call(0, "BuildNetworkFromJSON", [json.dumps({"layers": layers})])
    network = handle["value"]["$object"]
    channel = bridge.call(0, "NewChannelObserver", [100_000])["value"]["$object"]
    bridge.call(network, "SetObserver", [{"$object": channel}, 2])
    events = []
    listening = bridge.call(channel, "Listen", [events.append])["job"]
    batches = {"Inputs": [1.0, 2.0] * 8, "Targets": [1.0, 0.0, 0.0] * 8, "BatchSize": 2}
    training = bridge.call(network, "Train", [batches, {"Epochs": 50}])["job"]
    state = {"pending": True}
    while "pending" in state:
        state = bridge.advance(training, 0.0)
        assert bridge.advance(listening, 0.0)["pending"]
    assert state["value"]["Steps"] == 200
    bridge.call(channel, "Close", [])
    while "pending" in bridge.advance(listening, 0.0):
        pass
    kinds = [event["Type"] for event in events]
    assert kinds[:5] == ["epoch_start", "forward", "backward", "batch_end", "batch_end"]
    assert kinds.count("forward") == kinds.count("backward") == 100
    assert kinds.count("batch_end") == 200
    assert kinds.count("epoch_end") == 50
