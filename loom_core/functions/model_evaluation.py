"""Judging the model in a file."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from loom_core.arrays import FloatData
from loom_core.cooperative import Cooperative, Wait
from loom_core.evaluate.deviation_metrics import DeviationMetrics
from loom_core.models.bundle import load_model
from loom_core.network.evaluation import evaluation_steps
from loom_core.public import public


@public("EvaluateFromCheckpointFiles")
@Cooperative
def evaluate_from_checkpoint_files(
    filename: str,
    model_id: str,
    inputs: FloatData | Sequence[FloatData],
    expected_outputs: FloatData,
) -> Generator[Wait, None, DeviationMetrics]:
    """Return the metrics of the model that a file holds; raises as LoadModel, EvaluateNetwork.

    Args:
        filename: Path of a file with a bundle of models.
        model_id: Which of its models.
        inputs: (N, I) or N samples; see EvaluateNetwork.
        expected_outputs: (N,) right values or class numbers.
    """
    network = load_model(filename, model_id)
    return (yield from evaluation_steps(network, inputs, expected_outputs))
