"""The backend "auto" with a GPU: which one trains, how it is told, and what if the GPU fails."""

from dataclasses import replace

import numpy as np
import pytest

from loom_core import BackendError
from loom_core.backends.measured_choice import Measurement
from loom_core.backends.webgpu import kernel_table
from loom_core.backends.webgpu.dispatch import Kernel
from tests.support.gpu_networks import SETTINGS, assert_same_weights, data, network
from tests.support.tolerances import NETWORK
from tests.support.weights import assert_same_arrays, copied_weights, weights_of

EACH_STEP = {**SETTINGS, "ProgressInterval": 0}


pytestmark = pytest.mark.usefixtures("one_device")


def planted(cpu, gpu):
    """A network on "auto" for which a measurement is known already; the weights are fresh."""
    measured = network()
    measured.init_gpu()
    measured.gpu.measured.clear()
    measured.train(data(), {**SETTINGS, "Epochs": 1})
    (key,) = measured.gpu.measured
    net = network(backend="auto")
    net.init_gpu()
    net.gpu.measured[key] = Measurement(cpu, gpu, "a network")
    return net


def trained_like_numpy(net, on_progress=None):
    """Train without a word of a GPU; steps, losses and weights are those of a CPU."""
    found = net.train(data(), EACH_STEP, on_progress)
    theirs = network(backend="numpy")
    expected = theirs.train(data(), EACH_STEP)
    assert found.steps == expected.steps
    np.testing.assert_allclose(found.loss_history, expected.loss_history, rtol=NETWORK)
    assert_same_weights(net, theirs)
    return found


def test_the_faster_one_trains_and_the_report_says_which():
    cpu = network(backend="auto").backend_report().used
    for seconds, taken, name in (((1, 0), "GPU", "webgpu"), ((0, 1), "CPU", cpu)):
        net = planted(*seconds)
        assert net.backend_report().trained_on == ""
        ran_on = set()
        trained_like_numpy(net, lambda _, net=net, seen=ran_on: seen.add(net.programs.ahead()))
        assert (True in ran_on) == (taken == "GPU")
        report = net.backend_report()
        assert (report.asked, report.used, report.trained_on) == ("auto", cpu, name)
        (sentence,) = report.measured
        assert sentence.endswith(f"the {taken} is taken")
        net.release_gpu()


def test_a_training_that_names_the_gpu_is_told_as_such_too():
    net = network(backend="numpy")
    net.train(data(), {**SETTINGS, "UseGPU": True})
    assert net.backend_report().trained_on == "webgpu"
    net.train(data(), SETTINGS)
    assert net.backend_report().trained_on == "numpy"


def test_a_gpu_that_is_too_small_leaves_the_training_to_the_cpu(monkeypatch):
    net = network(backend="auto")
    net.init_gpu()
    device = net.gpu.device
    limits = {**device.adapter.limits, "maxStorageBufferBindingSize": 256}
    net.gpu.measured.clear()
    monkeypatch.setattr(device, "adapter", replace(device.adapter, limits=limits))
    found = trained_like_numpy(net)
    assert found.fallback_reason == ""
    report = net.backend_report()
    assert report.trained_on == report.used
    (sentence,) = report.measured
    assert "runs on the CPU: " in sentence
    assert "allows 256 (maxStorageBufferBindingSize)" in sentence
    net.gpu.measured.clear()


@pytest.mark.usefixtures("own_device")
def test_a_gpu_that_computes_wrong_numbers_leaves_the_training_to_the_cpu(monkeypatch):
    monkeypatch.setitem(kernel_table.encoders(), "sgd", lambda *_: Kernel([]))
    net = network(backend="auto")
    net.init_gpu()
    trained_like_numpy(net)
    (sentence,) = net.backend_report().measured
    assert "the kernel of sgd gives wrong numbers" in sentence


@pytest.mark.usefixtures("own_device")
def test_a_gpu_lost_while_it_is_measured_leaves_the_training_to_the_cpu(monkeypatch):
    net = network(backend="auto")
    net.init_gpu()
    device = net.gpu.device
    read = device._read

    def lost(pieces):
        device._device.destroy()
        return (yield from read(pieces))

    monkeypatch.setattr(device, "_read", lost)
    trained_like_numpy(net)
    (sentence,) = net.backend_report().measured
    assert "runs on the CPU: the GPU device was lost" in sentence


def test_a_gpu_that_was_taken_and_then_fails_leaves_the_rest_to_the_cpu(monkeypatch):
    net = planted(1, 0)
    device = net.gpu.device
    read = device._read

    def failing(pieces):
        if net.position is not None and net.position.step == 10:
            raise BackendError("no mapping today")
        return (yield from read(pieces))

    monkeypatch.setattr(device, "_read", failing)
    found = trained_like_numpy(net, lambda _: None)
    assert found.fallback_reason == "step 1 on, the CPU: no mapping today"
    assert net.backend_report().trained_on == net.backend_report().used
    monkeypatch.undo()
    x = data()["Inputs"]
    held = copied_weights(net)
    np.testing.assert_allclose(net.forward_gpu(x), net.forward_cpu(x), rtol=NETWORK, atol=NETWORK)
    net.release_gpu()
    assert_same_arrays(weights_of(net.layers), held)
