"""Deviation metrics that were saved, read back."""

from __future__ import annotations

from loom_core.errors import NonFiniteError, SpecError
from loom_core.evaluate.deviation_metrics import DeviationMetrics
from loom_core.evaluate.metrics_json import read_metrics, read_results, require_agreement
from loom_core.model_io.text_file import read_text_file
from loom_core.public import public


@public("LoadMetricsFromString")
def load_metrics_from_string(text: str) -> DeviationMetrics:
    """Return the metrics in a JSON text that SaveMetricsToString or Loom made.

    Args:
        text: The JSON.

    Raises:
        ModelFormatError, SpecError, NonFiniteError: The text is not the JSON of metrics, or its
            score, totals and buckets are not those of its results.
        LimitError: Larger than the limits allow.
    """
    fields = read_metrics(text)
    results = read_results(fields)
    metrics = DeviationMetrics()
    for number, result in enumerate(results):
        try:
            metrics.update_metrics(result)
        except (SpecError, NonFiniteError) as error:
            raise error.at(f"the metrics: result {number}") from None
    metrics.compute_final_metrics()
    require_agreement(fields, metrics)
    return metrics


@public("LoadMetrics")
def load_metrics(filename: str) -> DeviationMetrics:
    """Return the metrics in a JSON file; raises as LoadMetricsFromString, and OSError.

    Args:
        filename: Path of the file.
    """
    return load_metrics_from_string(read_text_file(filename))
