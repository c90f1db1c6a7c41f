"""The time that a training works, without that in which it is paused."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from loom_core.cooperative import Wait
from loom_core.training_control import TrainingControl


class WorkClock:
    """Runs from the start, but not while the training lets others run."""

    def __init__(self) -> None:
        self._before = 0.0
        self._resumed_at = time.perf_counter()

    def seconds(self) -> float:
        """Return how long the training has worked."""
        return self._before + time.perf_counter() - self._resumed_at

    def give_way(
        self,
        control: TrainingControl,
        before_pause: Callable[[], Generator[Wait, None, None]] | None = None,
    ) -> Generator[Wait, None, None]:
        """Yield once, then again as long as the training is paused.

        Args:
            control: Of the training.
            before_pause: Run when a pause begins.
        """
        self._before = self.seconds()
        yield False
        if control.paused and before_pause is not None:
            yield from before_pause()
        while control.paused:
            yield True
        self._resumed_at = time.perf_counter()
