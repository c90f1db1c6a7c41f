"""Training: what a step does to the weights, the loop around it, pause, stop and failure."""

import math

import numpy as np
import pytest

from loom_core import (
    BusyError,
    Conv2D,
    Dense,
    Network,
    NonFiniteError,
    ShapeError,
    SpecError,
    TrainingBatch,
    TrainingConfig,
    TrainingData,
)
from loom_core.train.pace import GROWTH
from tests.support.small_networks import XOR_INPUTS, XOR_TARGETS, classifier, xor_network
from tests.support.weights import copied_weights, same_arrays


def test_xor_is_learnt():
    network = xor_network()
    result = network.train(
        TrainingData(XOR_INPUTS, XOR_TARGETS, batch_size=4),
        TrainingConfig(epochs=1500, learning_rate=2.0),
    )
    assert result.final_loss < 0.01
    assert result.best_loss <= result.final_loss
    assert len(result.loss_history) == 1500
    assert (network.forward_cpu(XOR_INPUTS).round() == XOR_TARGETS).all()


def test_one_step_equals_the_formula():
    """Softmax regression by hand: W -= rate * x^T (p - t) / B."""
    network = classifier()
    network.initialize_weights()
    kernel = network.layers[0].weights["kernel"].astype(np.float64)
    x = np.array([[1.0, -2.0, 0.5], [0.3, 0.1, -1.0]])
    labels = np.array([2, 0])
    scores = x @ kernel
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    t = np.eye(4)[labels]
    expected = kernel - 0.1 * x.T @ (p - t) / 2
    result = network.train(
        TrainingData(x, labels=labels, batch_size=2, shuffle=False),
        TrainingConfig(epochs=1, learning_rate=0.1, loss_type="cross_entropy"),
    )
    np.testing.assert_allclose(network.layers[0].weights["kernel"], expected, rtol=1e-5)
    assert result.final_loss == pytest.approx(-np.log(p[[0, 1], labels]).mean(), rel=1e-6)


def test_shuffle_must_be_said_plainly():
    with pytest.raises(SpecError, match="shuffle must be true or false, got 'no'"):
        xor_network().train({"Inputs": XOR_INPUTS, "Targets": XOR_TARGETS, "Shuffle": "no"})


def test_looms_batches_and_json_style_settings_work():
    network = xor_network()
    batches = [{"Input": XOR_INPUTS, "Target": XOR_TARGETS}]
    result = network.train(batches, {"Epochs": 3, "learningRate": 0.5, "loss_type": "mse"})
    again = xor_network()
    typed = [TrainingBatch(XOR_INPUTS, XOR_TARGETS)]
    expected = again.train(typed, TrainingConfig(epochs=3, learning_rate=0.5))
    assert result.loss_history == expected.loss_history
    assert result.steps == 3


def test_the_same_seed_gives_the_same_training_and_shuffling_uses_it():
    def history(seed):
        network = xor_network()
        data = TrainingData(XOR_INPUTS, XOR_TARGETS, batch_size=1)
        return network.train(data, TrainingConfig(epochs=5, seed=seed)).loss_history

    assert history(3) == history(3)
    assert history(3) != history(4)


def test_every_epoch_sees_every_sample_once():
    network = Network.of(Dense(1, "linear"), input_size=1)
    layer = network.layers[0]
    layer.set_weights({"kernel": [0.0], "bias": [0.0]})
    x = np.arange(7, dtype=np.float32)
    # with a rate of 0 the loss of a batch of one is its target squared
    events = []
    network.train(
        TrainingData(x, x, batch_size=1),
        TrainingConfig(epochs=2, learning_rate=0.0, progress_interval=0.0),
        events.append,
    )
    losses = [event.loss for event in events if event.event == "batch_end"]
    assert sorted(losses[:7]) == [float(v) ** 2 for v in range(7)] == sorted(losses[7:])
    assert losses[:7] != losses[7:]


def test_frozen_and_disabled_layers_keep_their_weights():
    network = Network.of(
        Dense(2, "tanh", frozen=True),
        Dense(2, "tanh", input_size=2, disabled=True),
        Dense(1, "tanh"),
        input_size=2,
    )
    network.initialize_weights()
    before = copied_weights(network)
    network.train(TrainingData(XOR_INPUTS, XOR_TARGETS), TrainingConfig(epochs=1))
    changed = [bool((a != b).any()) for a, b in zip(before, copied_weights(network), strict=True)]
    assert changed == [False, False, False, False, True, True]


def test_convolutions_are_trained():
    network = Network.of(
        Conv2D(2, 3, input_channels=1, input_height=4, input_width=4),
        Dense(1, "linear"),
        input_size=16,
    )
    network.initialize_weights()
    before = copied_weights(network)
    x = np.random.default_rng(0).standard_normal(64)
    network.train(TrainingData(x, [1.0, 2.0, 3.0, 4.0]), TrainingConfig(epochs=1))
    assert all((a != b).any() for a, b in zip(before, copied_weights(network), strict=True))


def test_validation_and_events():
    network = classifier()
    x = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    labels = x.argmax(axis=1)
    events = []
    result = network.train(
        TrainingData(x, labels=labels, batch_size=16),
        TrainingConfig(
            epochs=30, learning_rate=1.0, loss_type="cross_entropy", evaluate_every_n=10,
            validation_inputs=x, validation_labels=labels, progress_interval=0.0,
        ),
        events.append,
    )  # fmt: skip
    outputs = network.forward_cpu(x)
    assert result.validation_accuracy == np.mean(outputs.argmax(axis=1) == labels) > 0.9
    assert result.validation_loss == pytest.approx(-np.log(outputs[np.arange(50), labels]).mean())
    assert len(result.accuracy_history) == 3
    ends = [event for event in events if event.event == "epoch_end"]
    assert [event.epoch for event in ends] == list(range(1, 31))
    assert [event.loss for event in events[:5]][:4] == [e.loss for e in events[:4]]
    assert len(events) == 30 * (4 + 1)
    assert events[-1].step == events[-1].total_steps == result.steps == 120
    assert ends[9].validation_accuracy is not None
    assert ends[8].validation_accuracy is None
    assert all(math.isfinite(e.remaining_seconds) and e.samples_per_second > 0 for e in events)


def test_epoch_ends_are_reported_however_fast_they_come():
    events = []
    config = TrainingConfig(epochs=200, progress_interval=60.0)
    xor_network().train(TrainingData(XOR_INPUTS, XOR_TARGETS), config, events.append)
    assert sum(event.event == "epoch_end" for event in events) == 200
    assert sum(event.event == "batch_end" for event in events) <= 1


def steps_of(network, **config):
    data = TrainingData(XOR_INPUTS, XOR_TARGETS, batch_size=2)
    return type(network).train.steps(network, data, TrainingConfig(**config))


def test_pause_resume_and_stop_take_effect_between_steps():
    network = xor_network()
    steps = steps_of(network, epochs=100)
    assert next(steps) is False
    network.pause_training()
    before = copied_weights(network)
    assert [next(steps) for _ in range(3)] == [True] * 3
    assert same_arrays(before, copied_weights(network))
    network.resume_training()
    assert next(steps) is False
    assert network.is_training()
    done, before = network.position.step, copied_weights(network)
    assert 2 <= done <= 1 + GROWTH
    network.stop_training()
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.stopped
    assert end.value.value.steps == done
    assert same_arrays(before, copied_weights(network))
    assert not network.is_training()


def test_a_busy_network_refuses_a_second_training_and_new_layers():
    network = xor_network()
    steps = steps_of(network, epochs=100)
    next(steps)
    with pytest.raises(BusyError, match="is training"):
        network.train(TrainingData(XOR_INPUTS, XOR_TARGETS))
    with pytest.raises(BusyError, match="set a layer"):
        network.set_layer(0, 0, 0, Dense(8, input_size=2))
    with pytest.raises(BusyError, match="new weights"):
        network.initialize_weights()
    assert network.forward_cpu(XOR_INPUTS).shape == (4,)  # predicting is fine
    steps.close()
    assert not network.is_training()
    network.train(TrainingData(XOR_INPUTS, XOR_TARGETS), TrainingConfig(epochs=1))


def test_divergence_is_an_error_that_keeps_finite_weights():
    network = Network.of(Dense(8, "linear"), Dense(1, "linear"), input_size=2)
    data = TrainingData(XOR_INPUTS, XOR_TARGETS)
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=r"loss became .* epoch"):
        network.train(data, TrainingConfig(epochs=1000, learning_rate=1e6))
    assert all(np.isfinite(w).all() for w in copied_weights(network))
    assert not network.is_training()


@pytest.mark.parametrize(
    ("data", "config", "error", "message"),
    [
        ([], {}, SpecError, "list of batches"),
        ("abc", {}, SpecError, "list of batches"),
        ([1], {}, SpecError, "a data set or a list of batches, got a list that holds 1"),
        ([{"Input": [0, 0]}], {}, SpecError, "TrainingBatch needs Target"),
        ({"Inputs": XOR_INPUTS}, {}, SpecError, "either targets or labels"),
        ({"Inputs": XOR_INPUTS, "Targets": [1, 2]}, {}, ShapeError, "expected 4 x 1"),
        ({"Inputs": [0, 0, 0], "Targets": [1]}, {}, ShapeError, "multiple of 2"),
        ({"Inputs": [0, math.nan], "Targets": [1]}, {}, NonFiniteError, "NaN"),
        ({"Inputs": [0, 0], "Targets": [math.inf]}, {}, NonFiniteError, "target"),
        ({"Inputs": [0, 0], "Labels": [0]}, {}, SpecError, "labels, .* network has one output"),
        ({"Inputs": [], "Targets": []}, {}, ShapeError, "no samples in the training data"),
        ({"Inputs": [0, 0], "Labels": [0, 0]}, {}, ShapeError, "2 labels for 1 samples"),
        ({"Inputs": [0, 0], "Targets": [1], "batch_size": 0}, {}, SpecError, "batch_size"),
        ({"Inputs": ["a", "b"], "Targets": [1]}, {}, SpecError, "holds text"),
        (None, {"epochs": 0}, SpecError, "epochs must be"),
        (None, {"epochs": 1.5}, SpecError, "epochs must be"),
        (None, {"learning_rate": -1}, SpecError, "at least 0"),
        (None, {"learning_rate": math.nan}, SpecError, "finite"),
        (None, {"learning_rate": "fast"}, SpecError, "must be a number"),
        (None, {"loss_type": "hinge"}, SpecError, "loss_type must be one of"),
        (None, {"seed": 1.5}, SpecError, "seed must be"),
        (None, {"rate": 1}, SpecError, "no field 'rate'"),
        (None, {"Epochs": 1, "epochs": 2}, SpecError, "twice"),
        (None, {"validation_inputs": [1, 2]}, SpecError, "validation needs inputs"),
        (None, {"validation_labels": [1]}, SpecError, "validation needs inputs"),
    ],
)
def test_wrong_trainings_are_refused_before_anything_changes(data, config, error, message):
    network = xor_network()
    network.initialize_weights()
    before = copied_weights(network)
    data = {"Inputs": XOR_INPUTS, "Targets": XOR_TARGETS} if data is None else data
    with pytest.raises(error, match=message):
        network.train(data, config)
    assert same_arrays(before, copied_weights(network))
    assert not network.is_training()


@pytest.mark.parametrize("label", [math.nan, math.inf, -1, 4, 0.5, 1e30])
def test_labels_that_are_no_classes_are_refused(label):
    data = TrainingData([1, 2, 3, 4, 5, 6], labels=[0, label])
    with pytest.raises(SpecError, match=r"the labels of the training data: .* from 0 to 3"):
        classifier().train(data)
