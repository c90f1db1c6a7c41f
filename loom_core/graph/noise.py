"""Noise: the kinds of random input that a training step may have, drawn anew before each run.

Every number is made of one word of a random stream, so that how many words a step takes, and with
it the stream's state after any step, does not depend on the kinds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import F32


class Noise(Protocol):
    """A kind of noise."""

    def numbers(self, words: NDArray[np.uint64]) -> F32:
        """Return the number that each random 64-bit word stands for."""


@dataclass(frozen=True, slots=True)
class GumbelNoise:
    """``-ln(-ln u)`` for u uniform between 0 and 1."""

    def numbers(self, words: NDArray[np.uint64]) -> F32:
        """Return the noise of each word."""
        unit = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        unit = np.minimum(unit, 1 - 2.0**-53)  # half of the last step is lost near 1
        return (-np.log(-np.log(unit))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class KeepMask:
    """0 with probability ``rate``, else ``1 / (1 - rate)``: 1 in the mean.

    Args:
        rate: At least 0, below 1.
    """

    rate: float

    def numbers(self, words: NDArray[np.uint64]) -> F32:
        """Return the factor of each word, which is compared as a number of 53 bits."""
        least = np.uint64(math.ceil(self.rate * 2**53) << 11)
        return (words >= least).astype(np.float32) * np.float32(1 / (1 - self.rate))
