"""Weights that GPU and CPU both see: reads that overlap with steps, and arrays changed on both."""

import pytest

from loom_core import BusyError, Network
from tests.support import webgpu_support
from tests.support.gpu_networks import SETTINGS, assert_same_weights, data, network
from tests.support.gpu_trainings import (
    EACH_STEP,
    ON_GPU,
    finished,
    reads_take_turns,
    step_of,
    weights_after_each_step,
)
from tests.support.tolerances import NETWORK, assert_close
from tests.support.weights import weights_of

pytestmark = pytest.mark.usefixtures("one_device")


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("start", [0, 5, 9, 13, 16, 17])
def test_a_read_that_overlaps_the_last_steps_hides_none_of_them(start, turns):
    ours, theirs, other = network(), network(backend="numpy"), network(5)
    settings = {**SETTINGS, "Optimizer": "adamw"}
    ours.init_gpu()
    other.init_gpu()
    ours.forward_gpu(data()["Inputs"][:3])
    with reads_take_turns(ours.gpu.device):
        training = Network.train.steps(ours, data(), {**ON_GPU, **settings}, lambda event: None)
        others = [ours.programs.settle(), Network.release_gpu.steps(other)]
        while ours.position is None or ours.position.step < start:
            next(training)
        for reading in others:
            next(reading, None)
        for _ in range(turns):
            next(training, None)
        for reading in others:
            finished(reading)
        finished(training)
    theirs.train(data(), settings)
    assert_same_weights(ours, theirs)
    assert not ours.programs.ahead()
    x = data()["Inputs"][:3]
    assert_close(ours.forward_gpu(x), ours.forward_cpu(x), NETWORK, "output")
    for place, held in ours.position.optimizer._state.items():
        for name, array in held.items():
            expected = theirs.position.optimizer._state[place][name]
            assert_close(array, expected, NETWORK, f"{place} {name}")


def test_reads_that_come_in_the_wrong_order_leave_the_later_numbers():
    net = network()
    net.init_gpu()
    with reads_take_turns(net.gpu.device):
        training = Network.train.steps(net, data(), ON_GPU, lambda event: None)
        while net.position is None or net.position.step < 3:
            next(training)
        early = net.programs.settle()
        next(early)
        while net.position.step < 9:
            next(training)
        finished(net.programs.settle())
        known = weights_after_each_step()
        later = step_of(weights_of(net.layers), known)
        assert later >= 9
        finished(early)
        assert step_of(weights_of(net.layers), known) == later
        finished(training)


def test_an_array_that_both_sides_have_changed_is_refused_before_the_next_step():
    net = network()

    def on_progress(event):
        if event.step == 10:
            net.layers[0].weights["bias"][0] = 7

    with pytest.raises(BusyError, match=r"shape \(9,\) were changed while newer ones") as error:
        net.train(data(), ON_GPU, on_progress)
    assert "Pause" in error.value.hint
    known = weights_after_each_step()[10]
    for (name, array), expected in zip(
        [(name, w) for layer in net.layers for name, w in layer.weights.items()], known, strict=True
    ):
        if array is net.layers[0].weights["bias"]:
            assert array[0] == 7
        else:
            assert_close(array, expected, NETWORK, name)
    x = data()["Inputs"][:3]
    assert_close(net.forward_gpu(x), net.forward_cpu(x), NETWORK, "output")  # as they are now


def test_an_array_changed_while_it_is_being_read_is_refused_and_kept():
    net = network()
    with reads_take_turns(webgpu_support.device()):
        steps = Network.train.steps(net, data(), ON_GPU, lambda event: None)
        while net.position is None or net.position.step < 4:
            next(steps)
        settling = net.programs.settle()
        next(settling)
        net.layers[0].weights["bias"][0] = 7
        with pytest.raises(BusyError, match="changed while newer ones"):
            finished(settling)
        assert net.layers[0].weights["bias"][0] == 7
        steps.close()


@pytest.mark.parametrize("pause", [False, True], ids=["GetLayer", "pause"])
def test_weights_that_came_back_may_be_changed(pause):
    def change(net):
        net.get_layer(0, 0, 0).weights["bias"][0] += 0.5

    ours, theirs = network(), network(backend="numpy")

    def on_progress(event):
        if event.step == 10:
            ours.pause_training() if pause else change(ours)

    steps = Network.train.steps(ours, data(), ON_GPU, on_progress)
    for wait in steps:
        if wait is True:
            ours.layers[0].weights["bias"][0] += 0.5
            ours.resume_training()
    theirs.train(data(), EACH_STEP, lambda e: change(theirs) if e.step == 10 else None)
    assert_same_weights(ours, theirs)
