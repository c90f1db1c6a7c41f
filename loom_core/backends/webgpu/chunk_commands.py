"""A chunk of steps as commands: data go up at once, reports come back in one read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array
from loom_core.backends.webgpu.device import COPY, RUN, Binding, Device
from loom_core.backends.webgpu.layout import WORD

UPLOAD_BYTES = 32 * 2**20
"""Most data of one submit: a larger chunk is submitted in several parts."""


class Staging:
    """A buffer that is kept, and replaced by a larger one when more is asked for.

    Args:
        device: Where it lies.
        held: Numbers of the program's buffers; a staging buffer is one of them.
    """

    def __init__(self, device: Device, held: list[int]) -> None:
        self._device = device
        self._held = held
        self._buffer: int | None = None

    def of(self, size: int) -> int:
        """Return the number of a buffer of at least ``size`` bytes; its old content may be gone."""
        if self._buffer is not None and self._device.size_of(self._buffer) >= size:
            return self._buffer
        if self._buffer is not None:
            self._held.remove(self._buffer)
            self._device.destroy_buffer(self._buffer)
        self._buffer = self._device.create_buffer(size)
        self._held.append(self._buffer)
        return self._buffer


class ChunkCommands:
    """The commands of a chunk of ``steps`` steps.

    Args:
        data: What to write before each step: a place on the device, and its rows, (steps, count)
            of dense float32.
        lists: The program's recorded lists, in order.
        watched: Places to note after each step.
    """

    def __init__(
        self,
        data: Sequence[tuple[Binding, Array]],
        lists: Sequence[int],
        watched: Sequence[tuple[Binding, int]],
    ) -> None:
        self._data = data
        self._lists = lists
        self._watched = watched
        self.steps = len(data[0][1])
        self._row_bytes = sum(rows[0].nbytes for _, rows in data)
        self.report_bytes = self.steps * sum(size for _, size in watched)

    def submit(self, device: Device, upload: Staging, report: int) -> None:
        """Queue all steps; what is watched lies in the buffer ``report`` afterwards."""
        most = max(1, UPLOAD_BYTES // max(self._row_bytes, 1))
        for start in range(0, self.steps, most):
            stop = min(start + most, self.steps)
            source = upload.of(self._row_bytes * (stop - start))
            offsets = []
            offset = 0
            for _, rows in self._data:
                part = rows[start:stop]
                device.write(source, part, offset)
                offsets.append(offset)
                offset += part.nbytes
            device.submit(
                [
                    word
                    for step in range(start, stop)
                    for word in self._step(step, step - start, source, offsets, report)
                ]
            )

    def _step(
        self, step: int, row: int, source: int, offsets: Sequence[int], report: int
    ) -> list[int]:
        words: list[int] = []
        for (place, rows), offset in zip(self._data, offsets, strict=True):
            size = rows[0].nbytes
            if size:
                words += [COPY, source, offset + row * size, place.buffer, place.offset, size]
        for recorded in self._lists:
            words += [RUN, recorded]
        base = 0
        for place, size in self._watched:
            if size:
                words += [COPY, place.buffer, place.offset, report, base + step * size, size]
            base += self.steps * size
        return words

    def reports(self, data: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Cut what was read from the report buffer into one array (steps, ...) for each place."""
        cut = []
        base = 0
        for _, size in self._watched:
            rows = data[base : base + self.steps * size].view(np.float32)
            cut.append(rows.reshape(self.steps, size // WORD))
            base += self.steps * size
        return cut
