"""What is said of the mistakes that people make first, who come from other libraries."""

import inspect
import pydoc

import numpy as np
import pytest

from loom_core import (
    AdamWOptimizer,
    CosineAnnealingScheduler,
    Dense,
    ModelFormatError,
    Network,
    Parallel,
    RecordingObserver,
    Softmax,
    SpecError,
    TrainingConfig,
    TrainingData,
    build_network_from_json,
)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([0, 1, 1, 0])


def network():
    return Network.of(Dense(8, "tanh"), Dense(1, "sigmoid"), input_size=2)


def train(**settings):
    return network().train(TrainingData(X, Y), TrainingConfig(**settings))


@pytest.mark.parametrize(
    ("mistake", "message", "hint"),
    [
        (lambda: Dense("tanh", 8), "must be a name, got 8", "output size comes first"),
        (lambda: Dense(8, np.tanh), "must be a name, got <ufunc 'tanh'>", "then a name"),
        (lambda: Dense(8, "softmax"), "unknown activation 'softmax'", "a layer of its own"),
        (lambda: Softmax("sparse"), "must be a positive number, got 'sparse'", "variant="),
        (lambda: Parallel(Dense(2), Dense(3)), "takes a list of layers, got Dense", "brackets"),
        (lambda: network().train(X, Y), "a list of batches, got an array", "TrainingData(inputs"),
        (lambda: network().train([X, Y]), "a list that holds an array", "TrainingData(inputs"),
        (
            lambda: network().train(TrainingData(X, Y), 3),
            "TrainingConfig must be an object, got 3", "TrainingConfig(...)",
        ),
        (lambda: train(loss_type="crossentropy"), "one of mse, cross_entropy, got", ""),
        (
            lambda: train(optimizer=AdamWOptimizer),
            "got the class AdamWOptimizer", "AdamWOptimizer(...)",
        ),
        (
            lambda: train(scheduler=CosineAnnealingScheduler),
            "got the class CosineAnnealingScheduler", "CosineAnnealingScheduler(...)",
        ),
        (lambda: network().set_optimizer("adamw"), "is needed, got text", "AdamWOptimizer()"),
        (
            lambda: network().set_observer(RecordingObserver),
            "is needed, got the class RecordingObserver", "RecordingObserver()",
        ),
        (lambda: network().layers[0].set_weights([1.0]), "by name, got a list", "kernel, bias"),
        (lambda: network().get_layer(0, 0, 2), "there is no layer (0, 0, 2)", "from 0"),
        (lambda: network().initialize_weights("x"), "seed must be a whole number", ""),
    ],
)  # fmt: skip
def test_the_message_says_what_came_and_the_hint_what_to_do(mistake, message, hint):
    with pytest.raises(SpecError) as error:
        mistake()
    assert message in str(error.value)
    assert hint in error.value.hint


def test_help_shows_what_a_method_takes_that_runs_step_by_step():
    train = network().train
    assert list(inspect.signature(train).parameters) == ["batches", "config", "on_progress"]
    shown = pydoc.render_doc(train)
    assert "method train" in shown
    assert "Train by an optimizer" in shown


def test_a_description_that_is_no_text_yet():
    with pytest.raises(ModelFormatError, match="must be text, got an object") as error:
        build_network_from_json({"layers": []})
    assert "json.dumps" in error.value.hint
