"""How many steps to run in one go, so that others get their turn in time."""

from __future__ import annotations

CHUNK_BYTES = 32 * 2**20
"""Most data that is gathered for one go."""

CHUNK_STEPS = 2**16
"""Most steps of one go: what is reported of each has to lie somewhere."""

GROWTH = 4
"""Most by which a go grows over the last one."""


class Pace:
    """Learns from the last go how many steps the next may have.

    Args:
        step_bytes: Of the data of one step.
    """

    def __init__(self, step_bytes: int) -> None:
        self._most = max(1, min(CHUNK_STEPS, CHUNK_BYTES // max(step_bytes, 1)))
        self._next = 1

    def steps(self) -> int:
        """Return how many steps to run."""
        return self._next

    def note(self, steps: int, seconds: float, patience: float) -> None:
        """Take in how long so many steps took; ``patience`` is how long they may."""
        if steps < self._next and seconds <= patience:
            return  # something else has ended this go early: it says little of a longer one
        fitting = int(patience * steps / seconds) if seconds > 0 else GROWTH * steps
        self._next = max(1, min(fitting, GROWTH * max(steps, self._next), self._most))
