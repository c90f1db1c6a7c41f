"""What every scheduler is: a learning rate for each step, counted from 0."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from loom_core.arrays import F64
from loom_core.checks import LARGEST, finite_number, positive
from loom_core.errors import SpecError
from loom_core.public import public, public_class


@public_class
class LRScheduler(ABC):
    """A learning rate for every step; it depends on the step alone, there is nothing to reset.

    A scheduler of one's own derives from this and gives ``label`` and ``rates``.
    """

    @property
    @abstractmethod
    def label(self) -> str:
        """The name for readers."""

    @abstractmethod
    def rates(self, steps: F64) -> F64:
        """Return the rate of each step."""

    @public("GetLR")
    def get_lr(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Args:
            step: The step, from 0.

        Raises:
            SpecError: The step is no whole number of at least 0, or its rate is not finite.
        """
        return float(self.checked_rates(positive(step, "step", 0), 1)[0])

    def checked_rates(self, first: int, count: int) -> F64:
        """Return the rates of steps ``first``, ``first + 1``, ...

        Raises:
            SpecError: There are more or fewer, or one is none that a training can use.
        """
        with np.errstate(over="ignore"):
            rates = np.asarray(self.rates(np.arange(first, first + count, dtype=np.float64)))
        if rates.shape != (count,):
            raise SpecError(f"{self.label} gives rates of shape {rates.shape} for {count} steps")
        wrong = ~((rates >= 0) & (rates <= LARGEST))
        if wrong.any():
            at = int(wrong.argmax())
            finite_number(rates[at], f"{self.label}: the learning rate of step {first + at}")
        return rates

    @public("Reset")  # noqa: B027 (a scheduler of one's own may have more to do)
    def reset(self) -> None:
        """Do nothing: the rate depends on the step alone."""

    @public("Name")
    def name(self) -> str:
        """Return the name, ``"CosineAnnealing"`` for example."""
        return self.label
