"""How ways of training the same network compare: what each reached, and which is the best."""

from __future__ import annotations

import json
import math
from typing import Any

from loom_core.errors import SpecError
from loom_core.public import public, public_class

MILESTONES = tuple(range(10, 101, 10))
"""Percent of accuracy whose first time is noted."""

NANOSECONDS = 1_000_000_000

CLOSE = 1.0
"""Accuracies within so many points of the best are equal; the loss decides among them."""


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
            "time_total": _nanoseconds(self.time_total),
            "time_to_target": _nanoseconds(self.time_to_target),
            "memory_peak_mb": self.memory_peak_mb,
            "milestones": {
                str(percent): _nanoseconds(seconds or 0.0)
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


METHODS = {
    "normal_bp": ("NormalBP", "NormalBP"),
    "normal_tween": ("NormalTween", "NormTween"),
    "step_bp": ("StepBP", "Step+BP"),
    "step_tween": ("StepTween", "StepTween"),
    "step_tween_chain": ("StepTweenChain", "TChain"),
    "batch_tween": ("BatchTween", "BatchTween"),
    "step_batch_tween": ("StepBatchTween", "StepBatch"),
}
"""The ways of training by JSON key: their public name, and what tables call them."""


@public_class
class ComparisonResult:
    """What several ways of training the same network reached.

    Args:
        name: Of the network or the test.
        num_layers: How deep the network is.
        methods: Metrics by way of training: its public name, such as ``"StepBP"``, or its JSON key.

    Raises:
        SpecError: A way of training that there is not.

    Source: Loom v0.0.7, evaluation.go.
    """

    def __init__(
        self, name: str, num_layers: int, methods: dict[str, TrainingMetrics] | None = None
    ) -> None:
        self._name = name
        self._num_layers = num_layers
        self._metrics = {key: TrainingMetrics() for key in METHODS}
        keys = {public_name: key for key, (public_name, _) in METHODS.items()}
        for method, metrics in (methods or {}).items():
            key = keys.get(method, method)
            if key not in METHODS or not isinstance(metrics, TrainingMetrics):
                raise SpecError(
                    f"no metrics of a way of training: {method!r:.40}",
                    hint=f"Pass TrainingMetrics under {', '.join(keys)}.",
                )
            self._metrics[key] = metrics

    @property
    @public("Name")
    def name(self) -> str:
        """Name of the network or the test."""
        return self._name

    @property
    @public("NumLayers")
    def num_layers(self) -> int:
        """How deep the network is."""
        return self._num_layers

    @property
    @public("NormalBP")
    def normal_bp(self) -> TrainingMetrics:
        """Backpropagation through whole passes."""
        return self._metrics["normal_bp"]

    @property
    @public("NormalTween")
    def normal_tween(self) -> TrainingMetrics:
        """Tweening through whole passes."""
        return self._metrics["normal_tween"]

    @property
    @public("StepBP")
    def step_bp(self) -> TrainingMetrics:
        """Backpropagation in steps."""
        return self._metrics["step_bp"]

    @property
    @public("StepTween")
    def step_tween(self) -> TrainingMetrics:
        """Tweening in steps, without the chain rule."""
        return self._metrics["step_tween"]

    @property
    @public("StepTweenChain")
    def step_tween_chain(self) -> TrainingMetrics:
        """Tweening in steps, with the chain rule."""
        return self._metrics["step_tween_chain"]

    @property
    @public("BatchTween")
    def batch_tween(self) -> TrainingMetrics:
        """Tweening by batches."""
        return self._metrics["batch_tween"]

    @property
    @public("StepBatchTween")
    def step_batch_tween(self) -> TrainingMetrics:
        """Tweening in steps, by batches."""
        return self._metrics["step_batch_tween"]

    @public("DetermineBest")
    def determine_best(self) -> str:
        """Return the label of the best way of training, with a check mark behind it.

        The best has the highest accuracy; among those less than one point below it, the smallest
        loss (one that is NaN is the largest), then the higher accuracy, then the one named first.
        A way that was never run takes no part.

        Raises:
            SpecError: None was run.
        """
        ran = {key: metrics for key, metrics in self._metrics.items() if metrics.ran}
        if not ran:
            raise SpecError(
                f"no way of training {self._name!r:.60} was run",
                hint="Give TrainingMetrics that a training filled in.",
            )
        accuracy = {key: _or(metrics.accuracy, -math.inf) for key, metrics in ran.items()}
        close = [key for key in ran if accuracy[key] >= max(accuracy.values()) - CLOSE]
        best = min(close, key=lambda key: (_or(ran[key].loss, math.inf), -accuracy[key]))
        return f"{METHODS[best][1]} ✓"

    @public("ToJSON")
    def to_json(self) -> str:
        """Return the comparison as Loom's JSON."""
        document = {"name": self._name, "num_layers": self._num_layers} | {
            key: metrics.as_json() for key, metrics in self._metrics.items()
        }
        return json.dumps(document, indent=2, allow_nan=False)


@public("NewComparisonResult")
def new_comparison_result(
    name: str, num_layers: int, methods: dict[str, TrainingMetrics] | None = None
) -> ComparisonResult:
    """Return a comparison of metrics by way of training: NormalBP, StepBP, StepTween, ..."""
    return ComparisonResult(name, num_layers, methods)


def _or(value: float, replacement: float) -> float:
    return replacement if math.isnan(value) else value


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _nanoseconds(seconds: float) -> int:
    return round(seconds * NANOSECONDS)
