"""How many steps a chunk has, so that others get their turn in time."""

from __future__ import annotations

CHUNK_BYTES = 32 * 2**20
"""Most data of a chunk."""

CHUNK_STEPS = 2**16
"""Most steps of a chunk: what is reported of each needs memory."""

GROWTH = 4
"""A chunk has at most so many times the steps of the one before."""


class Pace:
    """Learns from each chunk how many steps the next may have.

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
        """Learn from a chunk that took so many seconds; ``patience`` is how long it may take."""
        if steps < self._next and seconds <= patience:
            return  # the chunk was kept short for another reason: it says little of a longer one
        fitting = int(patience * steps / seconds) if seconds > 0 else GROWTH * steps
        self._next = max(1, min(fitting, GROWTH * max(steps, self._next), self._most))
