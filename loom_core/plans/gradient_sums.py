"""Gradients of weights, added up over backward passes until a step uses them."""

from __future__ import annotations

import numpy as np

from loom_core.arrays import F32


class GradientSums:
    """One array of gradients beside each weight, changed in place only: plans hold on to them.

    Attributes:
        filled: A backward pass has added something, or the sums were set to zero on purpose.
        used: A step has used them: the next backward pass starts from zero.
    """

    def __init__(self) -> None:
        self.filled = False
        self.used = False
        self._sums: dict[int, tuple[F32, F32]] = {}  # by id of the weight, which is kept alive

    def of(self, weight: F32) -> F32:
        """Return the sum that belongs to a weight, zero at first."""
        held = self._sums.get(id(weight))
        if held is None:
            held = self._sums[id(weight)] = weight, np.zeros_like(weight)
        return held[1]

    @property
    def nbytes(self) -> int:
        """Bytes of all sums."""
        return sum(total.nbytes for _, total in self._sums.values())

    def begin(self) -> None:
        """Get ready for a backward pass: forget what a step has used already."""
        if self.used:
            self.zero()
        self.filled = True

    def zero(self) -> None:
        """Set every sum to zero."""
        for _, total in self._sums.values():
            total.fill(0)
        self.filled, self.used = True, False

    def scale(self, factor: float) -> None:
        """Multiply every sum: by 1 / k the sum of k backward passes becomes their mean."""
        for _, total in self._sums.values():
            total *= np.float32(factor)

    def forget(self) -> None:
        """Drop all arrays: the layers have changed, and nothing refers to the old ones."""
        self._sums.clear()
        self.filled = self.used = False
