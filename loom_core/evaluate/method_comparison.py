"""How ways of training the same network compare: what each reached, and which is the best."""

from __future__ import annotations

import json
import math

from loom_core.errors import SpecError
from loom_core.evaluate.training_metrics import TrainingMetrics
from loom_core.public import public, public_class

CLOSE = 1.0
"""Accuracies within so many points of the best are equal; the loss decides among them."""

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
