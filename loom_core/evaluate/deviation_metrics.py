"""The predictions of a whole data set: how many deviate how much, and which are the worst."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loom_core.arrays import FloatData, to_numbers
from loom_core.console_text import print_text
from loom_core.errors import ShapeError
from loom_core.evaluate.deviations import Deviations
from loom_core.evaluate.metrics_json import write_metrics
from loom_core.evaluate.summary import summary_text
from loom_core.public import public, public_class


@public_class
class DeviationMetrics(Deviations):
    """How far predictions are from what was expected: seven buckets, a score, every result.

    The score is the mean of ``max(0, 100 - deviation)``. It takes a class number for a magnitude
    (expected 5, predicted 4 is a deviation of 20 percent); how a classifier does is what
    :attr:`accuracy` says.

    Source: Loom v0.0.7, evaluation.go.
    """

    def __str__(self) -> str:
        return summary_text(self)

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
