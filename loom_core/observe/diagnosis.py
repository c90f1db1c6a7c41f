"""What goes wrong in training, read from statistics, with measure, threshold and advice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from loom_core.errors import SpecError
from loom_core.observe.records import LayerStats
from loom_core.public import public, read_record, record, record_fields, result_record

Place = tuple[int, ...]
"""Index of a layer of the grid, then the numbers of the children on the way inside it."""

Problem = Literal[
    "not_finite",
    "exploding_gradients",
    "large_outputs",
    "vanishing_gradients",
    "dead_relu",
    "saturated",
]

ADVICE: dict[str, list[str]] = {
    "not_finite": [
        "Lower the learning rate.",
        "Clip the gradients.",
        "Check the inputs and targets for NaN and for very large numbers.",
        "Load the weights that were saved before.",
    ],
    "exploding_gradients": [
        "Clip the gradients.",
        "Lower the learning rate.",
        "Draw smaller weights at the start.",
    ],
    "large_outputs": [
        "Scale the inputs to about -1 to 1.",
        "Put a normalisation layer before this one.",
        "Draw smaller weights at the start.",
    ],
    "vanishing_gradients": [
        "Use ReLU or leaky ReLU instead of sigmoid and tanh.",
        "Add residual connections.",
        "Put normalisation layers between the layers.",
    ],
    "dead_relu": [
        "Use leaky ReLU instead of ReLU.",
        "Lower the learning rate.",
        "Draw the weights anew with another seed, or smaller biases.",
    ],
    "saturated": [
        "Use ReLU or leaky ReLU instead of sigmoid and tanh.",
        "Scale the inputs, or put a normalisation layer before this one.",
        "Lower the learning rate.",
    ],
}
"""What to try, the likeliest first."""


@record
@dataclass(frozen=True)
class DiagnosisThresholds:
    """From where on a measure is a finding.

    Args:
        vanishing_gradient: A gradient norm below this.
        exploding_gradient: A gradient norm above this.
        large_output: An output of a magnitude above this.
        dead_share: A share of dead neurons above this, 0 to 1.
        saturated_share: A share of saturated outputs above this, 0 to 1.
    """

    vanishing_gradient: float = 1e-6
    exploding_gradient: float = 100.0
    large_output: float = 100.0
    dead_share: float = 0.5
    saturated_share: float = 0.5

    def require_valid(self) -> None:
        """Raise :class:`SpecError` for a threshold that is no finite number of at least 0."""
        for item in record_fields(type(self)):
            value = getattr(self, item.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not math.isfinite(value) or value < 0:
                raise SpecError(f"{item.name} must be finite and at least 0, got {value!r}")


@result_record
@dataclass(frozen=True)
class DiagnosisFinding:
    """One thing that is wrong.

    Args:
        problem: Which.
        layer_index: The layer of the grid.
        layer_path: Numbers of the children on the way to a layer inside it.
        layer_type: ``"Dense"`` ...
        measure: The field of LayerStats that shows it.
        value: Its worst value.
        threshold: What it passed.
        occurrences: In how many of the statistics.
        observations: Of how many of this layer in such a pass.
        message: In words.
        advice: What to try, the likeliest first.
    """

    problem: Problem
    layer_index: int
    layer_path: list[int]
    layer_type: str
    measure: str
    value: float
    threshold: float
    occurrences: int
    observations: int
    message: str
    advice: list[str]


@dataclass(frozen=True, slots=True)
class _Symptom:
    problem: Problem
    measure: str
    value: float
    threshold: float
    words: str


@public("DiagnoseStats")
def diagnose_stats(
    stats: Sequence[LayerStats], thresholds: DiagnosisThresholds | None = None
) -> list[DiagnosisFinding]:
    """Return what is wrong in some statistics, the worst kind first, then layer by layer.

    Args:
        stats: Forward, backward or both, as observers record them, oldest first.
        thresholds: The guide's where left out.

    Raises:
        SpecError: A threshold is no number of at least 0.
    """
    limits = read_record(DiagnosisThresholds, thresholds if thresholds is not None else {})
    limits.require_valid()
    records = [read_record(LayerStats, item) for item in stats]
    seen: Counter[tuple[Place, bool]] = Counter()
    found: dict[tuple[str, Place], list[_Symptom]] = {}
    types: dict[Place, str] = {}
    for item in records:
        place = (item.layer_index, *item.layer_path)
        seen[place, item.gradient_norm is not None] += 1
        types[place] = item.layer_type
        for symptom in _symptoms(item, limits):
            found.setdefault((symptom.problem, place), []).append(symptom)
    order = list(ADVICE)
    return [
        _finding(place, types[place], found[problem, place], seen)
        for problem, place in sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    ]


def _symptoms(stats: LayerStats, limits: DiagnosisThresholds) -> Iterator[_Symptom]:
    norm = stats.gradient_norm
    broken = stats.nan_count + stats.inf_count
    if broken or (norm is not None and not math.isfinite(norm)):
        what = "outputs" if norm is None else "gradients"
        yield _Symptom(
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
        yield _Symptom("large_outputs", measure, largest, limits.large_output, words)
    dead = stats.dead_neurons / max(stats.neurons, 1)
    if stats.activation == "ReLU" and dead > limits.dead_share:
        words = f"has {dead:.0%} dead neurons"
        yield _Symptom("dead_relu", "DeadNeurons", dead, limits.dead_share, words)
    flat = stats.saturated_share
    if flat is not None and flat > limits.saturated_share:
        words = f"has {flat:.0%} of its {stats.activation} outputs saturated"
        yield _Symptom("saturated", "SaturatedShare", flat, limits.saturated_share, words)


def _gradient_symptoms(norm: float, limits: DiagnosisThresholds) -> Iterator[_Symptom]:
    if norm > limits.exploding_gradient:
        words = f"has exploding gradients of norm {norm:.4g}"
        yield _Symptom(
            "exploding_gradients", "GradientNorm", norm, limits.exploding_gradient, words
        )
    if norm < limits.vanishing_gradient:
        words = f"has vanishing gradients of norm {norm:.2e}"
        yield _Symptom(
            "vanishing_gradients", "GradientNorm", norm, limits.vanishing_gradient, words
        )


def _finding(
    place: Place, kind: str, symptoms: Sequence[_Symptom], seen: Counter[tuple[Place, bool]]
) -> DiagnosisFinding:
    """Return the worst of a layer's symptoms of one kind, with how often there was one."""
    problem = symptoms[0].problem
    pick = min if problem == "vanishing_gradients" else max
    worst = pick(symptoms, key=lambda symptom: symptom.value)
    gradients = problem in ("vanishing_gradients", "exploding_gradients")
    passes = (True, False) if problem == "not_finite" else (gradients,)
    return DiagnosisFinding(
        problem=problem,
        layer_index=place[0],
        layer_path=list(place[1:]),
        layer_type=kind,
        measure=worst.measure,
        value=worst.value,
        threshold=worst.threshold,
        occurrences=len(symptoms),
        observations=sum(seen[place, backward] for backward in passes),
        message=f"Layer {'.'.join(map(str, place))} ({kind}) {worst.words}.",
        advice=list(ADVICE[problem]),
    )
