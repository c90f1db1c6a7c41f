"""How the native device is opened: what is asked of the driver, and what a refusal says."""

import pytest
import wgpu

from loom_core import BackendError
from loom_core.backends.webgpu.wgpu_device import find_adapter, open_wgpu_device


class Adapter:
    """An adapter that notes what is asked of it and gives no device."""

    features = frozenset({"shader-f16", "subgroup"})

    def __init__(self, error, backend="Vulkan", kind="DiscreteGPU"):
        self.error = error
        self.info = {"device": f"a {kind}", "backend_type": backend, "adapter_type": kind}
        self.limits = {"max-buffer-size": 1024}
        self.asked = {}

    def request_device_sync(self, **asked):
        self.asked = asked
        raise self.error


@pytest.fixture
def adapters_are(monkeypatch):
    def given(*adapters):
        found = list(adapters)
        monkeypatch.setattr(type(wgpu.gpu), "enumerate_adapters_sync", lambda self: found)

    return given


@pytest.fixture
def adapter_with(adapters_are):
    def given(error):
        adapter = Adapter(error)
        adapters_are(adapter)
        return adapter

    return given


@pytest.mark.parametrize("kind", [RuntimeError, wgpu.GPUError])
def test_an_adapter_without_a_device_is_a_typed_error(adapter_with, kind):
    adapter_with(kind("Request device failed: out of memory"))
    with pytest.raises(BackendError, match="gives no device: Request device failed") as error:
        open_wgpu_device()
    assert "CPU backend" in error.value.hint


def test_only_limits_are_asked_for_and_no_features(adapter_with):
    adapter = adapter_with(RuntimeError("no"))
    with pytest.raises(BackendError):
        open_wgpu_device()
    assert adapter.asked == {"required_limits": {"max-buffer-size": 1024}}


def test_an_opengl_adapter_is_none_as_wgpu_would_end_the_process(adapters_are):
    adapters_are(Adapter(None, backend="OpenGL"))
    with pytest.raises(BackendError, match=r"only a DiscreteGPU \(OpenGL\)") as error:
        open_wgpu_device()
    assert "mesa-vulkan-drivers" in error.value.hint
    adapters_are()
    with pytest.raises(BackendError, match="no driver has one"):
        open_wgpu_device()


def test_the_fastest_adapter_of_a_driver_that_computes_is_taken(adapters_are):
    software, card = Adapter(None, kind="CPU"), Adapter(None, "Metal", kind="IntegratedGPU")
    adapters_are(Adapter(None, "OpenGL"), software, card, Adapter(None, kind="new"))
    assert find_adapter() is card
    adapters_are(software)
    assert find_adapter() is software
