"""A device as the programs see it: numbered buffers, lists of dispatches, one queue.

Two exist: the wgpu package (:mod:`loom_core.backends.webgpu.wgpu_device`) and a browser's. Both
run the same plain data. Everything but reading is queued and returns at once. An error in the queue
is raised by the next read at the latest, so that no wrong number is ever returned.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array
from loom_core.backends.webgpu.dispatch import Adapter
from loom_core.cooperative import Wait
from loom_core.errors import BackendError

RUN, COPY = 0, 1
"""Commands of :meth:`Device.submit`: ``RUN, list``, and ``COPY, from, offset, to, offset, bytes``
with buffers by number."""

PADDING = 16
"""Every buffer's size is a multiple of this, so that a kernel may read whole vectors."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A part of a buffer, in bytes."""

    buffer: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class BoundDispatch:
    """A dispatch with its buffers in their places.

    Args:
        shader: File name in ``shaders/`` without its ending.
        entry: Name of the compute function.
        constants: The shader's ``override`` constants, sorted by name.
        bindings: Of group 0.
        workgroups: By x, y, z.
    """

    shader: str
    entry: str
    constants: tuple[tuple[str, float], ...]
    bindings: tuple[Binding, ...]
    workgroups: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """What to read: ``size`` bytes of a buffer from ``offset``."""

    buffer: int
    offset: int
    size: int


def padded(size: int) -> int:
    """Return a size in bytes rounded up to what buffers hold; never 0."""
    return max(PADDING, -(-size // PADDING) * PADDING)


class Device(ABC):
    """Buffers by number, with a count of their bytes and of what was read back.

    Args:
        adapter: What kernels may know.
        name: The device's, as the driver says it.

    Attributes:
        transfers: Reads from the device so far, each of any number of pieces.
        transferred_bytes: Bytes of all these reads.
        lost: Why the device is gone, or None.
    """

    def __init__(self, adapter: Adapter, name: str) -> None:
        self.adapter = adapter
        self.name = name
        self.transfers = 0
        self.transferred_bytes = 0
        self.lost: str | None = None
        self._sizes: dict[int, int] = {}
        self._last = 0

    @property
    def memory_bytes(self) -> int:
        """Bytes of all buffers that are alive."""
        return sum(self._sizes.values())

    def create_buffer(self, size: int, *, uniform: bool = False) -> int:
        """Make a buffer of zeros and return its number.

        Raises:
            BackendError: The device is lost, or the buffer is larger than it allows.
        """
        self.require_alive()
        size = padded(size)
        require_size(self.adapter, size, "a buffer", uniform=uniform)
        self._last += 1
        self._create(self._last, size, uniform)
        self._sizes[self._last] = size
        return self._last

    def destroy_buffer(self, number: int) -> None:
        """Free a buffer; nothing happens if it was freed before."""
        if self._sizes.pop(number, None) is not None:
            self._destroy(number)

    def size_of(self, number: int) -> int:
        """Return a buffer's size in bytes."""
        return self._sizes[number]

    def write(self, number: int, array: Array, offset: int = 0) -> None:
        """Copy a dense array of 32-bit numbers into a buffer; the array may change afterwards."""
        self.require_alive()
        if array.size:
            self._write(number, array, offset)

    def read(self, pieces: Sequence[Piece]) -> Generator[Wait, None, list[NDArray[np.uint8]]]:
        """Return copies of parts of buffers, after all that was queued before.

        Raises:
            BackendError: The device was lost, or something queued before went wrong.
        """
        self.require_alive()
        self.transfers += 1
        self.transferred_bytes += sum(piece.size for piece in pieces)
        return (yield from self._read(pieces))

    def require_alive(self) -> None:
        """Raise :class:`BackendError` if the device is lost."""
        if self.lost is not None:
            raise BackendError(
                f"the GPU device was lost: {self.lost}",
                hint='Call InitGPU again, or SetBackend("auto"). The weights are those last '
                "copied back.",
            )

    def close(self) -> None:
        """Destroy everything; the device cannot be used any more."""
        for number in list(self._sizes):
            self.destroy_buffer(number)
        if self.lost is None:
            self.lost = "it was released"
            self._close()

    @abstractmethod
    def record(self, dispatches: Sequence[BoundDispatch]) -> int:
        """Make pipelines and bind groups of a list of dispatches; return the list's number."""

    @abstractmethod
    def forget(self, recorded: int) -> None:
        """Free a list."""

    @abstractmethod
    def submit(self, commands: Sequence[int]) -> None:
        """Queue commands, see :data:`RUN`, as one submit."""

    @abstractmethod
    def _create(self, number: int, size: int, uniform: bool) -> None: ...

    @abstractmethod
    def _destroy(self, number: int) -> None: ...

    @abstractmethod
    def _write(self, number: int, array: Array, offset: int) -> None: ...

    @abstractmethod
    def _read(self, pieces: Sequence[Piece]) -> Generator[Wait, None, list[NDArray[np.uint8]]]: ...

    @abstractmethod
    def _close(self) -> None: ...


def require_size(adapter: Adapter, size: int, what: str, *, uniform: bool = False) -> None:
    """Raise :class:`BackendError` if the adapter cannot bind a buffer of ``size`` bytes."""
    names = ("maxBufferSize",) if uniform else ("maxBufferSize", "maxStorageBufferBindingSize")
    for name in names:
        limit = adapter.limits.get(name)
        if limit is not None and size > limit:
            raise BackendError(
                f"{what} needs {size:,} bytes, and this GPU allows {limit:,} ({name})",
                hint="Use a smaller batch or layer, or another backend.",
            )
