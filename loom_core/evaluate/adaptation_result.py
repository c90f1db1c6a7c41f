"""What an adaptation tracker measured, alone and beside others."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loom_core.console_text import print_text
from loom_core.errors import SpecError, kind_of
from loom_core.evaluate.adaptation_records import NEVER, TaskChange, TimeWindow
from loom_core.evaluate.training_metrics import nanoseconds
from loom_core.public import public, public_class

PERCENT_PER_BLOCK = 5
"""A bar of 20 blocks is an accuracy of 100 percent."""

NAME_WIDTH = 24


@public_class
class AdaptationResult:
    """One measurement, window by window.

    Args:
        model_name: The network.
        mode_name: The way of training it.
        windows: In their order.
        task_changes: In their order.
        duration: Seconds.
    """

    def __init__(
        self,
        model_name: str,
        mode_name: str,
        windows: Sequence[TimeWindow],
        task_changes: Sequence[TaskChange],
        duration: float,
    ) -> None:
        self._names = (model_name, mode_name)
        self._windows = list(windows)
        self._task_changes = list(task_changes)
        self._duration = duration

    @property
    @public("ModelName")
    def model_name(self) -> str:
        """The network."""
        return self._names[0]

    @property
    @public("ModeName")
    def mode_name(self) -> str:
        """The way of training it."""
        return self._names[1]

    @property
    @public("TotalOutputs")
    def total_outputs(self) -> int:
        """Predictions in all windows."""
        return sum(window.outputs for window in self._windows)

    @property
    @public("AvgAccuracy")
    def avg_accuracy(self) -> float:
        """Mean accuracy of the windows that hold predictions, each of equal weight, in percent."""
        accuracies = self.accuracies or [0.0]
        return math.fsum(accuracies) / len(accuracies)

    @property
    @public("Windows")
    def windows(self) -> list[TimeWindow]:
        """All windows."""
        return list(self._windows)

    @property
    @public("TaskChanges")
    def task_changes(self) -> list[TaskChange]:
        """All changes of the task."""
        return list(self._task_changes)

    @property
    @public("Duration")
    def duration(self) -> float:
        """Seconds."""
        return self._duration

    @property
    def accuracies(self) -> list[float]:
        """Accuracy of each window that holds predictions."""
        return [window.accuracy for window in self._windows if window.outputs]

    @property
    def title(self) -> str:
        """How tables call it."""
        return " ".join(name for name in self._names if name) or "(no name)"

    @public("PrintTimeline")
    def print_timeline(self) -> str:
        """Print a bar for each window, and where the task changed; return the text."""
        changes = {change.post_change_window: change for change in self._task_changes}
        lines = [f"=== {self.title} ==="]
        for window in self._windows:
            if window.window_index in changes:
                change = changes[window.window_index]
                lines.append(f"     --- {change.from_task} → {change.to_task} ---")
            bar = "█" * int(window.accuracy / PERCENT_PER_BLOCK)
            row = f"{window.window_index + 1:4} {window.accuracy:5.1f}% {bar}"
            lines.append(row.rstrip() if window.outputs else f"{window.window_index + 1:4}     -")
        return printed(lines)

    @public("PrintAdaptationSummary")
    def print_adaptation_summary(self) -> str:
        """Print totals and what each change of the task did; return the text."""
        lines = [
            f"=== {self.title} ===",
            f"Outputs: {self.total_outputs} in {self.duration:g} s",
            f"Average accuracy: {self.avg_accuracy:.1f}%",
        ]
        for change in self._task_changes:
            recovery = (
                "not recovered"
                if change.recovery_windows == NEVER
                else f"recovered after {change.recovery_windows} windows"
            )
            lines.append(
                f"{change.from_task} → {change.to_task} at {change.at_time:g} s: "
                f"{change.pre_accuracy:.1f}% → {change.post_accuracy:.1f}%, {recovery}"
            )
        return printed(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the fields under Loom's JSON keys."""
        return {
            "model_name": self.model_name,
            "mode_name": self.mode_name,
            "total_outputs": self.total_outputs,
            "avg_accuracy": self.avg_accuracy,
            "windows": [window.as_json() for window in self._windows],
            "task_changes": [change.as_json() for change in self._task_changes],
            "duration": nanoseconds(self.duration),
        }

    @public("ToJSON")
    def to_json(self) -> str:
        """Return the result as Loom's JSON."""
        return json.dumps(self.as_json(), indent=2, allow_nan=False)


@public_class
class AdaptationComparison:
    """Measurements of several networks or ways of training, side by side."""

    def __init__(self) -> None:
        self._results: list[AdaptationResult] = []

    @property
    @public("Results")
    def results(self) -> list[AdaptationResult]:
        """All that were added."""
        return list(self._results)

    @public("AddResult")
    def add_result(self, result: AdaptationResult) -> None:
        """Add what a tracker's Finalize returned.

        Args:
            result: What Finalize of a tracker returned.

        Raises:
            SpecError: It is anything else.
        """
        if not isinstance(result, AdaptationResult):
            raise SpecError(f"a comparison takes results of Finalize, not {kind_of(result)}")
        self._results.append(result)

    @public("GetBestByAvgAccuracy")
    def get_best_by_avg_accuracy(self) -> AdaptationResult | None:
        """Return the result of highest mean accuracy, the first of equals; None without any."""
        return max(self._results, key=lambda result: result.avg_accuracy, default=None)

    @public("GetMostStable")
    def get_most_stable(self) -> AdaptationResult | None:
        """Return the result whose windows with predictions differ least in accuracy.

        The measure is the population variance. Results without predictions take no part; None if
        that leaves none.
        """
        ran = [result for result in self._results if result.accuracies]
        return min(ran, key=lambda result: _variance(result.accuracies), default=None)

    @public("PrintComparisonTimeline")
    def print_comparison_timeline(self, title: str, num_windows: int = 10) -> str:
        """Print the accuracies of the first windows side by side; return the text.

        Args:
            title: First line.
            num_windows: How many windows, 1 to 20.

        Raises:
            SpecError: Another number of windows.
        """
        if not 1 <= num_windows <= 20:
            raise SpecError(f"num_windows must be from 1 to 20, got {num_windows}")
        count = max([0, *(len(result.windows) for result in self._results)])
        places = range(min(num_windows, count))
        lines = [f"=== {title} ==="]
        lines.append(" " * NAME_WIDTH + "".join(f"{place + 1:6}" for place in places))
        for result in self._results:
            shown = result.windows[: len(places)]
            cells = [f"{w.accuracy:5.0f}%" if w.outputs else "     -" for w in shown]
            lines.append(f"{result.title:{NAME_WIDTH}.{NAME_WIDTH}}" + "".join(cells))
        return printed(lines)

    @public("PrintComparisonSummary")
    def print_comparison_summary(self, title: str) -> str:
        """Print mean accuracy, its spread and the number of outputs of each; return the text.

        Args:
            title: First line.
        """
        heads = f"{'':{NAME_WIDTH}}{'mean':>8}{'spread':>8}{'outputs':>10}"
        lines = [f"=== {title} ===", heads]
        for result in self._results:
            spread = _variance(result.accuracies or [0.0]) ** 0.5
            lines.append(
                f"{result.title:{NAME_WIDTH}.{NAME_WIDTH}}{result.avg_accuracy:7.1f}%"
                f"{spread:7.1f}%{result.total_outputs:10}"
            )
        best, stable = self.get_best_by_avg_accuracy(), self.get_most_stable()
        if best is not None:
            lines.append(f"Best mean accuracy: {best.title}")
        if stable is not None:
            lines.append(f"Most stable: {stable.title}")
        return printed(lines)

    @public("ToJSON")
    def to_json(self) -> str:
        """Return all results as Loom's JSON."""
        document = {"results": [result.as_json() for result in self._results]}
        return json.dumps(document, indent=2, allow_nan=False)

    @public("SaveToJSON")
    def save_to_json(self, filename: str) -> None:
        """Write all results to a JSON file.

        Args:
            filename: Path of the file; one that is there is replaced.

        Raises:
            OSError: The file cannot be written.
        """
        Path(filename).write_text(self.to_json(), encoding="utf-8")


@public("NewAdaptationComparison")
def new_adaptation_comparison() -> AdaptationComparison:
    """Return a comparison without results."""
    return AdaptationComparison()


def printed(lines: Sequence[str]) -> str:
    """Write lines to standard output and return them as one text."""
    text = "\n".join(lines)
    print_text(text + "\n")
    return text


def _variance(values: list[float]) -> float:
    """Return the variance of a population; its module is not worth loading at every start."""
    from statistics import pvariance

    return pvariance(values)
