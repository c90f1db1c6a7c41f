"""The browser's device: ``navigator.gpu``, driven by the JavaScript in ``web/src/gpu``.

JavaScript reads and writes NumPy's memory in place, by address. For an action that takes time it
gives a ticket: a promise that never rejects, and the outcome, to be read when the promise has
resolved. So code that only waits for the promise has no errors to handle.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array
from loom_core.backends.webgpu.device import BoundDispatch, Device, Piece
from loom_core.backends.webgpu.dispatch import Adapter
from loom_core.backends.webgpu.shader_files import shader_source
from loom_core.cooperative import Wait
from loom_core.errors import BackendError


def open_browser_device() -> Generator[Wait, None, BrowserDevice]:
    """Return a device of the browser's preferred adapter.

    Raises:
        BackendError: The page's loader offers no WebGPU, the browser has none, or no adapter.
    """
    try:
        import loom_gpu
    except ImportError as error:
        raise BackendError(
            "WebGPU in a browser needs Python to be started by loadLoom",
            hint="Use loadLoom of loom/index.js, or a CPU backend.",
        ) from error
    device = yield from _settled(loom_gpu.open())
    return BrowserDevice(device)


def _settled(ticket: Any) -> Generator[Wait, None, Any]:
    """Wait for a ticket and return its value; raise what went wrong as BackendError."""
    yield ticket.promise
    return _value_of(ticket)


def _value_of(ticket: Any) -> Any:
    if ticket.error:
        raise BackendError(str(ticket.error), hint=str(ticket.hint))
    return ticket.value


class BrowserDevice(Device):
    """A device of the browser.

    Args:
        device: A ``GpuDevice`` of ``web/src/gpu/device.js``.
    """

    def __init__(self, device: Any) -> None:
        found = json.loads(device.description)
        adapter = Adapter(software=found["software"], limits=found["limits"])
        super().__init__(adapter, found["name"])
        self._device = device
        self._shaders: set[str] = set()

    def require_alive(self) -> None:
        """Raise :class:`BackendError` if the device is lost; the browser is asked each time."""
        if self.lost is None and self._device.lost:
            self.lost = str(self._device.lost)
        super().require_alive()

    def record(self, dispatches: Sequence[BoundDispatch]) -> int:
        """Make pipelines and bind groups; an error in a shader is raised by the next read."""
        self.require_alive()
        for shader in {dispatch.shader for dispatch in dispatches} - self._shaders:
            self._device.addShader(shader, shader_source(shader))
            self._shaders.add(shader)
        self._last += 1
        self._device.record(self._last, json.dumps([asdict(dispatch) for dispatch in dispatches]))
        return self._last

    def forget(self, recorded: int) -> None:
        """Free a list."""
        self._device.forget(recorded)

    def submit(self, commands: Sequence[int]) -> None:
        """Queue commands as one submit."""
        self.require_alive()
        words = np.array(commands, np.uint32)
        self._device.submit(words.ctypes.data, words.size)

    def _create(self, number: int, size: int, uniform: bool) -> None:
        self._device.create(number, size, uniform)

    def _destroy(self, number: int) -> None:
        self._device.destroy(number)

    def _write(self, number: int, array: Array, offset: int) -> None:
        self._device.write(number, offset, array.ctypes.data, array.nbytes)

    def _read(self, pieces: Sequence[Piece]) -> Generator[Wait, None, list[NDArray[np.uint8]]]:
        words = np.array([(piece.buffer, piece.offset, piece.size) for piece in pieces], np.uint32)
        ticket = self._device.read(words.ctypes.data, words.size)
        try:
            yield ticket.promise
            self.require_alive()  # its error says more than the ticket of a lost device
            mapped = _value_of(ticket)
            data = np.empty(sum(piece.size for piece in pieces), np.uint8)
            mapped.copyTo(data.ctypes.data)
        finally:
            ticket.close()
        ends = np.cumsum([piece.size for piece in pieces]).tolist()
        return [data[end - piece.size : end] for piece, end in zip(pieces, ends, strict=True)]

    def _close(self) -> None:
        self._device.close()
