"""One prediction beside what was expected: its deviation, and the bucket that it falls into."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loom_core.arrays import Array, FloatData, to_numbers
from loom_core.errors import NonFiniteError, ShapeError, SpecError
from loom_core.public import public, result_record

BUCKET_ENDS = (10.0, 20.0, 30.0, 40.0, 50.0, 100.0, math.inf)
"""Largest deviation, in percent, of each bucket; the smallest is the end of the one before."""

BUCKET_NAMES = ("0-10%", "10-20%", "20-30%", "30-40%", "40-50%", "50-100%", "100%+")
FAILURE = BUCKET_NAMES[-1]

TINY = 1e-10
"""An expected value below this is no scale to measure by: the distance itself is taken."""


@result_record
@dataclass(frozen=True)
class PredictionResult:
    """One prediction beside what was expected.

    Args:
        sample_index: Which sample, from 0.
        expected_output: The right value or class number.
        actual_output: The predicted one; NaN where the network gave NaN.
        deviation: Distance in percent of what was expected; infinite for a prediction that is not
            finite.
        bucket: The range of deviations that it lies in, such as ``"10-20%"``.
    """

    # UpdateMetrics takes these records too, exactly as EvaluatePrediction gives them out.

    sample_index: int
    expected_output: float
    actual_output: float
    deviation: float
    bucket: str

    @property
    def correct(self) -> bool:
        """Whether the prediction, rounded to a whole number, is the expected one."""
        return has_class(self) and abs(self.actual_output - self.expected_output) < 0.5


def has_class(result: PredictionResult) -> bool:
    """Whether what was expected is a whole number, so that it can be a class."""
    return float(result.expected_output).is_integer()


def bucket_of(deviation: float) -> str:
    """Return the name of the bucket of a deviation in percent; its end belongs to a bucket."""
    return BUCKET_NAMES[bisect_left(BUCKET_ENDS, deviation)]


@public("EvaluatePrediction")
def evaluate_prediction(sample_index: int, expected: float, actual: float) -> PredictionResult:
    """Return how far one prediction is from what was expected.

    ``deviation = 100 |actual - expected| / |expected|``; where ``|expected| < 1e-10`` it is
    ``100 |actual - expected|``. A prediction that is not finite deviates infinitely: a failure.

    Args:
        sample_index: Which sample, from 0.
        expected: The right value or class number, finite.
        actual: The predicted one; NaN and infinity are allowed.

    Raises:
        NonFiniteError: What was expected is NaN or infinite.

    Source: Loom v0.0.7, evaluation.go, which counts NaN as a deviation of 100 and no failure.

    >>> evaluate_prediction(0, 5.0, 4.0).deviation
    20.0
    """
    return result_of(sample_index, [expected], [actual], expected, actual)


def result_of_vectors(
    sample_index: int, output: FloatData, target: FloatData | float
) -> PredictionResult:
    """Return how far an output of O numbers is from its target.

    ``deviation = 100 ||output - target|| / ||target||`` in Euclidean lengths, which for one number
    is :func:`evaluate_prediction`. Expected and actual are that number, or for several numbers the
    places of the largest: the class numbers of a classifier.

    Args:
        sample_index: Which sample.
        output: (O,) what the network gave.
        target: (O,) what it should have given; for several numbers also the class number.

    Raises:
        ShapeError: Output and target differ in length, or are empty.
        SpecError: Not numbers, or a class number that is none of 0 to O - 1.
        NonFiniteError: The target holds NaN or infinity.
    """
    y = to_numbers(output, "the output").astype(np.float64).reshape(-1)
    t = to_numbers(target, "the target").astype(np.float64).reshape(-1)
    if y.size > 1 and t.size == 1:
        require_classes(t, y.size)
        t = np.eye(1, y.size, int(t[0]))[0]
    if y.size != t.size or y.size == 0:
        raise ShapeError(
            f"the output has {y.size} numbers and the target {t.size}",
            hint="Pass one sample's output, and a target as long or a class number.",
        )
    expected = float(t[0]) if t.size == 1 else float(t.argmax())
    return result_of(sample_index, t, y, expected, float(predictions(y[None])[0]))


def result_of(
    sample_index: int,
    target: Sequence[float] | Array,
    output: Sequence[float] | Array,
    expected: float,
    actual: float,
) -> PredictionResult:
    """Return a result whose deviation is measured between two vectors of equal length."""
    if not all(map(math.isfinite, target)):
        raise NonFiniteError(
            f"what is expected of sample {sample_index} holds NaN or infinity",
            hint="Leave the sample out, or correct its target.",
        )
    deviation = math.inf
    if all(map(math.isfinite, output)):
        scale = math.hypot(*target)
        distance = math.dist(target, output)
        if math.isfinite(distance) or math.isfinite(scale):
            deviation = (distance if scale < TINY else distance / scale) * 100
    return PredictionResult(
        sample_index, float(expected), float(actual), deviation, bucket_of(deviation)
    )


def predictions(outputs: Array) -> Array:
    """Return what each row of (B, O) outputs predicts, as (B,) float64.

    One number is the prediction itself; of several it is the place of the largest, the first of
    equals. A row with a NaN in it predicts NaN.
    """
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0], np.float64)
    places: Array = outputs.argmax(axis=1).astype(np.float64)
    places[np.isnan(outputs).any(axis=1)] = np.nan
    return places


def require_classes(expected: Array, classes: int) -> None:
    """Raise :class:`SpecError` unless all numbers are class numbers from 0 to classes - 1."""
    wrong = (expected != np.floor(expected)) | (expected < 0) | (expected >= classes)
    if wrong.any():
        raise SpecError(
            f"{expected[wrong][0]:g} is not a class: the network has {classes} outputs, so what is "
            f"expected must be a whole number from 0 to {classes - 1}",
            hint="Pass the position of the right output for each sample.",
        )


def require_consistent(result: PredictionResult) -> None:
    """Raise unless a result from outside could be one of ours; see ``update_metrics``."""
    for name in ("expected_output", "actual_output", "deviation"):
        value: Any = getattr(result, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpecError(f"{name} must be a number, got {value!r:.40}")
    if not math.isfinite(result.expected_output):
        raise NonFiniteError(f"expected_output of sample {result.sample_index} is not finite")
    index = result.sample_index
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise SpecError(f"sample_index must be a whole number of at least 0, got {index!r:.40}")
    if not result.deviation >= 0:
        raise SpecError(f"the deviation of sample {index} must be at least 0: {result.deviation}")
    if result.bucket != bucket_of(result.deviation):
        raise SpecError(
            f"sample {index} has bucket {result.bucket!r:.40}, but a deviation of "
            f"{result.deviation:g} percent is in {bucket_of(result.deviation)!r}",
            hint="Make results with EvaluatePrediction.",
        )
