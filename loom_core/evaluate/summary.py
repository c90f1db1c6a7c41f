"""Deviation metrics as a text that a person reads."""

from __future__ import annotations

from loom_core.evaluate.deviations import Deviations

WORST = 5
"""How many of the worst predictions a summary names."""

PERCENT_PER_BLOCK = 2
"""A bar of 50 blocks is all samples."""


def summary_text(metrics: Deviations) -> str:
    """Return totals, a bar for each bucket, and the worst predictions; ends without a newline."""
    total = metrics.total_samples
    lines = ["=== Model Evaluation Summary ===", f"Total Samples: {total}"]
    if total == 0:
        return "\n".join([*lines, "Nothing was evaluated yet."])
    lines += [
        f"Quality Score: {metrics.score:.1f}/100",
        f"Average Deviation: {metrics.average_deviation:.1f}%",
        f"Failures (>100% deviation): {metrics.failures} ({metrics.failures / total:.1%})",
    ]
    if metrics.accuracy is not None:
        lines.append(f"Accuracy: {metrics.accuracy:.1%} ({metrics.correct_count} correct)")
    lines += ["", "Deviation Distribution:"]
    for name, bucket in metrics.buckets.items():
        percent = 100 * bucket.count / total
        bar = "█" * int(percent / PERCENT_PER_BLOCK)
        row = f"{name:>10}: {bucket.count:4} samples {f'({percent:.1f}%)':7} {bar}"
        lines.append(row.rstrip())
    worst = metrics.get_worst_samples(WORST)
    lines += ["", f"=== Worst {len(worst)} Predictions ==="]
    lines += [
        f"{place}. Sample #{result.sample_index}: Expected {result.expected_output:.6g}, "
        f"Predicted {result.actual_output:.6g}, Deviation: {result.deviation:.1f}%"
        for place, result in enumerate(worst, 1)
    ]
    return "\n".join(lines)
