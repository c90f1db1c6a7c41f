"""The parameters of dispatches as bytes in one uniform buffer."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from loom_core.backends.webgpu.dispatch import Dispatch, Kernel

ALIGNMENT = 256
"""Where a dispatch's parameters may start in the buffer: what every device allows."""


class Uniforms:
    """The parameters of all dispatches, packed; equal ones lie in one place."""

    def __init__(self, kernels: Iterable[Kernel]) -> None:
        self._places: dict[bytes, int] = {}
        packed = bytearray()
        for kernel in kernels:
            for dispatch in kernel.dispatches:
                words = _words(dispatch)
                if words and words not in self._places:
                    packed.extend(bytes(-len(packed) % ALIGNMENT))
                    self._places[words] = len(packed)
                    packed.extend(words)
        self.words = bytes(packed)

    def place(self, dispatch: Dispatch) -> tuple[int, int]:
        """Return offset and size of a dispatch's parameters in bytes."""
        words = _words(dispatch)
        return self._places[words], len(words)


def _words(dispatch: Dispatch) -> bytes:
    """Return the parameters as bytes, in whole vectors of four."""
    words = b"".join(map(_word, dispatch.parameters))
    return words + bytes(-len(words) % 16)


def _word(number: int | float) -> bytes:
    if isinstance(number, float | np.floating):
        return struct.pack("<f", number)
    return struct.pack("<I", int(number) & 0xFFFFFFFF)
