"""The predictions of a whole data set: how many deviate how much, and which are the worst."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loom_core.arrays import Array, FloatData, to_numbers
from loom_core.console_text import print_text
from loom_core.errors import ShapeError, SpecError
from loom_core.evaluate.metrics_json import write_metrics
from loom_core.evaluate.prediction import (
    BUCKET_ENDS,
    BUCKET_NAMES,
    FAILURE,
    PredictionResult,
    evaluate_prediction,
    has_class,
    predictions,
    require_classes,
    require_consistent,
    result_of_vectors,
)
from loom_core.evaluate.summary import summary_text
from loom_core.layers.base import positive
from loom_core.public import public, public_class, read_record, result_record


@result_record
@dataclass(frozen=True)
class DeviationBucket:
    """The samples whose deviation lies in one range.

    Args:
        range_min: Percent; not in the range itself, but for 0.
        range_max: Percent, in the range; infinite for the last bucket.
        count: How many samples.
        samples: Their indices, in the order in which they came.
    """

    range_min: float
    range_max: float
    count: int
    samples: list[int]


@public_class
class DeviationMetrics:
    """How far predictions are from what was expected: seven buckets, a score, every result.

    The score is the mean of ``max(0, 100 - deviation)``. It takes a class number for a magnitude
    (expected 5, predicted 4 is a deviation of 20 percent); how a classifier does is what
    :attr:`accuracy` says.

    Source: Loom v0.0.7, evaluation.go; seeds 001 and 002.
    """

    def __init__(self) -> None:
        self.reset()

    def __str__(self) -> str:
        return summary_text(self)

    @public("Reset")
    def reset(self) -> None:
        """Forget every result."""
        self._results: list[PredictionResult] = []
        self._samples: dict[str, list[int]] = {name: [] for name in BUCKET_NAMES}
        self._score_sum = self._deviation_sum = 0.0
        self._correct = self._classes = 0

    # Results going in

    @public("Update")
    def update(self, output: FloatData, target: FloatData | float) -> None:
        """Add the output of one sample; raises and measures as ``result_of_vectors``.

        Args:
            output: (O,) what the network gave.
            target: (O,) what it should have given, or the class number.
        """
        self._add(result_of_vectors(self.total_samples, output, target))

    @public("UpdateMetrics")
    def update_metrics(self, result: PredictionResult) -> None:
        """Add a result of EvaluatePrediction.

        Args:
            result: As EvaluatePrediction returned it.

        Raises:
            SpecError: Its deviation is no percentage, or lies in another bucket.
            NonFiniteError: What was expected is not finite.
        """
        result = read_record(PredictionResult, result)
        require_consistent(result)
        self._add(result)

    def update_outputs(self, outputs: Array, expected: Array) -> None:
        """Add the outputs of several samples.

        Args:
            outputs: (B, O) what the network gave.
            expected: (B,) the right values, or class numbers where O is more than 1.

        Raises:
            SpecError: An expected number is no class.
            NonFiniteError: An expected number is NaN or infinite.
        """
        if outputs.shape[1] > 1:
            require_classes(expected, outputs.shape[1])
        start = self.total_samples
        pairs = zip(expected.tolist(), predictions(outputs).tolist(), strict=True)
        for result in [evaluate_prediction(start + i, e, a) for i, (e, a) in enumerate(pairs)]:
            self._add(result)

    def _add(self, result: PredictionResult) -> None:
        self._results.append(result)
        self._samples[result.bucket].append(result.sample_index)
        self._score_sum += _points(result)
        self._deviation_sum += result.deviation
        self._correct += result.correct
        self._classes += has_class(result)

    @public("ComputeFinalMetrics")
    def compute_final_metrics(self) -> None:
        """Sum again, without the rounding errors of many additions; any number of times."""
        self._score_sum = math.fsum(_points(result) for result in self._results)
        try:
            self._deviation_sum = math.fsum(result.deviation for result in self._results)
        except OverflowError:  # a sum beyond all floats, as adding them one by one gives
            self._deviation_sum = math.inf

    # What they say

    @property
    @public("TotalSamples")
    def total_samples(self) -> int:
        """How many predictions were added."""
        return len(self._results)

    @property
    @public("Results")
    def results(self) -> list[PredictionResult]:
        """Every prediction, in the order in which they came."""
        return list(self._results)

    @property
    @public("Score")
    def score(self) -> float:
        """Mean of ``max(0, 100 - deviation)``, 0 to 100; 0 without samples."""
        return self._score_sum / max(self.total_samples, 1)

    @property
    @public("AverageDeviation")
    def average_deviation(self) -> float:
        """Mean deviation in percent; 0 without samples, infinite if one is."""
        return self._deviation_sum / max(self.total_samples, 1)

    @property
    @public("Failures")
    def failures(self) -> int:
        """How many predictions deviate by more than 100 percent."""
        return len(self._samples[FAILURE])

    @property
    @public("CorrectCount")
    def correct_count(self) -> int:
        """How many predictions are the expected whole number when rounded."""
        return self._correct

    @property
    @public("Accuracy")
    def accuracy(self) -> float | None:
        """Share of correct predictions, 0 to 1; None unless all expected are whole numbers."""
        every = 0 < self.total_samples == self._classes
        return self._correct / self.total_samples if every else None

    @property
    @public("Buckets")
    def buckets(self) -> dict[str, DeviationBucket]:
        """The seven buckets by name, the best first."""
        starts = (0.0, *BUCKET_ENDS)
        return {
            name: DeviationBucket(start, end, len(samples), list(samples))
            for (name, samples), start, end in zip(
                self._samples.items(), starts, BUCKET_ENDS, strict=False
            )
        }

    @public("GetSamplesInBucket")
    def get_samples_in_bucket(self, bucket_name: str) -> list[int]:
        """Return the indices of the samples in one bucket.

        Args:
            bucket_name: One of the seven, from ``"0-10%"`` to ``"100%+"``.

        Raises:
            SpecError: There is no bucket of that name.
        """
        if not isinstance(bucket_name, str) or bucket_name not in self._samples:
            raise SpecError(
                f"there is no bucket {bucket_name!r:.40}",
                hint=f"The buckets are {', '.join(BUCKET_NAMES)}.",
            )
        return list(self._samples[bucket_name])

    @public("GetWorstSamples")
    def get_worst_samples(self, n: int) -> list[PredictionResult]:
        """Return the n results of highest deviation, the worst first, or all if there are fewer.

        Args:
            n: How many at most, at least 0.

        Raises:
            SpecError: n is no whole number of at least 0.
        """
        count = positive(n, "n", 0)
        return sorted(self._results, key=lambda result: -result.deviation)[:count]

    @public("PrintSummary")
    def print_summary(self) -> str:
        """Print totals, the buckets as bars and the worst five predictions; return the text."""
        text = summary_text(self)
        print_text(text + "\n")
        return text

    # Persistence

    @public("SaveMetricsToString")
    def save_metrics_to_string(self) -> str:
        """Return the metrics as JSON, as Loom writes it."""
        return write_metrics(self)

    @public("SaveMetrics")
    def save_metrics(self, filename: str) -> None:
        """Write the metrics to a JSON file.

        Args:
            filename: Path of the file; one that is there is replaced.

        Raises:
            OSError: The file cannot be written.
        """
        Path(filename).write_text(write_metrics(self), encoding="utf-8")


def _points(result: PredictionResult) -> float:
    return max(0.0, 100.0 - result.deviation)


@public("NewDeviationMetrics")
def new_deviation_metrics() -> DeviationMetrics:
    """Return metrics without any result."""
    return DeviationMetrics()


@public("EvaluateModel")
def evaluate_model(expected_outputs: FloatData, actual_outputs: FloatData) -> DeviationMetrics:
    """Return the metrics of a list of predictions.

    Args:
        expected_outputs: (N,) right values or class numbers.
        actual_outputs: (N,) predicted ones.

    Raises:
        ShapeError: The lists differ in length.
        SpecError: They hold anything but numbers.
        NonFiniteError: An expected one is NaN or infinite.
    """
    expected = to_numbers(expected_outputs, "what is expected").astype(np.float64).reshape(-1)
    actual = to_numbers(actual_outputs, "what was predicted").astype(np.float64).reshape(-1)
    if expected.size != actual.size:
        raise ShapeError(f"{expected.size} values are expected, {actual.size} were predicted")
    metrics = DeviationMetrics()
    metrics.update_outputs(actual[:, None], expected)
    metrics.compute_final_metrics()
    return metrics
