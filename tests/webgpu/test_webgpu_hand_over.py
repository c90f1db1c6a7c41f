"""A training whose device is lost goes on on the CPU, whoever has brought weights back before."""

import numpy as np
import pytest

from loom_core import BusyError, Network, SpecError
from loom_core.bridge import Bridge
from tests.support.gpu_networks import assert_same_weights, data, network
from tests.support.gpu_trainings import (
    EACH_STEP,
    ON_GPU,
    finished,
    layer_weights,
    reads_take_turns,
    step_of,
    weights_after_each_step,
)
from tests.support.observed_networks import Collector
from tests.support.tolerances import NETWORK
from tests.support.weights import weights_of

pytestmark = pytest.mark.usefixtures("one_device")


def lost_training(setup=lambda net: None, on_step=lambda net, event: None, at=10, **settings):
    """Train on a device that is destroyed after some steps, and the same on a CPU."""
    trained = []
    for backend, more in (("auto", {"UseGPU": True}), ("numpy", {})):
        net = network(backend=backend)
        setup(net)

        def on_progress(event, net=net, more=more):
            on_step(net, event)
            if more and event.step == at and net.gpu.device.lost is None:
                net.gpu.device._device.destroy()

        trained.append((net, net.train(data(), {**EACH_STEP, **settings, **more}, on_progress)))
    (ours, found), (theirs, expected) = trained
    assert "the GPU device was lost" in found.fallback_reason
    np.testing.assert_allclose(found.loss_history, expected.loss_history, rtol=NETWORK)
    assert_same_weights(ours, theirs)
    assert ours.backend_report().trained_on == ours.backend_report().used != "webgpu"
    return found


def release_another(net, event):
    if event.step == 8 and net.gpu is not None:
        other = network(5)
        other.init_gpu()
        other.forward_gpu(np.zeros(12))
        other.release_gpu()


def cancel_another(net, event):
    if event.step == 8 and net.gpu is not None and net.gpu.device.lost is None:
        bridge, other = Bridge(), network(5)
        handle = bridge._to_plain(other)["$object"]
        job = bridge.call(handle, "Train", [data(), {**ON_GPU, "Epochs": 100}])["job"]
        for _ in range(8):
            bridge.advance(job, 0)
        settling = bridge.cancel(job)["job"]
        assert net.programs.ahead()
        while "pending" in bridge.advance(settling, 1000):
            pass
        assert net.programs.ahead()


def change_a_bias(net, event):
    if event.step == 8:
        net.get_layer(0, 0, 0).weights["bias"][0] += 0.25


@pytest.mark.usefixtures("own_device")
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(
    ("setup", "on_step"),
    [
        (lambda net: net.set_observer(Collector(), 4), lambda net, event: None),
        (lambda net: net.set_observer(Collector(), 1), lambda net, event: None),
        (lambda net: None, release_another),
        (lambda net: None, cancel_another),
        (lambda net: None, lambda net, event: net.save_model_to_string("m")),
        (lambda net: None, lambda net, event: layer_weights(net) if event.step == 8 else None),
        (lambda net: None, change_a_bias),
    ],
    ids=["watched", "each watched", "release", "cancel", "saves", "layer", "changed"],
)
def test_a_lost_device_costs_no_step_whoever_has_brought_weights_back(setup, on_step, optimizer):
    lost_training(setup, on_step, Optimizer=optimizer)


@pytest.mark.usefixtures("own_device")
def test_a_training_goes_on_where_its_weights_last_came_back():
    found = lost_training(
        on_step=lambda net, event: layer_weights(net) if event.step == 8 else None, at=11
    )
    assert found.fallback_reason.startswith("step 9 on, the CPU")


@pytest.mark.usefixtures("own_device")
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_weights_that_came_back_ahead_of_the_training_are_taken_back(optimizer):
    ours, theirs = network(), network(backend="numpy")
    ours.init_gpu()
    device = ours.gpu.device
    with reads_take_turns(device):
        settings = {**ON_GPU, "Optimizer": optimizer}
        training = Network.train.steps(ours, data(), settings, lambda event: None)
        while ours.position is None or ours.position.step < 8 or not ours.control.in_steps:
            next(training)
        finished(ours.programs.settle())
        assert ours.control.in_steps  # the training does not know of its ninth step
        assert step_of(weights_of(ours.layers), weights_after_each_step(optimizer)) == 9
        device.lost = "it was pulled out"
        found = finished(training)
    assert found.fallback_reason.startswith("step 1 on, the CPU: the GPU device was lost")
    expected = theirs.train(data(), {**EACH_STEP, "Optimizer": optimizer})
    np.testing.assert_allclose(found.loss_history, expected.loss_history, rtol=NETWORK)
    assert_same_weights(ours, theirs)


@pytest.mark.usefixtures("own_device")
def test_what_an_observer_raises_in_the_middle_of_steps_leaves_no_position_to_save():
    class Breaks(Collector):
        def on_forward(self, event):
            with pytest.raises(BusyError, match="cannot save the training"):
                net.save_training_state()
            raise ValueError("enough")

    net = network()
    net.set_observer(Breaks())
    with pytest.raises(ValueError, match="enough"):
        net.train(data(), ON_GPU)
    assert step_of(weights_of(net.layers), weights_after_each_step()) == 1
    with pytest.raises(SpecError, match="no training to save"):
        net.save_training_state()
