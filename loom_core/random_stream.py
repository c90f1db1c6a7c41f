"""One small random stream for initialisation and shuffling, equal on every platform.

NumPy's distributions may change between versions and use the C library's ``log`` and ``exp``;
a counter hashed with integer arithmetic is exact everywhere, starts fast in a browser (no
``numpy.random`` to load) and its state is one number, so that a checkpoint can hold it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import F32, Shape, element_count

_GAMMA = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


_WORDS_AT_ONCE = 2**14
"""As many as stay in a cache while they are mixed."""


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014, Fast splittable generators), in place."""
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


class RandomStream:
    """A stream of random numbers named by a seed and any number of integer keys.

    Args:
        seed: Any integer; taken modulo 2**64.
        keys: Further integers, so that each layer or epoch has a stream of its own that does not
            depend on how much the others drew.
    """

    def __init__(self, seed: int, *keys: int) -> None:
        state = seed & _MASK
        for key in keys:
            mixed = _mix(np.array([(state + _GAMMA) & _MASK], np.uint64))
            state = int(mixed[0]) ^ (key & _MASK)
        self.state = state

    @classmethod
    def at(cls, state: int) -> RandomStream:
        """Return a stream that continues from the state of another one."""
        stream = cls(0)
        stream.state = state
        return stream

    def bits(self, n: int) -> NDArray[np.uint64]:
        """Return ``n`` random 64-bit words and advance the state by ``n``."""
        words = np.arange(1, n + 1, dtype=np.uint64)
        for start in range(0, n, _WORDS_AT_ONCE):
            part = words[start : start + _WORDS_AT_ONCE]
            part *= np.uint64(_GAMMA)
            part += np.uint64(self.state)
            _mix(part)
        self.state = state_after(self.state, n)
        return words

    def uniform(self, shape: Shape, limit: float) -> F32:
        """Return float32 numbers uniform on ``[-limit, limit)`` in steps of ``limit * 2**-23``."""
        words = self.bits(element_count(shape)) >> np.uint64(40)  # 24 bits, exact in float32
        unit = words.astype(np.float32) * np.float32(2.0**-23) - np.float32(1.0)
        return (unit * np.float32(limit)).reshape(shape)

    def permutation(self, n: int) -> NDArray[np.intp]:
        """Return the numbers 0 to n-1 in random order."""
        return np.argsort(self.bits(n), kind="stable")


def state_after(state: int, draws: int) -> int:
    """Return the state of a stream after so many words from ``state`` on."""
    return (state + draws * _GAMMA) & _MASK


def permutations(seed: int, keys: NDArray[np.uint64], n: int) -> NDArray[np.intp]:
    """Return for each key what ``RandomStream(seed, key).permutation(n)`` gives, one a row."""
    start = np.array([(seed + _GAMMA) & _MASK], np.uint64)
    states = (_mix(start) ^ keys)[:, np.newaxis]
    counters = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(_GAMMA)
    return np.argsort(_mix(counters + states), axis=1, kind="stable")
