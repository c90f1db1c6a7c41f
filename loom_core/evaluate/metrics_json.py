"""Deviation metrics as JSON, in the form of Loom v0.0.7.

JSON has neither infinity nor NaN: an infinite end or deviation is written as 1e9, as Loom does, and
a prediction that is not finite as null. Everything but the single results follows from them; it is
written for readers and checked, not believed, when it is read.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from loom_core.errors import ModelFormatError
from loom_core.evaluate.prediction import PredictionResult, bucket_of, evaluate_prediction
from loom_core.model_io.fields import Fields
from loom_core.model_io.json_text import parse_json

if TYPE_CHECKING:
    from loom_core.evaluate.deviation_metrics import DeviationMetrics

INFINITE = 1e9


def write_metrics(metrics: DeviationMetrics) -> str:
    """Return metrics as indented JSON."""
    buckets = {
        name: {
            "range_min": bucket.range_min,
            "range_max": _finite(bucket.range_max),
            "count": bucket.count,
            "samples": bucket.samples,
        }
        for name, bucket in sorted(metrics.buckets.items())
    }
    results = [
        {
            "sample_index": result.sample_index,
            "expected": result.expected_output,
            "actual": result.actual_output if math.isfinite(result.actual_output) else None,
            "deviation": _finite(result.deviation),
            "bucket": result.bucket,
        }
        for result in metrics.results
    ]
    document = {
        "total_samples": metrics.total_samples,
        "score": metrics.score,
        "avg_deviation": _finite(metrics.average_deviation),
        "failures": metrics.failures,
        "correct_count": metrics.correct_count,
        "accuracy": metrics.accuracy,
        "buckets": buckets,
        "results": results,
    }
    return json.dumps(document, indent=2, allow_nan=False)


def read_results(text: str) -> list[PredictionResult]:
    """Return the single results in the JSON of metrics.

    Raises:
        ModelFormatError: Not JSON, not an object, or the totals are not those of the results.
        LimitError: Longer, deeper or of more results than the limits allow.
        SpecError: A field is missing, of another type, or its deviation is of another bucket.
        NonFiniteError: A NaN or Infinity literal.
    """
    document = parse_json(text, "the metrics")
    if not isinstance(document, dict):
        raise ModelFormatError(f"the metrics must be an object, got {type(document).__name__}")
    fields = Fields(document, where="the metrics")
    results = [_read_result(part) for part in fields.parts("results", "result")]
    for key, found in (
        ("total_samples", len(results)),
        ("failures", sum(result.bucket == bucket_of(math.inf) for result in results)),
    ):
        if (fields.index(key) or 0) != found:
            raise ModelFormatError(
                f"the metrics say {key} {fields.index(key) or 0}, but their results are {found}",
                hint="Was the file cut, or changed by hand?",
            )
    return results


def _read_result(fields: Fields) -> PredictionResult:
    index, expected = fields.index("sample_index"), fields.number("expected")
    deviation, bucket = fields.number("deviation"), fields.text("bucket")
    if index is None or expected is None or deviation is None:
        raise fields.error("it needs sample_index, expected and deviation")
    actual = fields.number("actual")
    if deviation == INFINITE and (
        actual is None or evaluate_prediction(index, expected, actual).deviation == math.inf
    ):
        deviation = math.inf  # and not where a prediction misses by just so much
    return PredictionResult(
        index, expected, math.nan if actual is None else actual, deviation, bucket or ""
    )


def _finite(value: float) -> float:
    return min(value, INFINITE) if value == math.inf else value
