"""Counting right and wrong predictions window by window, while the task changes on schedule."""

from __future__ import annotations

import math
import time
from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from itertools import pairwise

from loom_core import limits
from loom_core.errors import SpecError
from loom_core.evaluate.adaptation_records import (
    NEVER,
    RECOVERED,
    ScheduledTask,
    TaskChange,
    TimeWindow,
)
from loom_core.evaluate.adaptation_result import AdaptationResult
from loom_core.public import public, public_class

ROUNDING = 1e-9
"""Share of a window that a time may lie before the next one and belong to it: 0.3 / 0.1 < 3."""

MOST_WINDOWS = 2**53
"""Stands for any larger number, infinity included."""


@public_class
class AdaptationTracker:
    """Measures how fast a network that goes on learning gets used to another task.

    Time is cut into windows of equal length. Every prediction is told to :meth:`record_output` and
    counts in the window of that moment; what comes before the start or after the end is not part of
    the measurement. Each scheduled task starts once, at its time, whatever its number was before.

    Args:
        window_duration: Seconds of one window, more than 0.
        total_duration: Seconds in all; a rest shorter than a window is left out.
        clock: Seconds, never going back; that of the process when left out.

    Raises:
        SpecError: A duration is not a number above 0.
        LimitError: More windows than the limits allow.

    Source: Loom v0.0.7, evaluation.go, which starts a task that returns again at every output.
    """

    def __init__(
        self,
        window_duration: float,
        total_duration: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        for name, seconds in (("window", window_duration), ("total", total_duration)):
            if not (math.isfinite(seconds) and seconds > 0):
                raise SpecError(f"the {name} duration must be seconds above 0, got {seconds!r}")
        windows = max(1, int(min(total_duration / window_duration + ROUNDING, MOST_WINDOWS)))
        limits.require_within(windows, limits.LIST_ITEMS, "the number of windows")
        self._window = window_duration
        self._outputs = [0] * windows
        self._correct = [0] * windows
        self._clock = clock
        self._started: float | None = None
        self._schedule: list[ScheduledTask] = []
        self._tasks: list[ScheduledTask] = []
        self._names = ("", "")

    @public("SetModelInfo")
    def set_model_info(self, model_name: str, mode_name: str) -> None:
        """Say what is measured: a network, and a way of training it.

        Args:
            model_name: What the network is called.
            mode_name: What the way of training is called.
        """
        self._names = (model_name, mode_name)

    @public("ScheduleTaskChange")
    def schedule_task_change(self, at_offset: float, task_id: int, task_name: str) -> None:
        """Let a task start later.

        Args:
            at_offset: Seconds after the start, at least 0.
            task_id: Its number.
            task_name: Its name.

        Raises:
            SpecError: The measurement has started already, or the time is none.
            LimitError: More tasks than the limits allow.
        """
        if self._started is not None:
            raise SpecError("a task cannot be scheduled after the start", hint="Do it before.")
        if not (math.isfinite(at_offset) and at_offset >= 0):
            raise SpecError(f"at_offset must be seconds of at least 0, got {at_offset!r}")
        limits.require_within(len(self._schedule) + 1, limits.LIST_ITEMS, "the number of tasks")
        insort(
            self._schedule,
            ScheduledTask(at_offset, task_id, task_name),
            key=lambda task: task.at_time,
        )

    @public("Start")
    def start(self, initial_task: str, initial_task_id: int) -> None:
        """Start the measurement, from nothing, with a task.

        Args:
            initial_task: Name of the task that holds at first.
            initial_task_id: Its number, as RecordOutput returns it.
        """
        self._outputs = [0] * len(self._outputs)
        self._correct = [0] * len(self._correct)
        self._tasks = [ScheduledTask(0.0, initial_task_id, initial_task), *self._schedule]
        self._started = self._clock()

    @public("RecordOutput")
    def record_output(self, correct: bool) -> int:
        """Count a prediction; return the number of the task that holds from now on.

        Args:
            correct: Whether the prediction was right.

        Raises:
            SpecError: The measurement has not started.
        """
        elapsed = self._elapsed()
        window = self._place(elapsed)
        if window < len(self._outputs):
            self._outputs[window] += 1
            self._correct[window] += bool(correct)
        return self._task_at(elapsed).task_id

    @public("GetCurrentTask")
    def get_current_task(self) -> int:
        """Return the number of the task that holds now; raises as RecordOutput."""
        return self._task_at(self._elapsed()).task_id

    @public("GetWindows")
    def get_windows(self) -> list[TimeWindow]:
        """Return what was counted in each window so far; raises as RecordOutput."""
        self._elapsed()
        return [self._window_at(index) for index in range(len(self._outputs))]

    @public("Finalize")
    def finalize(self) -> AdaptationResult:
        """Return the windows, the changes of the task, and how the network took them.

        A change counts if it came before the last window's end and brought another task.

        Raises:
            SpecError: The measurement has not started.
        """
        windows = self.get_windows()
        tasks = [task for task in self._tasks if self._place(task.at_time) < len(windows)]
        pairs = [
            (before, after) for before, after in pairwise(tasks) if after.task_id != before.task_id
        ]
        places = [self._place(after.at_time) for _, after in pairs]
        changes = [
            self._change(before, after, windows, last)
            for (before, after), last in zip(pairs, [*places[1:], len(windows)], strict=False)
        ]
        return AdaptationResult(*self._names, windows, changes, self._window * len(windows))

    def _elapsed(self) -> float:
        if self._started is None:
            raise SpecError("the measurement has not started", hint="Call Start first.")
        return self._clock() - self._started

    def _place(self, seconds: float) -> int:
        """Return the number of the window that a time after the start lies in."""
        return int(min(seconds / self._window + ROUNDING, MOST_WINDOWS))

    def _task_at(self, elapsed: float) -> ScheduledTask:
        return self._tasks[bisect_right(self._tasks, elapsed, key=lambda task: task.at_time) - 1]

    def _window_at(self, index: int) -> TimeWindow:
        outputs, correct = self._outputs[index], self._correct[index]
        started = bisect_right(self._tasks, index, key=lambda task: self._place(task.at_time))
        task = self._tasks[started - 1]
        return TimeWindow(
            window_index=index,
            duration=self._window,
            outputs=outputs,
            correct=correct,
            accuracy=100 * correct / outputs if outputs else 0.0,
            outputs_per_sec=int(outputs / self._window),
            current_task=task.name,
            task_id=task.task_id,
        )

    def _change(
        self, before: ScheduledTask, after: ScheduledTask, windows: Sequence[TimeWindow], last: int
    ) -> TaskChange:
        """Describe a change; windows from ``last`` on belong to the next one."""
        post = self._place(after.at_time)
        pre = max(post - 1, 0)
        recovered = [w.window_index for w in windows[post:last] if w.accuracy >= RECOVERED]
        waited = recovered[0] - post if recovered else NEVER
        return TaskChange(
            at_time=after.at_time,
            from_task=before.name,
            to_task=after.name,
            pre_change_window=pre,
            post_change_window=post,
            pre_accuracy=windows[pre].accuracy,
            post_accuracy=windows[post].accuracy,
            recovery_windows=waited,
            recovery_time=waited * self._window if recovered else float(NEVER),
        )


@public("NewAdaptationTracker")
def new_adaptation_tracker(window_duration: float, total_duration: float) -> AdaptationTracker:
    """Return a tracker; typical are windows of one second."""
    return AdaptationTracker(window_duration, total_duration)
