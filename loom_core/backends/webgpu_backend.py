"""The WebGPU backend: whole plans on a graphics device, in a browser or natively."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Generator

import numpy as np

from loom_core.backends.measured_choice import Measurement
from loom_core.backends.webgpu.device import Device
from loom_core.backends.webgpu.program import WebGpuProgram
from loom_core.backends.webgpu.residents import Residents
from loom_core.backends.webgpu.self_check import SelfCheck
from loom_core.cooperative import Wait
from loom_core.errors import BackendError
from loom_core.graph.plan import Plan


class WebGpuBackend:
    """Runs plans of float32 on one device, which is closed when no object refers to the backend.

    Args:
        device: Owned by this backend from now on.

    Attributes:
        measured: Measurements against a CPU, by the shapes of plans; see :func:`.plan_shape`.
    """

    name = "webgpu"

    def __init__(self, device: Device) -> None:
        self.device = device
        self.measured: dict[object, Measurement] = {}
        self.variant = "software" if device.adapter.software else "hardware"
        self._residents = residents = Residents(device)
        self._checks = SelfCheck(device, lambda plan: WebGpuProgram(plan, device, residents))
        self.close = weakref.finalize(self, device.close)

    def prepare(self, plan: Plan) -> WebGpuProgram:
        """Compile the kernels, allocate the buffers and bind them.

        Raises:
            BackendError: The plan is not of float32, an op has no kernel, the device is lost or
                too small.
        """
        if plan.dtype != np.float32:
            raise BackendError(f"the kernels compute in float32, the plan in {plan.dtype}")
        self.device.require_alive()
        return WebGpuProgram(plan, self.device, self._residents, self._checks)


_shared: weakref.ref[WebGpuBackend] | None = None


def shared_backend() -> WebGpuBackend | None:
    """Return the backend of this process that others use already, if it works."""
    backend = _shared() if _shared is not None else None
    return backend if backend is not None and backend.device.lost is None else None


def _open_device(platform: str) -> Generator[Wait, None, Device]:
    if platform == "emscripten":
        from loom_core.backends.webgpu.browser_device import open_browser_device

        return (yield from open_browser_device())
    from loom_core.backends.webgpu.wgpu_device import open_wgpu_device

    return open_wgpu_device()


def open_backend() -> Generator[Wait, None, WebGpuBackend]:
    """Return the backend of this process; a device is opened if none is in use.

    Raises:
        BackendError: There is no WebGPU here, no adapter, or the package wgpu is missing.
    """
    global _shared
    if (backend := shared_backend()) is not None:
        return backend
    device = yield from _open_device(sys.platform)
    # Another call may have opened one while this one waited.
    if (backend := shared_backend()) is not None:
        device.close()
        return backend
    backend = WebGpuBackend(device)
    _shared = weakref.ref(backend)
    return backend
