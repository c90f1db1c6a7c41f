"""Trainings on the GPU that end otherwise than they should: what they trained is there."""

import pytest

from loom_core import BackendError, Network, SpecError
from tests.support.gpu_networks import SETTINGS, assert_same_weights, data, network
from tests.support.gpu_trainings import EACH_STEP, ON_GPU, step_of, weights_after_each_step
from tests.support.weights import assert_same_arrays, copied_weights, weights_of

pytestmark = pytest.mark.usefixtures("one_device")


def raise_at(step, error):
    def on_progress(event):
        if event.step == step:
            raise error("enough")

    return on_progress


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_weights_of_the_last_step(error):
    net = network()
    with pytest.raises(error):
        net.train(data(), ON_GPU, raise_at(10, error))
    assert step_of(weights_of(net.layers), weights_after_each_step()) == 10
    held = copied_weights(net)
    net.set_backend("numpy")
    assert_same_arrays(weights_of(net.layers), held)
    resumed = network(backend="numpy")
    resumed.train(data(), {**EACH_STEP, "ResumeFrom": net.save_training_state()})
    theirs = network(backend="numpy")
    theirs.train(data(), EACH_STEP)
    assert_same_weights(resumed, theirs)


def test_a_read_that_fails_ends_the_training_with_the_weights_of_its_last_step(monkeypatch):
    net = network()
    net.init_gpu()
    device = net.gpu.device
    read = device._read

    def failing(pieces):
        if net.position is not None and net.position.step == 10:
            monkeypatch.undo()
            raise BackendError("no mapping today")
        return (yield from read(pieces))

    monkeypatch.setattr(device, "_read", failing)
    with pytest.raises(BackendError, match="no mapping today"):
        net.train(data(), ON_GPU, lambda event: None)
    # The step whose report did not come was done all the same.
    assert step_of(weights_of(net.layers), weights_after_each_step()) == 11
    with pytest.raises(SpecError, match="no training to save"):
        net.save_training_state()


def cancelled():
    """A training that was closed after step 7, with its weights on the GPU."""
    net = network()
    steps = Network.train.steps(net, data(), ON_GPU, lambda event: None)
    while net.position is None or net.position.step < 7:
        next(steps)
    steps.close()
    assert net.programs.ahead()
    return net


@pytest.mark.parametrize(
    "leave",
    [
        lambda net: net.set_backend("numpy"),
        lambda net: net.release_gpu(),
        lambda net: net.init_gpu(),
        lambda net: net.set_layer(0, 0, 2, net.layers[2]),
        lambda net: net.apply_gradients(0.0),
        lambda net: net.save_model_to_string("m"),
        lambda net: net.train(data(), {**ON_GPU, "LearningRate": 0.0, "Epochs": 1}),
        lambda net: net.train(data(), {**SETTINGS, "LearningRate": 0.0, "Optimizer": "adamw"}),
    ],
    ids=["SetBackend", "ReleaseGPU", "InitGPU", "SetLayer", "ApplyGradients", "save", "GPU", "CPU"],
)
def test_nothing_drops_the_weights_of_a_cancelled_training(leave):
    net = cancelled()
    net.gradients.begin()  # zeros, to be applied
    leave(net)
    assert step_of(weights_of(net.layers), weights_after_each_step()) == 7
