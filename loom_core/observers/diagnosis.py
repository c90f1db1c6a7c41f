"""What goes wrong in training, read from statistics, with measure, threshold and advice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from loom_core.activations import ACTIVATIONS
from loom_core.observers.records import LayerStats
from loom_core.observers.symptoms import (
    DiagnosisThresholds,
    Problem,
    Symptom,
    dead_symptoms,
    symptoms_of,
)
from loom_core.public import public, read_record, result_record

Place = tuple[int, ...]
"""Index of a layer of the grid, then the numbers of the children on the way inside it."""

INSTEAD = "Use ReLU or leaky ReLU instead of sigmoid and tanh."

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
    "dead_relu": [
        "Use leaky ReLU instead of ReLU.",
        "Lower the learning rate.",
        "Draw the weights anew with another seed, or smaller biases.",
    ],
    "vanishing_gradients": [
        INSTEAD,
        "Add residual connections.",
        "Put normalisation layers between the layers.",
    ],
    "saturated": [
        INSTEAD,
        "Scale the inputs, or put a normalisation layer before this one.",
        "Lower the learning rate.",
    ],
}
"""What to try, the likeliest first; a problem that can cause another stands before it."""

FLAT = {row.word for row in ACTIVATIONS.values() if row.bounds}
"""Activations that :data:`INSTEAD` speaks of."""

RECTIFIERS = {row.word for row in ACTIVATIONS.values() if row.rectifies}
"""Activations whose neurons can be dead."""


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
    found: dict[tuple[str, Place], list[Symptom]] = {}
    layers: dict[Place, LayerStats] = {}
    rectified: dict[Place, list[LayerStats]] = {}
    for item in records:
        place = (item.layer_index, *item.layer_path)
        seen[place, item.gradient_norm is not None] += 1
        layers[place] = item
        if item.activation in RECTIFIERS and item.gradient_norm is None:
            rectified.setdefault(place, []).append(item)
        for symptom in symptoms_of(item, limits):
            found.setdefault((symptom.problem, place), []).append(symptom)
    for place, passes in rectified.items():
        if dead := list(dead_symptoms(passes, limits)):
            found["dead_relu", place] = dead
    order = list(ADVICE)
    findings = [
        _finding(place, layers[place].layer_type, found[problem, place], seen)
        for problem, place in sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    ]
    return [_explained(finding, findings, layers) for finding in findings]


def _finding(
    place: Place, kind: str, symptoms: Sequence[Symptom], seen: Counter[tuple[Place, bool]]
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
        occurrences=sum(symptom.passes for symptom in symptoms),
        observations=sum(seen[place, backward] for backward in passes),
        message=f"Layer {_dotted(place)} ({kind}) {worst.words}.",
        advice=list(ADVICE[problem]),
    )


def _explained(
    finding: DiagnosisFinding,
    findings: Sequence[DiagnosisFinding],
    layers: dict[Place, LayerStats],
) -> DiagnosisFinding:
    """Return a finding of vanishing gradients with its cause, where that is a dead layer.

    Without one, the advice about activations is left out where no layer from there on has them.
    """
    if finding.problem != "vanishing_gradients":
        return finding
    here = _place(finding)
    for other in findings:
        # A layer of which nothing is alive lets no gradient through to those before it.
        if other.problem == "dead_relu" and other.value == 1 and _place(other) >= here:
            cause = f", because all neurons of layer {_dotted(_place(other))} are dead."
            message = finding.message.removesuffix(".") + cause
            return replace(finding, message=message, advice=other.advice)
    if any(place >= here and stats.activation in FLAT for place, stats in layers.items()):
        return finding
    return replace(finding, advice=[line for line in finding.advice if line != INSTEAD])


def _place(finding: DiagnosisFinding) -> Place:
    return (finding.layer_index, *finding.layer_path)


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))
