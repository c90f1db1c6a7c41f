"""Accuracy window by window while the task changes, on a clock that the test moves."""

import json
import math

import pytest

from loom_core import (
    AdaptationComparison,
    AdaptationTracker,
    LimitError,
    SpecError,
)
from loom_core.bridge import Bridge
from loom_core.evaluate.adaptation_result import new_adaptation_comparison
from loom_core.evaluate.adaptation_tracker import new_adaptation_tracker


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def measured(accuracies, changes=(), window=1.0, per_window=10, name="net", mode="mode"):
    """A result whose windows have these percentages of right outputs; None leaves one empty."""
    clock = Clock()
    tracker = AdaptationTracker(window, window * len(accuracies), clock)
    tracker.set_model_info(name, mode)
    for at, task, label in changes:
        tracker.schedule_task_change(at, task, label)
    tracker.start("chase", 0)
    for index, accuracy in enumerate(accuracies):
        for number in range(0 if accuracy is None else per_window):
            clock.now = 100.0 + window * (index + (number + 0.5) / per_window)
            tracker.record_output(100 * number < accuracy * per_window)
    return tracker.finalize()


def test_windows_count_what_falls_into_them():
    result = measured([100, 50, None, 20])
    assert [w.outputs for w in result.windows] == [10, 10, 0, 10]
    assert [w.correct for w in result.windows] == [10, 5, 0, 2]
    assert [w.accuracy for w in result.windows] == [100, 50, 0, 20]
    assert [w.window_index for w in result.windows] == [0, 1, 2, 3]
    assert {w.current_task for w in result.windows} == {"chase"}
    assert result.total_outputs == 30
    assert result.avg_accuracy == pytest.approx((100 + 50 + 20) / 3)  # the empty one left out
    assert result.duration == 4
    assert result.task_changes == []


def test_outputs_a_second_take_the_length_of_the_window_into_account():
    assert [w.outputs_per_sec for w in measured([50], window=0.5).windows] == [20]
    assert [w.outputs_per_sec for w in measured([50], window=4.0).windows] == [2]


def test_a_task_that_returns_starts_once():
    changes = [(2.0, 1, "avoid"), (4.0, 0, "chase")]
    result = measured([90, 90, 10, 60, 30, 80], changes)
    first, second = result.task_changes
    assert (first.from_task, first.to_task, first.at_time) == ("chase", "avoid", 2.0)
    assert (first.pre_change_window, first.post_change_window) == (1, 2)
    assert (first.pre_accuracy, first.post_accuracy) == (90, 10)
    assert (first.recovery_windows, first.recovery_time) == (1, 1.0)
    assert (second.from_task, second.to_task) == ("avoid", "chase")
    assert (second.pre_accuracy, second.post_accuracy) == (60, 30)
    assert second.recovery_windows == 1
    assert [w.task_id for w in result.windows] == [0, 0, 1, 1, 0, 0]


def test_a_change_that_is_not_recovered_from_before_the_next():
    result = measured([90, 10, 20, 95], [(1.0, 1, "b"), (3.0, 2, "c")])
    assert [c.recovery_windows for c in result.task_changes] == [-1, 0]
    assert result.task_changes[0].recovery_time == -1


def test_a_change_in_the_first_window_and_one_to_the_same_task():
    result = measured([40, 60], [(0.0, 1, "b"), (1.0, 1, "b")])
    (change,) = result.task_changes
    assert (change.pre_change_window, change.post_change_window) == (0, 0)
    assert change.recovery_windows == 1


def test_windows_of_a_tenth_are_not_shifted_by_rounding():
    result = measured([0, 0, 0, 100, 100, 0, 0, 0, 0, 0], [(0.3, 1, "b")], window=0.1)
    assert len(result.windows) == 10
    (change,) = result.task_changes
    assert change.post_change_window == 3
    assert [w.task_id for w in result.windows] == [0, 0, 0] + [1] * 7


def test_the_present_task_follows_the_clock(clock):
    tracker = AdaptationTracker(1, 3, clock)
    tracker.schedule_task_change(2, 7, "late")
    tracker.schedule_task_change(1, 5, "early")
    tracker.start("first", 3)
    assert tracker.get_current_task() == 3
    clock.now += 1
    assert tracker.get_current_task() == 5  # without any output
    assert tracker.record_output(True) == 5
    clock.now += 1
    assert tracker.record_output(False) == 7
    clock.now += 5
    assert tracker.record_output(True) == 7
    assert [w.outputs for w in tracker.get_windows()] == [0, 1, 1]  # the last came after the end


def test_a_new_start_forgets_the_outputs(clock):
    tracker = AdaptationTracker(1, 2, clock)
    tracker.start("a", 0)
    tracker.record_output(True)
    clock.now += 10
    tracker.start("a", 0)
    assert tracker.finalize().total_outputs == 0
    tracker.record_output(True)
    assert tracker.get_windows()[0].outputs == 1


def test_the_process_s_own_clock():
    tracker = new_adaptation_tracker(3600, 7200)
    tracker.start("a", 0)
    assert tracker.record_output(True) == 0
    assert tracker.finalize().total_outputs == 1


def test_a_task_that_starts_after_any_window_changes_nothing(clock):
    tracker = AdaptationTracker(1e-3, 2e-3, clock)
    tracker.schedule_task_change(1e308, 2, "never")
    tracker.start("a", 0)
    result = tracker.finalize()
    assert [window.task_id for window in result.windows] == [0, 0]
    assert result.task_changes == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda _: AdaptationTracker(0, 1), SpecError, "window duration must be seconds above 0"),
        (lambda _: AdaptationTracker(1, math.nan), SpecError, "total duration"),
        (lambda _: AdaptationTracker(1e-300, 1e300), LimitError, "number of windows"),
        (lambda t: t.record_output(True), SpecError, "has not started"),
        (lambda t: t.finalize(), SpecError, "has not started"),
        (lambda t: t.get_windows(), SpecError, "has not started"),
        (lambda t: t.schedule_task_change(-1, 1, "x"), SpecError, "at_offset must be seconds"),
        (
            lambda t: (t.start("a", 0), t.schedule_task_change(1, 1, "x")),
            SpecError,
            "cannot be scheduled after the start",
        ),
    ],
)
def test_wrong_calls_are_errors(call, error, message, clock):
    with pytest.raises(error, match=message):
        call(AdaptationTracker(1, 2, clock))


def test_comparison_picks_the_best_and_the_most_stable():
    comparison = new_adaptation_comparison()
    assert comparison.get_best_by_avg_accuracy() is None
    assert comparison.get_most_stable() is None
    best = measured([100, 100, 40, 90], name="best")
    stable = measured([60, 60, None, 70], name="stable")  # an empty window is no fall to 0
    empty = measured([None, None], name="empty")
    for result in (empty, best, stable):
        comparison.add_result(result)
    assert comparison.get_best_by_avg_accuracy() is best
    assert comparison.get_most_stable() is stable
    with pytest.raises(SpecError, match="takes results of Finalize, not an object"):
        comparison.add_result({})


def test_tables_are_printed_and_returned(capsys):
    result = measured([100, 45, None], [(1.0, 1, "avoid")], name="Dense-3L", mode="StepBP")
    timeline = result.print_timeline()
    assert timeline.splitlines() == [
        "=== Dense-3L StepBP ===",
        "   1 100.0% ████████████████████",
        "     --- chase → avoid ---",
        "   2  50.0% ██████████",
        "   3     -",
    ]
    summary = result.print_adaptation_summary()
    assert "Outputs: 20 in 3 s" in summary
    assert "chase → avoid at 1 s: 100.0% → 50.0%, recovered after 0 windows" in summary
    comparison = AdaptationComparison()
    comparison.add_result(result)
    table = comparison.print_comparison_timeline("Side by side", 2)
    assert table.splitlines()[2] == "Dense-3L StepBP           100%   50%"
    totals = comparison.print_comparison_summary("All")
    assert "Best mean accuracy: Dense-3L StepBP" in totals
    assert capsys.readouterr().out == "\n".join([timeline, summary, table, totals, ""])
    with pytest.raises(SpecError, match="from 1 to 20, got 21"):
        comparison.print_comparison_timeline("x", 21)


def test_json_has_loom_s_keys_and_nanoseconds(tmp_path):
    result = measured([90, 10], [(1.0, 1, "avoid")])
    comparison = AdaptationComparison()
    comparison.add_result(result)
    path = tmp_path / "comparison.json"
    comparison.save_to_json(str(path))
    (written,) = json.loads(path.read_text(encoding="utf-8"))["results"]
    assert written == json.loads(result.to_json())
    assert list(written) == [
        "model_name", "mode_name", "total_outputs", "avg_accuracy", "windows", "task_changes",
        "duration",
    ]  # fmt: skip
    assert written["windows"][0] == {
        "window_index": 0,
        "duration": 1_000_000_000,
        "outputs": 10,
        "correct": 9,
        "accuracy": 90.0,
        "outputs_per_sec": 10,
        "current_task": "chase",
        "task_id": 0,
    }
    assert written["task_changes"] == [
        {
            "at_time": 1_000_000_000,
            "from_task": "chase",
            "to_task": "avoid",
            "pre_change_window": 0,
            "post_change_window": 1,
            "pre_accuracy": 90.0,
            "post_accuracy": 10.0,
            "recovery_windows": -1,
            "recovery_time": 0,
        }
    ]


def test_adaptation_crosses_the_bridge(tmp_path):
    bridge = Bridge()

    def call(target, name, *args):
        envelope = bridge.call(target, name, list(args))
        assert list(envelope) == ["value"], envelope
        return envelope["value"]

    tracker = call(0, "NewAdaptationTracker", 1000, 2000)["$object"]
    call(tracker, "SetModelInfo", "net", "StepBP")
    call(tracker, "ScheduleTaskChange", 1000, 1, "avoid")
    call(tracker, "Start", "chase", 0)
    assert call(tracker, "RecordOutput", True) == 0
    assert call(tracker, "GetCurrentTask") == 0
    assert call(tracker, "GetWindows")[0]["Correct"] == 1
    made = call(tracker, "Finalize")
    result = made["$object"]
    assert call(result, "ModelName") == "net"
    assert call(result, "ModeName") == "StepBP"
    assert call(result, "TotalOutputs") == 1
    assert call(result, "AvgAccuracy") == 100
    assert call(result, "Duration") == 2000
    assert call(result, "Windows")[1]["TaskID"] == 1
    assert call(result, "TaskChanges")[0]["ToTask"] == "avoid"
    assert call(result, "PrintTimeline").startswith("=== net StepBP ===")
    comparison = call(0, "NewAdaptationComparison")["$object"]
    call(comparison, "AddResult", made)
    assert len(call(comparison, "Results")) == 1
    best = call(comparison, "GetBestByAvgAccuracy")["$object"]
    assert call(best, "AvgAccuracy") == 100
    assert call(call(comparison, "GetMostStable")["$object"], "ModelName") == "net"
    assert json.loads(call(comparison, "ToJSON"))["results"][0]["model_name"] == "net"
    assert "1 in 2000 s" in call(result, "PrintAdaptationSummary")
    assert json.loads(call(result, "ToJSON"))["task_changes"][0]["to_task"] == "avoid"
    assert call(comparison, "PrintComparisonTimeline", "Side by side").count("\n") == 2
    assert "Most stable: net StepBP" in call(comparison, "PrintComparisonSummary", "All")
    call(comparison, "SaveToJSON", str(tmp_path / "all.json"))
    assert (tmp_path / "all.json").read_text(encoding="utf-8") == call(comparison, "ToJSON")
