"""Weights and other arrays of the host that live on the device, shared by all programs.

Each array has one buffer for as long as a program uses it. The host's array stays the owner's: a
copy of what the device was last known to hold tells whether somebody changed it meanwhile, and a
mark tells whether the device did.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.webgpu.device import Device, Piece
from loom_core.errors import BackendError
from loom_core.public import Wait


@dataclass(slots=True, eq=False)
class Resident:
    """An array and its buffer.

    Args:
        array: The owner's own, float32 and dense.
        buffer: Number of its buffer.
        known: What both were when they were last equal.
        users: Programs that use it.
        ahead: The device has changed its side since then.
    """

    array: Array
    buffer: int
    known: Array
    users: int = 0
    ahead: bool = False


class Residents:
    """The arrays of the host on one device.

    Args:
        device: Holds the buffers.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._by_identity: dict[int, Resident] = {}

    def acquire(self, array: Array) -> Resident:
        """Return the resident of an array, made and filled if there is none yet.

        Raises:
            BackendError: The array is not dense float32, or too large.
        """
        resident = self._by_identity.get(id(array))
        if resident is None:
            if array.dtype != np.float32 or not array.flags.c_contiguous:
                raise BackendError(
                    f"a {array.dtype} array of strides {array.strides} was given; the GPU kernels "
                    "read dense float32 only"
                )
            buffer = self._device.create_buffer(array.nbytes)
            resident = Resident(array, buffer, array.copy())
            self._device.write(buffer, resident.known)
            self._by_identity[id(array)] = resident
        resident.users += 1
        return resident

    def release(self, residents: Iterable[Resident]) -> None:
        """Take one use from each; those without any give their memory back."""
        for resident in residents:
            resident.users -= 1
            if resident.users == 0:
                del self._by_identity[id(resident.array)]
                self._device.destroy_buffer(resident.buffer)

    def upload_changes(self, residents: Iterable[Resident]) -> None:
        """Bring to the device what the host has changed; the host's word counts."""
        for resident in residents:
            if not _same_bits(resident.array, resident.known):
                np.copyto(resident.known, resident.array)
                self._device.write(resident.buffer, resident.known)
                resident.ahead = False

    def changed(self) -> list[Resident]:
        """Return the residents of which the device is ahead."""
        return [found for found in self._by_identity.values() if found.ahead]

    def download_changes(self) -> Generator[Wait, None, None]:
        """Bring what the device has changed into the host's arrays, in one read.

        An array that the host has changed as well keeps the host's numbers.

        Raises:
            BackendError: The device was lost; the host's arrays are as they were.
        """
        changed = self.changed()
        if not changed:
            return
        pieces = [Piece(found.buffer, 0, found.array.nbytes) for found in changed]
        parts = yield from self._device.read(pieces)
        for resident, data in zip(changed, parts, strict=True):
            if _same_bits(resident.array, resident.known):
                numbers = data.view(np.float32).reshape(resident.array.shape)
                np.copyto(resident.array, numbers)
                np.copyto(resident.known, numbers)
            resident.ahead = False


def _same_bits(a: Array, b: Array) -> bool:
    """Whether two dense float32 arrays are equal bit by bit: a NaN equals itself."""
    return bool(np.array_equal(a.view(np.int32), b.view(np.int32)))
