"""Milestones of trainings, and which way of training is called the best."""

import json
import math

import pytest

from loom_core import (
    ComparisonResult,
    SpecError,
    TrainingMetrics,
)
from loom_core.bridge import Bridge
from loom_core.evaluate.method_comparison import new_comparison_result
from loom_core.evaluate.training_metrics import new_training_metrics


def run(accuracy, loss, steps=100):
    return new_training_metrics(steps=steps, accuracy=accuracy, loss=loss, time_total=1.0)


def best(**methods):
    return ComparisonResult("net", 3, methods).determine_best()


def test_milestones_keep_their_first_time():
    metrics = TrainingMetrics()
    assert list(metrics.milestones) == list(range(10, 101, 10))
    assert set(metrics.milestones.values()) == {None}
    metrics.update_milestone(9.9, 0.5)
    metrics.update_milestone(31.0, 1.0)
    metrics.update_milestone(12.0, 2.0)
    metrics.update_milestone(50.0, 3.0)
    reached = {percent: at for percent, at in metrics.milestones.items() if at is not None}
    assert reached == {10: 1.0, 20: 1.0, 30: 1.0, 40: 3.0, 50: 3.0}


def test_a_milestone_at_time_zero_counts():
    metrics = TrainingMetrics()
    metrics.update_milestone(10.0, 0.0)
    metrics.update_milestone(10.0, 5.0)
    assert metrics.milestones[10] == 0.0


def test_a_milestone_needs_a_time():
    for elapsed in (-1.0, math.nan, math.inf):
        with pytest.raises(SpecError, match="elapsed must be seconds"):
            TrainingMetrics().update_milestone(50.0, elapsed)
    metrics = TrainingMetrics()
    metrics.update_milestone(math.nan, 1.0)
    assert set(metrics.milestones.values()) == {None}


@pytest.mark.parametrize(
    ("methods", "label"),
    [
        ({"normal_bp": run(90, 0.1)}, "NormalBP ✓"),
        ({"normal_bp": run(90, 0.1), "step_bp": run(95, 0.5)}, "Step+BP ✓"),
        ({"normal_bp": run(90, 0.1), "step_tween_chain": run(90.5, 0.2)}, "NormalBP ✓"),
        ({"normal_bp": run(90, 0.3), "batch_tween": run(89.5, 0.2)}, "BatchTween ✓"),
        # 100, 99.2, 98.4: each is near the one before, the last is not near the best
        (
            {
                "normal_bp": run(100, 0.3),
                "normal_tween": run(99.2, 0.2),
                "step_tween": run(98.4, 0.1),
            },
            "NormTween ✓",
        ),
        # what never ran has accuracy 0 and loss 0
        ({"step_batch_tween": run(0.5, 0.9)}, "StepBatch ✓"),
        ({"step_batch_tween": run(0.0, 0.9)}, "StepBatch ✓"),
        # NaN is the largest loss, and the lowest accuracy
        ({"normal_bp": run(90, math.nan), "step_bp": run(89.5, 5.0)}, "Step+BP ✓"),
        ({"normal_bp": run(math.nan, 0.0), "step_bp": run(1, 5.0)}, "Step+BP ✓"),
        ({"normal_bp": run(80, 0.2), "step_bp": run(80, 0.2)}, "NormalBP ✓"),
        ({"normal_bp": run(80, 0.2), "step_bp": run(80.5, 0.2)}, "Step+BP ✓"),
    ],
)
def test_the_best_way_of_training(methods, label):
    assert best(**methods) == label


def test_without_a_run_there_is_no_best():
    with pytest.raises(SpecError, match="no way of training 'net' was run"):
        best()


def test_names_of_ways_are_checked():
    with pytest.raises(SpecError, match="no metrics of a way of training: 'magic'") as caught:
        best(magic=run(1, 1))
    assert "StepTweenChain" in caught.value.hint
    with pytest.raises(SpecError, match="'step_bp'"):
        best(step_bp={"accuracy": 3})


def test_json_has_loom_s_keys_and_nanoseconds():
    metrics = run(92.5, 0.25)
    metrics.update_milestone(20.0, 1.5)
    comparison = new_comparison_result("Dense-3L", 3, {"StepBP": metrics})
    written = json.loads(comparison.to_json())
    assert list(written) == [
        "name", "num_layers", "normal_bp", "normal_tween", "step_bp", "step_tween",
        "step_tween_chain", "batch_tween", "step_batch_tween",
    ]  # fmt: skip
    assert written["step_bp"] == json.loads(metrics.to_json())
    assert written["step_bp"] == {
        "steps": 100,
        "accuracy": 92.5,
        "loss": 0.25,
        "time_total": 1_000_000_000,
        "time_to_target": 0,
        "memory_peak_mb": 0.0,
        "milestones": {str(p): 1_500_000_000 if p <= 20 else 0 for p in range(10, 101, 10)},
    }
    assert json.loads(run(1, math.nan).to_json())["loss"] is None


def test_comparisons_cross_the_bridge():
    bridge = Bridge()

    def call(target, name, *args):
        envelope = bridge.call(target, name, list(args))
        assert list(envelope) == ["value"], envelope
        return envelope["value"]

    metrics = call(0, "NewTrainingMetrics", 10, 80.0, 0.5)
    call(metrics["$object"], "UpdateMilestone", 20.0, 1.0)
    assert call(metrics["$object"], "Milestones")["20"] == 1.0
    assert call(metrics["$object"], "Milestones")["30"] is None
    assert call(metrics["$object"], "Accuracy") == 80.0
    comparison = call(0, "NewComparisonResult", "net", 3, {"StepTween": metrics})["$object"]
    assert call(comparison, "DetermineBest") == "StepTween ✓"
    assert call(comparison, "Name") == "net"
    assert call(comparison, "NumLayers") == 3
    for name in ("NormalBP", "NormalTween", "StepBP", "StepTweenChain", "BatchTween"):
        assert call(call(comparison, name)["$object"], "Steps") == 0
    assert call(call(comparison, "StepTween")["$object"], "Steps") == 10
    assert call(call(comparison, "StepBatchTween")["$object"], "Loss") == 0
    made = call(0, "NewTrainingMetrics", 7, 90, 0.1, 2, 1, 64)["$object"]
    names = ("Steps", "Accuracy", "Loss", "TimeTotal", "TimeToTarget", "MemoryPeakMB")
    assert [call(made, name) for name in names] == [7, 90, 0.1, 2, 1, 64]
    assert json.loads(call(made, "ToJSON"))["time_to_target"] == 1_000_000_000
    assert json.loads(call(comparison, "ToJSON"))["step_tween"]["steps"] == 10
