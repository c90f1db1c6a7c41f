"""What one training reached, and when it passed each ten percent of accuracy."""

from __future__ import annotations

import json
import math
from typing import Any

from loom_core.errors import SpecError
from loom_core.public import public, public_class

MILESTONES = tuple(range(10, 101, 10))
"""Percent of accuracy whose first time is noted."""

NANOSECONDS = 1_000_000_000


@public_class
class TrainingMetrics:
    """What one training reached. Times are seconds; in JSON nanoseconds, as Loom's.

    Args:
        steps: Training steps.
        accuracy: At the end, in percent.
        loss: At the end.
        time_total: Seconds.
        time_to_target: Seconds until the accuracy that was aimed at; 0 if it never came.
        memory_peak_mb: Most memory in use, in megabytes.

    Source: Loom v0.0.7, evaluation.go.
    """

    def __init__(
        self,
        steps: int = 0,
        accuracy: float = 0.0,
        loss: float = 0.0,
        time_total: float = 0.0,
        time_to_target: float = 0.0,
        memory_peak_mb: float = 0.0,
    ) -> None:
        self._steps = steps
        self._accuracy = accuracy
        self._loss = loss
        self._time_total = time_total
        self._time_to_target = time_to_target
        self._memory_peak_mb = memory_peak_mb
        self._milestones: dict[int, float | None] = dict.fromkeys(MILESTONES)

    @property
    @public("Steps")
    def steps(self) -> int:
        """Training steps."""
        return self._steps

    @property
    @public("Accuracy")
    def accuracy(self) -> float:
        """Accuracy at the end, in percent."""
        return self._accuracy

    @property
    @public("Loss")
    def loss(self) -> float:
        """Loss at the end."""
        return self._loss

    @property
    @public("TimeTotal")
    def time_total(self) -> float:
        """Seconds of training."""
        return self._time_total

    @property
    @public("TimeToTarget")
    def time_to_target(self) -> float:
        """Seconds until the accuracy that was aimed at; 0 if it never came."""
        return self._time_to_target

    @property
    @public("MemoryPeakMB")
    def memory_peak_mb(self) -> float:
        """Most memory in use, in megabytes."""
        return self._memory_peak_mb

    @property
    @public("Milestones")
    def milestones(self) -> dict[int, float | None]:
        """Seconds until each of 10, 20 ... 100 percent; None for what was not reached."""
        return dict(self._milestones)

    @public("UpdateMilestone")
    def update_milestone(self, accuracy: float, elapsed: float) -> None:
        """Note the time of every milestone that an accuracy reaches for the first time.

        Args:
            accuracy: Percent.
            elapsed: Seconds since the start, at least 0.

        Raises:
            SpecError: The time is negative or not finite.
        """
        if not (math.isfinite(elapsed) and elapsed >= 0):
            raise SpecError(f"elapsed must be seconds of at least 0, got {elapsed!r}")
        for milestone, reached in self._milestones.items():
            if reached is None and accuracy >= milestone:
                self._milestones[milestone] = elapsed

    @property
    def ran(self) -> bool:
        """Whether a training is behind these numbers."""
        return any((self.steps, self.accuracy, self.loss, self.time_total))

    def as_json(self) -> dict[str, Any]:
        """Return the fields under Loom's JSON keys."""
        return {
            "steps": self.steps,
            "accuracy": _number(self.accuracy),
            "loss": _number(self.loss),
            "time_total": nanoseconds(self.time_total),
            "time_to_target": nanoseconds(self.time_to_target),
            "memory_peak_mb": self.memory_peak_mb,
            "milestones": {
                str(percent): nanoseconds(seconds or 0.0)
                for percent, seconds in sorted(self._milestones.items(), key=lambda m: str(m[0]))
            },
        }

    @public("ToJSON")
    def to_json(self) -> str:
        """Return the metrics as Loom's JSON; a loss or accuracy that is not finite is null."""
        return json.dumps(self.as_json(), indent=2, allow_nan=False)


@public("NewTrainingMetrics")
def new_training_metrics(
    steps: int = 0,
    accuracy: float = 0.0,
    loss: float = 0.0,
    time_total: float = 0.0,
    time_to_target: float = 0.0,
    memory_peak_mb: float = 0.0,
) -> TrainingMetrics:
    """Return what a training reached, with no milestone yet: percent, seconds, megabytes."""
    return TrainingMetrics(steps, accuracy, loss, time_total, time_to_target, memory_peak_mb)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def nanoseconds(seconds: float) -> int:
    """Return a time as Loom writes it."""
    return round(seconds * NANOSECONDS)
