"""How the native device is opened: what is asked of the driver, and what a refusal says."""

import pytest
import wgpu

from loom_core import BackendError
from loom_core.backends.webgpu.wgpu_device import open_wgpu_device


class Adapter:
    """An adapter that notes what is asked of it and gives no device."""

    features = frozenset({"shader-f16", "subgroup"})

    def __init__(self, error):
        self.error = error
        self.limits = {"max-buffer-size": 1024}
        self.asked = {}

    def request_device_sync(self, **asked):
        self.asked = asked
        raise self.error


@pytest.fixture
def adapter_with(monkeypatch):
    def given(error):
        adapter = Adapter(error)
        monkeypatch.setattr(type(wgpu.gpu), "request_adapter_sync", lambda self, **_: adapter)
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
