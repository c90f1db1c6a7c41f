"""Buffers on the device for arrays of the host, such as weights; all programs share them.

Each array has one buffer as long as any program uses it. The array stays with its owner, who may
change it at any time. Such a change is found by comparison with a copy of the numbers that array
and buffer last had in common. A change by the device is found by a version, which rises when the
change is queued. A read delivers the version of the moment at which the read was queued: so reads
may overlap with changes and with each other.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.webgpu.device import Device, Piece
from loom_core.cooperative import Wait
from loom_core.errors import BackendError, BusyError


@dataclass(slots=True, eq=False)
class Resident:
    """An array and its buffer.

    Args:
        array: The owner's own, float32 and dense.
        buffer: Number of its buffer.
        known: The numbers that both had when they were last equal. It is replaced and never written
            to, so that a reference to it is a safe copy.
        users: How many programs use it.
        queued: Version of the buffer when all that is queued has run.
        settled: Version that the array has.
    """

    array: Array
    buffer: int
    known: Array
    users: int = 0
    queued: int = 0
    settled: int = 0

    @property
    def ahead(self) -> bool:
        """Whether the device holds newer numbers than the array."""
        return self.queued > self.settled

    @property
    def edited(self) -> bool:
        """Whether somebody has changed the array since both were equal."""
        return not _same_bits(self.array, self.known)


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
        """Count one user less for each; free the buffers that have no user left."""
        for resident in residents:
            resident.users -= 1
            if resident.users == 0:
                del self._by_identity[id(resident.array)]
                self._device.destroy_buffer(resident.buffer)

    def upload_changes(self, residents: Iterable[Resident]) -> None:
        """Write to the device what the host has changed.

        Raises:
            BusyError: The device has changed the same array; nothing was written.
        """
        edited = [resident for resident in residents if resident.edited]
        _require_one_side(resident for resident in edited if resident.ahead)
        for resident in edited:
            resident.known = resident.array.copy()
            self._device.write(resident.buffer, resident.known)

    def download_changes(self, residents: Iterable[Resident]) -> Generator[Wait, None, None]:
        """Copy what the device has changed into the host's arrays, in one read.

        Raises:
            BackendError: The device was lost; the host's arrays are unchanged.
            BusyError: The host has changed an array meanwhile. That array keeps the host's numbers,
                and the device gets them at the next upload; all others have been copied.
        """
        changed = [resident for resident in residents if resident.ahead]
        if not changed:
            return
        versions = [resident.queued for resident in changed]
        pieces = [Piece(resident.buffer, 0, resident.array.nbytes) for resident in changed]
        parts = yield from self._device.read(pieces)
        edited: list[Resident] = []
        for resident, version, data in zip(changed, versions, parts, strict=True):
            if version <= resident.settled:
                continue  # a read that was queued later has finished first
            numbers = data.view(np.float32).reshape(resident.array.shape)
            if resident.edited:
                edited.append(resident)
            else:
                np.copyto(resident.array, numbers)
            resident.known, resident.settled = numbers, version
        _require_one_side(edited)

    def discard_changes(self, residents: Iterable[Resident]) -> None:
        """Where the device has changed a buffer, write the last common numbers to it again."""
        for resident in residents:
            if resident.ahead:
                self._device.write(resident.buffer, resident.known)
                resident.settled = resident.queued


def _require_one_side(edited: Iterable[Resident]) -> None:
    """Raise :class:`BusyError` where both sides have changed an array."""
    shapes = ", ".join(str(resident.array.shape) for resident in edited)
    if shapes:
        raise BusyError(
            f"weights of shape {shapes} were changed while newer ones were on the GPU",
            hint="Pause the training before you change weights: then they come back.",
        )


def _same_bits(a: Array, b: Array) -> bool:
    """Whether two dense float32 arrays are equal bit by bit: a NaN equals itself."""
    return bool(np.array_equal(a.view(np.int32), b.view(np.int32)))
