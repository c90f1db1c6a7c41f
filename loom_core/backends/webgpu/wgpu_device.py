"""The native device: the wgpu package, on whatever graphics driver the machine has."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array
from loom_core.backends.webgpu.device import RUN, BoundDispatch, Device, Piece
from loom_core.backends.webgpu.dispatch import Adapter
from loom_core.backends.webgpu.shader_files import shader_source
from loom_core.cooperative import Wait
from loom_core.errors import BackendError

INSTALL = "pip install 'loom-core[gpu]'"

DRIVERS = frozenset({"Vulkan", "Metal", "D3D12"})
"""Interfaces of drivers that compute. wgpu ends the whole process when its OpenGL one is used."""

FASTEST_FIRST = ("DiscreteGPU", "IntegratedGPU", "Unknown", "CPU")
"""Types of adapters, as wgpu calls them."""


def find_adapter() -> Any:
    """Return the fastest ``wgpu.GPUAdapter`` of a driver that computes.

    Raises:
        BackendError: The package is missing, or no driver offers such an adapter.
    """
    try:
        import wgpu
    except ImportError as error:
        raise BackendError("the package wgpu is not installed", hint=INSTALL) from error
    try:
        found = wgpu.gpu.enumerate_adapters_sync()
    except RuntimeError as error:
        raise _no_adapter(str(error)) from error
    usable = [adapter for adapter in found if adapter.info["backend_type"] in DRIVERS]
    if not usable:
        others = ", ".join(f"{a.info['device']} ({a.info['backend_type']})" for a in found)
        raise _no_adapter(f"only {others}, which cannot compute" if others else "no driver has one")
    return min(usable, key=_slowness)


def _no_adapter(reason: str) -> BackendError:
    return BackendError(
        f"there is no GPU adapter here: {reason}",
        hint="Install a Vulkan driver; on Debian, mesa-vulkan-drivers has a software one.",
    )


def _slowness(adapter: Any) -> int:
    kind = adapter.info["adapter_type"]
    return FASTEST_FIRST.index(kind if kind in FASTEST_FIRST else "Unknown")


def open_wgpu_device() -> WgpuDevice:
    """Return a device of the fastest adapter.

    Raises:
        BackendError: There is no adapter (see :func:`find_adapter`), or it gives no device.
    """
    adapter = find_adapter()
    import wgpu

    try:
        return WgpuDevice(adapter)
    except (RuntimeError, wgpu.GPUError) as error:
        raise BackendError(
            f"the GPU adapter gives no device: {error}",
            hint="Close what else uses the GPU, update its driver, or use a CPU backend.",
        ) from error


class WgpuDevice(Device):
    """A device of the wgpu package.

    Args:
        adapter: A ``wgpu.GPUAdapter``.
    """

    def __init__(self, adapter: Any) -> None:
        import wgpu

        self._device = adapter.request_device_sync(required_limits=dict(adapter.limits))
        info = adapter.info
        super().__init__(
            Adapter(
                software=info["adapter_type"] == "CPU",
                limits={_camel_case(name): size for name, size in self._device.limits.items()},
            ),
            f"{info['device']} ({info['backend_type']})",
        )
        self._usage = wgpu.BufferUsage
        self._map_read = wgpu.MapMode.READ
        self._errors = (wgpu.GPUError, wgpu.GPUPipelineError)
        self._buffers: dict[int, Any] = {}
        self._lists: dict[int, list[tuple[Any, Any, tuple[int, int, int]]]] = {}
        self._module = cache(self._make_module)
        self._pipeline = cache(self._make_pipeline)

    def _make_module(self, shader: str) -> Any:
        label = f"{shader}.wgsl"
        with self._reported(f"{label} does not compile here"):
            return self._device.create_shader_module(label=label, code=shader_source(shader))

    def _make_pipeline(
        self, shader: str, entry: str, constants: tuple[tuple[str, float], ...]
    ) -> Any:
        stage = {
            "module": self._module(shader),
            "entry_point": entry,
            "constants": dict(constants),
        }
        with self._reported(f"{shader}.wgsl {entry} with {dict(constants)} does not compile here"):
            return self._device.create_compute_pipeline(layout="auto", compute=stage)

    def record(self, dispatches: Sequence[BoundDispatch]) -> int:
        """Make pipelines and bind groups; see :meth:`Device.record`."""
        self.require_alive()
        self._last += 1
        self._lists[self._last] = [self._bound(dispatch) for dispatch in dispatches]
        return self._last

    def _bound(self, dispatch: BoundDispatch) -> tuple[Any, Any, tuple[int, int, int]]:
        pipeline = self._pipeline(dispatch.shader, dispatch.entry, dispatch.constants)
        entries = self._entries(dispatch)
        where = f"{dispatch.shader}.wgsl {dispatch.entry}"
        with self._reported(f"{where} does not take the {len(entries)} buffers that it is given"):
            layout = pipeline.get_bind_group_layout(0)
            group = self._device.create_bind_group(layout=layout, entries=entries)
        return pipeline, group, dispatch.workgroups

    def _entries(self, dispatch: BoundDispatch) -> list[dict[str, Any]]:
        return [
            {
                "binding": at,
                "resource": {
                    "buffer": self._buffers[binding.buffer],
                    "offset": binding.offset,
                    "size": binding.size,
                },
            }
            for at, binding in enumerate(dispatch.bindings)
        ]

    def forget(self, recorded: int) -> None:
        """Let go of a list."""
        self._lists.pop(recorded, None)

    def submit(self, commands: Sequence[int]) -> None:
        """Queue commands as one submit; dispatches that follow each other share a pass."""
        self.require_alive()
        with self._reported("the GPU refused a submit"):
            encoder = self._device.create_command_encoder()
            self._encode(encoder, iter(commands))
            self._device.queue.submit([encoder.finish()])

    def _encode(self, encoder: Any, words: Iterator[int]) -> None:
        open_pass: Any = None
        for command in words:
            if command == RUN:
                open_pass = open_pass or encoder.begin_compute_pass()
                for pipeline, group, workgroups in self._lists[next(words)]:
                    open_pass.set_pipeline(pipeline)
                    open_pass.set_bind_group(0, group)
                    open_pass.dispatch_workgroups(*workgroups)
                continue
            if open_pass is not None:
                open_pass.end()
                open_pass = None
            source, start, target, offset, size = (next(words) for _ in range(5))
            encoder.copy_buffer_to_buffer(
                self._buffers[source], start, self._buffers[target], offset, size
            )
        if open_pass is not None:
            open_pass.end()

    def _create(self, number: int, size: int, uniform: bool) -> None:
        kind = self._usage.UNIFORM if uniform else self._usage.STORAGE
        usage = kind | self._usage.COPY_SRC | self._usage.COPY_DST
        with self._reported(f"the GPU has no {size:,} bytes for a buffer"):
            self._buffers[number] = self._device.create_buffer(size=size, usage=usage)

    def _destroy(self, number: int) -> None:
        self._buffers.pop(number).destroy()

    def _write(self, number: int, array: Array, offset: int) -> None:
        with self._reported("writing to the GPU failed"):
            self._device.queue.write_buffer(self._buffers[number], offset, array)

    def _read(self, pieces: Sequence[Piece]) -> Generator[Wait, None, list[NDArray[np.uint8]]]:
        ends = np.cumsum([piece.size for piece in pieces]).tolist()
        usage = self._usage.COPY_DST | self._usage.MAP_READ
        with self._reported("reading from the GPU failed"):
            staging = self._device.create_buffer(size=max(4, *ends), usage=usage)
            encoder = self._device.create_command_encoder()
            for piece, end in zip(pieces, ends, strict=True):
                if piece.size:
                    source = self._buffers[piece.buffer]
                    encoder.copy_buffer_to_buffer(
                        source, piece.offset, staging, end - piece.size, piece.size
                    )
            self._device.queue.submit([encoder.finish()])
        yield from ()  # in a browser reading takes time
        try:
            with self._reported("reading from the GPU failed"):
                staging.map_sync(self._map_read)
                data = np.frombuffer(staging.read_mapped(copy=False), np.uint8).copy()
                staging.unmap()
        finally:
            staging.destroy()
        return [data[end - piece.size : end] for piece, end in zip(pieces, ends, strict=True)]

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """Raise what the package raises inside as BackendError, and notice a lost device."""
        try:
            yield
        except (*self._errors, RuntimeError) as error:
            if isinstance(error, BackendError):
                raise
            if "is lost" in str(error):
                self.lost = "the driver says so"
                self.require_alive()
            raise BackendError(f"{what}: {error}") from error

    def _close(self) -> None:
        self._lists.clear()
        self._device.destroy()


def _camel_case(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(part.capitalize() for part in rest)
