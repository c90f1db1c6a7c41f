"""What can go wrong on the GPU: each is a typed error, or a training that goes on elsewhere."""

import gc
import sys
from dataclasses import replace

import numpy as np
import pytest

from loom_core import BackendError, Dense
from loom_core.backends.webgpu import kernel_table, shader_files
from loom_core.backends.webgpu.dispatch import Dispatch, Kernel, Operand
from tests.support import webgpu_support
from tests.support.gpu_networks import SETTINGS, assert_same_weights, data, network
from tests.support.tolerances import NETWORK, assert_close
from tests.support.weights import assert_same_arrays, copied_weights, weights_of

pytestmark = pytest.mark.usefixtures("one_device")


def lose(net, steps):
    """Return a listener that destroys the device of a network after some steps."""

    def on_progress(event):
        if event.step >= steps:
            net.gpu.device._device.destroy()

    return on_progress


@pytest.mark.usefixtures("own_device")
def test_a_training_whose_device_is_destroyed_goes_on_on_the_cpu_without_losing_a_step():
    ours, theirs = network(), network(backend="numpy")
    settings = {**SETTINGS, "ProgressInterval": 0}
    found = ours.train(data(), {**settings, "UseGPU": True}, lose(ours, 9))
    expected = theirs.train(data(), settings)
    assert "step 1 on, the CPU: the GPU device was lost" in found.fallback_reason
    assert found.steps == expected.steps
    np.testing.assert_allclose(found.loss_history, expected.loss_history, rtol=NETWORK)
    assert_same_weights(ours, theirs)
    with pytest.raises(BackendError, match="was lost"):
        ours.forward_gpu(np.zeros(12))
    again = ours.train(data(), {**settings, "UseGPU": True})  # on a new one
    assert again.fallback_reason == ""
    assert_close(
        ours.forward_gpu(data()["Inputs"]), ours.forward_cpu(data()["Inputs"]), NETWORK, "output"
    )


@pytest.mark.usefixtures("own_device")
def test_a_lost_device_that_was_asked_for_by_name_is_an_error():
    net = network(backend="webgpu")
    net.init_gpu()
    with pytest.raises(BackendError, match="was lost"):
        net.train(data(), {**SETTINGS, "ProgressInterval": 0}, lose(net, 3))
    assert not net.is_training()
    assert all(np.isfinite(w).all() for w in weights_of(net.layers))
    net.set_backend("numpy")
    net.train(data(), SETTINGS)


def wrong(inputs, outputs, attributes, adapter):
    """A kernel that leaves its output as it is."""
    return Kernel([])


def broken(inputs, outputs, attributes, adapter):
    """A kernel whose shader does not compile."""
    return Kernel([Dispatch("broken", "main", (Operand("input"), Operand("output")))])


@pytest.mark.usefixtures("own_device")
def test_a_kernel_that_gives_wrong_numbers_is_found_before_they_are_used(monkeypatch):
    monkeypatch.setitem(kernel_table.encoders(), "softmax", wrong)
    net = network()
    net.init_gpu()
    with pytest.raises(BackendError, match="kernel of softmax gives wrong numbers"):
        net.forward_gpu(np.zeros(12))
    before = copied_weights(net)
    monkeypatch.setitem(kernel_table.encoders(), "sgd", wrong)
    with pytest.raises(BackendError, match="wrong numbers"):
        net.train(data(), {**SETTINGS, "UseGPU": True})
    assert_same_arrays(weights_of(net.layers), before)


@pytest.mark.usefixtures("own_device")
def test_a_shader_that_does_not_compile_is_named(monkeypatch, tmp_path):
    (tmp_path / "broken.wgsl").write_text("@compute fn main() { oops }")
    real = shader_files.shader_source
    monkeypatch.setattr(
        "loom_core.backends.webgpu.wgpu_device.shader_source",
        lambda name: (tmp_path / f"{name}.wgsl").read_text() if name == "broken" else real(name),
    )
    monkeypatch.setitem(kernel_table.encoders(), "softmax", broken)
    net = network()
    net.init_gpu()
    with pytest.raises(BackendError, match=r"broken\.wgsl does not compile"):
        net.forward_gpu(np.zeros(12))
    assert net.gpu.device.memory_bytes == 0


def test_an_op_without_a_kernel_is_named(monkeypatch):
    monkeypatch.delitem(kernel_table.encoders(), "softmax")
    net = network()
    net.init_gpu()
    with pytest.raises(BackendError, match="no kernel for softmax"):
        net.forward_gpu(np.zeros(12))


def test_a_dispatch_of_more_workgroups_than_there_can_be_is_refused(monkeypatch):
    def huge(inputs, outputs, attributes, adapter):
        return Kernel([Dispatch("softmax", "main", (Operand("input"),), workgroups=(1, 65536, 1))])

    monkeypatch.setitem(kernel_table.encoders(), "softmax", huge)
    net = network()
    net.init_gpu()
    with pytest.raises(BackendError, match=r"softmax .* needs \(1, 65536, 1\) workgroups"):
        net.forward_gpu(np.zeros(12))


def test_a_value_beyond_the_limit_is_refused_before_memory_is_taken(monkeypatch):
    device = webgpu_support.device()
    gc.collect()
    before = device.memory_bytes
    limits = {**device.adapter.limits, "maxStorageBufferBindingSize": 4096}
    monkeypatch.setattr(device, "adapter", replace(device.adapter, limits=limits))
    net = network()
    net.init_gpu()
    with pytest.raises(BackendError, match=r"allows 4,096 \(maxStorageBufferBindingSize\)"):
        net.forward_gpu(np.zeros((200, 12)))
    net.set_layer(0, 0, 1, Dense(120, "linear", input_size=9))
    net.set_layer(0, 0, 2, Dense(4, "linear", input_size=120))
    with pytest.raises(BackendError, match=r"of shape \(9, 120\) needs 4,320 bytes"):
        net.forward_gpu(np.zeros(12))
    assert device.memory_bytes == before


@pytest.mark.usefixtures("own_device")
def test_without_the_package_or_an_adapter_the_error_says_what_to_install(monkeypatch):
    import wgpu

    def none(_):
        raise RuntimeError("Request adapter failed")

    monkeypatch.setattr(type(wgpu.gpu), "enumerate_adapters_sync", none)
    with pytest.raises(BackendError, match="no GPU adapter") as error:
        network(backend="webgpu")
    assert "mesa-vulkan-drivers" in error.value.hint
    monkeypatch.setitem(sys.modules, "wgpu", None)
    with pytest.raises(BackendError, match="not installed") as error:
        network().init_gpu()
    assert "loom-core[gpu]" in error.value.hint
