"""Deviation metrics as JSON, in the form of Loom v0.0.7.

JSON has neither infinity nor NaN: an infinite end or deviation is written as 1e9, as Loom does, and
a prediction that is not finite as null. Everything but the single results follows from them: it is
written for readers, and when it is read it has to agree with what the results give.
"""

from __future__ import annotations

import json
import math

from loom_core.errors import ModelFormatError, kind_of
from loom_core.evaluate.deviations import Deviations
from loom_core.evaluate.prediction import PredictionResult, evaluate_prediction
from loom_core.fields import Fields
from loom_core.model_io.json_text import parse_json

INFINITE = 1e9

CHANGED = "Was the file cut, changed by hand, or saved before the final sums?"

ROUNDING = 1e-9
"""Share by which sums over the same results may differ, added up in another order."""


def write_metrics(metrics: Deviations) -> str:
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


def read_metrics(text: str) -> Fields:
    """Return the fields of the JSON of metrics.

    Raises:
        ModelFormatError: Not JSON, or not an object.
        LimitError: Longer or deeper than the limits allow.
        NonFiniteError: A NaN or Infinity literal.
    """
    document = parse_json(text, "the metrics")
    if not isinstance(document, dict):
        raise ModelFormatError(f"the metrics must be an object, got {kind_of(document)}")
    return Fields(document, where="the metrics")


def read_results(fields: Fields) -> list[PredictionResult]:
    """Return the single results.

    Raises:
        LimitError: More results than the limits allow.
        SpecError: A field is missing, or of another type.
    """
    return [_read_result(part) for part in fields.parts("results", "result")]


def require_agreement(fields: Fields, metrics: Deviations) -> None:
    """Raise unless everything that the JSON says besides the results is what they give.

    What it does not say, as Loom's files say no accuracy, is not needed, but for the totals.

    Raises:
        ModelFormatError: A number, or what is in a bucket, is another.
        SpecError: A field is of another type.
    """
    _require("total_samples", fields.index("total_samples") or 0, metrics.total_samples)
    _require("failures", fields.index("failures") or 0, metrics.failures)
    _require("score", fields.number("score"), metrics.score)
    _require("avg_deviation", fields.number("avg_deviation"), _finite(metrics.average_deviation))
    _require("correct_count", fields.index("correct_count"), metrics.correct_count)
    _require("accuracy", fields.number("accuracy"), metrics.accuracy)
    buckets = fields.part("buckets", "buckets")
    if buckets is None:
        return
    for name, found in metrics.buckets.items():
        said = buckets.part(name, name)
        if said is None:
            raise ModelFormatError(f"the metrics have no bucket {name!r}", hint=CHANGED)
        _require(f"range_min of {name}", said.number("range_min"), found.range_min)
        _require(f"range_max of {name}", said.number("range_max"), _finite(found.range_max))
        _require(f"count of {name}", said.index("count"), found.count)
        if said.sizes("samples") != found.samples:
            raise ModelFormatError(
                f"the metrics list other samples in {name} than their results give", hint=CHANGED
            )


def _require(what: str, said: float | None, found: float | None) -> None:
    agree = said is None or (found is not None and math.isclose(said, found, rel_tol=ROUNDING))
    if not agree:
        raise ModelFormatError(
            f"the metrics say {what} {said:g}, but their results give {found}", hint=CHANGED
        )


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
