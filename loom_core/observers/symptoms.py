"""What of a layer's statistics is a symptom, and from where on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from loom_core.errors import SpecError
from loom_core.observers.records import LayerStats
from loom_core.public import record, record_fields

Problem = Literal[
    "not_finite",
    "exploding_gradients",
    "large_outputs",
    "vanishing_gradients",
    "dead_relu",
    "saturated",
]


@record
@dataclass(frozen=True)
class DiagnosisThresholds:
    """From where on a measure is a finding.

    Args:
        vanishing_gradient: A gradient norm below this.
        exploding_gradient: A gradient norm above this.
        large_output: An output of a magnitude above this.
        dead_share: A share of dead neurons above this, 0 to 1.
        dead_samples: Samples in which a neuron must be 0, all of them, to count as dead. Healthy
            ones are 0 in every second sample or more often, so few samples say nothing.
        saturated_share: A share of saturated outputs above this, 0 to 1.
    """

    vanishing_gradient: float = 1e-6
    exploding_gradient: float = 100.0
    large_output: float = 100.0
    dead_share: float = 0.5
    dead_samples: int = 8
    saturated_share: float = 0.5

    def require_valid(self) -> None:
        """Raise :class:`SpecError` for a threshold that is no finite number of at least 0."""
        for item in record_fields(type(self)):
            value = getattr(self, item.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not math.isfinite(value) or value < 0:
                raise SpecError(f"{item.name} must be finite and at least 0, got {value!r}")


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is wrong in one pass, or in some that were joined."""

    problem: Problem
    measure: str
    value: float
    threshold: float
    words: str
    passes: int = 1


def symptoms_of(stats: LayerStats, limits: DiagnosisThresholds) -> Iterator[Symptom]:
    """Yield what is wrong in one pass, but for dead neurons."""
    norm = stats.gradient_norm
    broken = stats.nan_count + stats.inf_count
    if broken or (norm is not None and not math.isfinite(norm)):
        what = "outputs" if norm is None else "gradients"
        yield Symptom(
            "not_finite", "NaNCount", float(broken), 0.0, f"has {what} that are NaN or infinite"
        )
        return
    if norm is not None:
        yield from _gradient_symptoms(norm, limits)
        return
    largest = max(abs(stats.output_min), abs(stats.output_max))
    if largest > limits.large_output:
        measure = "OutputMax" if largest == abs(stats.output_max) else "OutputMin"
        words = f"gives outputs of magnitude {largest:.4g}"
        yield Symptom("large_outputs", measure, largest, limits.large_output, words)
    flat = stats.saturated_share
    if flat is not None and flat > limits.saturated_share:
        words = f"has {flat:.0%} of its {stats.activation} outputs saturated"
        yield Symptom("saturated", "SaturatedShare", flat, limits.saturated_share, words)


def dead_symptoms(passes: Sequence[LayerStats], limits: DiagnosisThresholds) -> Iterator[Symptom]:
    """Yield where too many neurons of a ReLU layer are dead in so many samples that it counts.

    Passes of fewer samples are joined. Which neurons were 0 is not known, only how many, so of
    those that are alive in joined passes the most that there can be are taken: dead is at least
    ``1 - sum(alive)``, in shares of the layer.
    """
    samples, alive, joined = 0, 0.0, 0
    for stats in passes:
        samples += stats.output_shape[0] if stats.output_shape else 1
        alive += 1 - stats.dead_neurons / max(stats.neurons, 1)
        joined += 1
        if samples < limits.dead_samples:
            continue
        dead = 1 - alive
        if dead > limits.dead_share:
            words = f"has {dead:.0%} dead neurons"
            yield Symptom("dead_relu", "DeadNeurons", dead, limits.dead_share, words, joined)
        samples, alive, joined = 0, 0.0, 0


def _gradient_symptoms(norm: float, limits: DiagnosisThresholds) -> Iterator[Symptom]:
    if norm > limits.exploding_gradient:
        words = f"has exploding gradients of norm {norm:.4g}"
        yield Symptom("exploding_gradients", "GradientNorm", norm, limits.exploding_gradient, words)
    if norm < limits.vanishing_gradient:
        words = f"has vanishing gradients of norm {norm:.2e}"
        yield Symptom("vanishing_gradients", "GradientNorm", norm, limits.vanishing_gradient, words)
