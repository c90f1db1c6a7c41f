"""How far the predictions of a data set are from what was expected: results, buckets, scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loom_core.arrays import Array, FloatData
from loom_core.checks import positive
from loom_core.errors import SpecError
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
from loom_core.public import public, read_record, result_record


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


class Deviations:
    """Results of predictions, counted and summed; :class:`DeviationMetrics` is the public class."""

    def __init__(self) -> None:
        self.reset()

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


def _points(result: PredictionResult) -> float:
    return max(0.0, 100.0 - result.deviation)
