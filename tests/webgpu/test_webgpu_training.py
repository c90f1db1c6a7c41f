"""Training and calls by name on the native WebGPU device: weights on both sides, memory."""

import gc

import numpy as np
import pytest

from loom_core import BackendError, BusyError, Dense, Network, SpecError
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.optimize.optimizers import OPTIMIZERS as ALL_OPTIMIZERS
from tests.support import webgpu_support
from tests.support.gpu_networks import SETTINGS, assert_same_weights, data, network
from tests.support.step_programs import program_of, run_steps, steps_data
from tests.support.tolerances import NETWORK, assert_close
from tests.support.weights import assert_same_arrays, weights_of

OPTIMIZERS = [
    *ALL_OPTIMIZERS,
    {"Type": "sgd", "Momentum": 0.9},
    {"Type": "sgd", "Momentum": 0.9, "Nesterov": True, "WeightDecay": 0.01},
    {"Type": "adamw", "WeightDecay": 0.02},
    {"Type": "rmsprop", "Momentum": 0.5},
]

pytestmark = pytest.mark.usefixtures("one_device")


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_training_reaches_numpys_weights(optimizer):
    ours, theirs = network(), network(backend="numpy")
    settings = {**SETTINGS, "Optimizer": optimizer}
    found = ours.train(data(), {**settings, "UseGPU": True})
    expected = theirs.train(data(), settings)
    np.testing.assert_allclose(found.loss_history, expected.loss_history, rtol=NETWORK)
    assert_same_weights(ours, theirs)
    ours.release_gpu()


def test_steps_in_one_submit_equal_numpys_one_by_one():
    steps = steps_data(5, 3, 4, 20)
    (ours, program), (theirs, other) = (
        program_of(webgpu_support.backend()),
        program_of(NumpyBackend()),
    )
    found, expected = run_steps(program, steps), run_steps(other, steps)
    for port, values in expected.items():
        assert_close(found[port], values, NETWORK, port)
    program.read("loss")
    program.run()  # brings everything back
    other.run()
    for a, b in zip(weights_of(ours), weights_of(theirs), strict=True):
        assert_close(a, b, NETWORK, "weights")


def test_a_loss_that_is_not_finite_ends_the_steps_before_the_weights_change():
    steps = steps_data(5, 3, 4, 6)
    steps["target"][2, 1] = np.nan
    layers, program = program_of(webgpu_support.backend())
    losses = run_steps(program, steps)["loss"]
    assert np.isfinite(losses).tolist() == [True, True, False]
    list(program.settle())
    again, other = program_of(webgpu_support.backend())
    run_steps(other, {port: values[:2] for port, values in steps.items()})
    list(other.settle())
    assert_same_arrays(weights_of(layers), weights_of(again))


def test_a_network_on_the_gpu_by_name_trains_validates_and_predicts():
    ours, theirs = network(backend="webgpu"), network(backend="numpy")
    held_out = {"ValidationInputs": data()["Inputs"], "ValidationLabels": data()["Labels"]}
    results = [n.train(data(), {**SETTINGS, **held_out}) for n in (ours, theirs)]
    assert results[0].validation_accuracy == results[1].validation_accuracy
    x = data()["Inputs"][:5]
    assert_close(ours.forward_cpu(x), theirs.forward_cpu(x), NETWORK, "output")
    report = ours.backend_report()
    assert (report.asked, report.used) == ("webgpu", "webgpu")
    assert report.variant in ("software", "hardware")
    assert report.device


def test_the_gradients_of_both_sides_add_up():
    net, x = network(), data()["Inputs"][:3]
    net.init_gpu()
    dy = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)
    expected = net.forward_cpu(x)
    assert_close(net.forward_gpu(x), expected, NETWORK, "output")
    dx = net.backward_cpu(dy)
    once = [g.copy() for g in net.kernel_gradients()]
    assert_close(net.backward_gpu(dy), dx, NETWORK, "input gradient")
    for twice, first in zip(net.kernel_gradients(), once, strict=True):
        assert_close(twice, 2 * first, NETWORK, "gradient")
    assert net.forward_gpu(x[0]).shape == (4,)
    assert net.backward_gpu(dy[0]).shape == (12,)


def change_weight(net):
    net.layers[0].weights["weights" if "weights" in net.layers[0].weights else "kernel"][0, 0] += 1


def apply_gradients(net):
    net.forward_cpu(data()["Inputs"][0])
    net.backward_cpu([1.0, 0.0, 0.0, 0.0])
    net.apply_gradients(0.1)


@pytest.mark.parametrize(
    "change",
    [
        change_weight,
        lambda net: net.initialize_weights(11),
        lambda net: net.set_layer(0, 0, 1, Dense(4, "tanh", input_size=9)),
        lambda net: net.train(data(), SETTINGS),
        apply_gradients,
    ],
    ids=["in place", "initialised", "layer set", "trained on the CPU", "gradients applied"],
)
def test_what_the_cpu_changes_is_seen_by_the_gpu(change):
    net, x = network(), data()["Inputs"][:3]
    net.init_gpu()
    before = net.forward_gpu(x)
    change(net)
    after = net.forward_gpu(x)
    assert np.abs(after - before).max() > 1e-6
    assert_close(after, net.forward_cpu(x), NETWORK, "output")


def test_auto_measures_each_shape_once_and_says_so():
    net = network(backend="auto")
    net.train(data(), SETTINGS)
    assert net.backend_report().measured == []  # no GPU was made ready
    net.init_gpu()
    net.gpu.measured.clear()
    net.train(data(), SETTINGS)
    (sentence,) = net.backend_report().measured
    assert "3 layers, batch 16 of 12" in sentence
    first = dict(net.gpu.measured)
    network_of_the_same_shape = network()
    network_of_the_same_shape.init_gpu()
    network_of_the_same_shape.train(data(), SETTINGS)
    assert net.gpu.measured == first


def test_memory_stays_flat_and_is_zero_after_release():
    gc.collect()
    net = network()
    settings = {**SETTINGS, "Epochs": 20, "UseGPU": True, "ProgressInterval": 0}
    net.train(data(), settings, lambda _: None)  # told of each step, so that it goes step by step
    device, flat = net.gpu.device, None
    for _ in range(5):
        net.train(data(), settings, lambda _: None)
        net.forward_gpu(data()["Inputs"])
        flat = flat or device.memory_bytes
        assert device.memory_bytes == flat
    assert flat > 0
    net.release_gpu()
    assert device.memory_bytes == 0
    assert device.lost is None  # others hold it
    net.release_gpu()


def test_what_needs_a_gpu_says_so_without_one():
    net = network()
    for call in (net.gpu_device_info, lambda: net.forward_gpu(np.zeros(12))):
        with pytest.raises(BackendError, match="has no GPU") as error:
            call()
        assert "InitGPU" in error.value.hint
    net.init_gpu()
    with pytest.raises(SpecError, match="no forward pass"):
        net.backward_gpu(np.zeros(4))
    info = net.gpu_device_info()
    assert info.device == webgpu_support.device().name
    assert info.workgroup_x > 0


def test_a_training_network_keeps_its_gpu():
    net = network()
    net.init_gpu()
    caught = []

    def on_progress(_):
        with pytest.raises(BusyError):
            net.release_gpu()
        caught.append(True)

    net.train(data(), {**SETTINGS, "UseGPU": True}, on_progress)
    assert caught


def test_a_training_on_the_gpu_can_be_saved_when_its_weights_are_back():
    ours, theirs = network(), network(backend="numpy")
    settings = {**SETTINGS, "Epochs": 4, "Optimizer": "adamw", "UseGPU": True}
    saved = []

    def on_progress(event):
        with pytest.raises(BusyError, match="on the GPU"):
            ours.save_training_state()
        ours.pause_training()

    steps = Network.train.steps(ours, data(), settings, on_progress)
    for wait in steps:
        if wait is True:  # paused
            saved.append(ours.save_training_state())
            ours.resume_training()
            if len(saved) == 2:
                break
    steps.close()
    theirs.train(data(), {**settings, "UseGPU": False})
    resumed = network()
    resumed.train(data(), {**settings, "ResumeFrom": saved[1]})
    assert_same_weights(resumed, theirs)
