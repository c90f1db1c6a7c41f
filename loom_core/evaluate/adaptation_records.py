"""How accuracy develops when the task changes, as records that cross to JavaScript.

Times are seconds here and nanoseconds in JSON, accuracies percent, as in Loom v0.0.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loom_core.evaluate.training_metrics import nanoseconds
from loom_core.public import result_record

RECOVERED = 50.0
"""Percent of accuracy from which on a network has got used to a new task."""

NEVER = -1
"""Windows until it recovered, where it did not."""


@result_record
@dataclass(frozen=True)
class TimeWindow:
    """What happened in one window of time.

    Args:
        window_index: From 0.
        duration: Seconds.
        outputs: Predictions.
        correct: How many of them were right.
        accuracy: Percent of right ones; 0 without predictions.
        outputs_per_sec: Predictions a second, rounded down.
        current_task: Name of the task at its end.
        task_id: Number of that task.
    """

    window_index: int
    duration: float
    outputs: int
    correct: int
    accuracy: float
    outputs_per_sec: int
    current_task: str
    task_id: int

    def as_json(self) -> dict[str, Any]:
        """Return the fields under Loom's JSON keys."""
        return vars(self) | {"duration": nanoseconds(self.duration)}


@result_record
@dataclass(frozen=True)
class TaskChange:
    """The task became another.

    Args:
        at_time: Seconds after the start: when it was scheduled.
        from_task: Name of the task before.
        to_task: Name of the task after.
        pre_change_window: The window before the one of the change, or that one if it is the first.
        post_change_window: The window in which the change came.
        pre_accuracy: Percent, in the former.
        post_accuracy: Percent, in the latter.
        recovery_windows: Windows from there to the first of at least 50 percent, 0 if it is that
            window itself; -1 if none was before the next change or the end.
        recovery_time: The same in seconds; -1 if none.
    """

    at_time: float
    from_task: str
    to_task: str
    pre_change_window: int
    post_change_window: int
    pre_accuracy: float
    post_accuracy: float
    recovery_windows: int
    recovery_time: float

    def as_json(self) -> dict[str, Any]:
        """Return the fields under Loom's JSON keys."""
        times = {
            "at_time": nanoseconds(self.at_time),
            "recovery_time": nanoseconds(max(self.recovery_time, 0.0)),
        }
        return vars(self) | times


@dataclass(frozen=True)
class ScheduledTask:
    """A task and when it starts."""

    at_time: float
    task_id: int
    name: str
