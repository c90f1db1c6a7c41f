"""What a network does to be judged."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from loom_core import limits
from loom_core.arrays import F32, Array, FloatData, to_float32, to_numbers
from loom_core.cooperative import Cooperative, Wait
from loom_core.errors import LoomError, ModelFormatError, ShapeError, kind_of
from loom_core.evaluate.deviation_metrics import DeviationMetrics
from loom_core.model_io.json_text import parse_json
from loom_core.model_io.text_file import read_text_file
from loom_core.public import public, result_record
from loom_core.running import NetworkGrid
from loom_core.train.validation import EVALUATION_BATCH


@result_record
@dataclass
class CheckpointEvaluation:
    """What evaluating files gave.

    Args:
        metrics: Of all files together.
        load_time: Seconds of reading.
        forward_time: Seconds of running the network.
    """

    metrics: DeviationMetrics
    load_time: float
    forward_time: float


class Evaluation(NetworkGrid):
    """Methods that judge a network's predictions."""

    @public("EvaluateNetwork")
    @Cooperative
    def evaluate_network(
        self, inputs: FloatData | Sequence[FloatData], expected_outputs: FloatData
    ) -> Generator[Wait, None, DeviationMetrics]:
        """Return how far the predictions for samples are from what is expected of them.

        The prediction is the output where the network has one, else the place of the largest
        output; what is expected is then a class number. Accuracy counts the right ones.

        Args:
            inputs: (N, ...) or (N * I,) float32, or N lists of I numbers.
            expected_outputs: (N,) right values or class numbers.

        Raises:
            ShapeError: The inputs do not fit the network, or the lists differ in length.
            SpecError: Not numbers, or a class that the network has no output for.
            NonFiniteError: An expected number is NaN or infinite.
        """
        return (yield from evaluation_steps(self, inputs, expected_outputs))

    @public("EvaluateFromCheckpointFiles")
    def evaluate_from_checkpoint_files(
        self, checkpoint_files: Sequence[str], expected_outputs: FloatData
    ) -> CheckpointEvaluation:
        """Return the metrics of inputs that lie in files, one sample a file, and the times taken.

        Args:
            checkpoint_files: Names of files, each a JSON array of the numbers of one input.
            expected_outputs: The right value or class number for each file.

        Raises:
            OSError: A file cannot be read.
            ModelFormatError: A file does not hold a JSON array.
            LimitError: More or larger files than the limits allow.
            ShapeError, SpecError, NonFiniteError: As EvaluateNetwork.
        """
        count = len(checkpoint_files)
        limits.require_within(count, limits.LIST_ITEMS, "the number of checkpoint files")
        expected = expected_numbers(expected_outputs, count)
        start = time.perf_counter()
        samples = [_read_sample(name) for name in checkpoint_files]
        loaded = time.perf_counter()
        metrics = DeviationMetrics()
        for name, sample, number in zip(checkpoint_files, samples, expected, strict=True):
            try:
                metrics.update_outputs(self.forward_cpu(sample[None]), number[None])
            except LoomError as error:
                raise error.at(name) from error
        metrics.compute_final_metrics()
        return CheckpointEvaluation(metrics, loaded - start, time.perf_counter() - loaded)


def evaluation_steps(
    network: NetworkGrid, inputs: FloatData | Sequence[FloatData], expected_outputs: FloatData
) -> Generator[Wait, None, DeviationMetrics]:
    """Judge a network batch by batch, giving way in between; see ``evaluate_network``."""
    network.complete_sizes()
    data = to_numbers(inputs, "the input").astype(np.float32, copy=False)
    if data.size == 0:
        raise ShapeError("there are no samples to evaluate", hint="Pass one sample or several.")
    n, width = network.split_batch(data, "the input")
    samples = data.reshape(n, width)
    expected = expected_numbers(expected_outputs, n)
    metrics = DeviationMetrics()
    for start in range(0, n, EVALUATION_BATCH):
        chosen = slice(start, start + EVALUATION_BATCH)
        outputs = yield from network.programs.after_settling(
            partial(network.forward_cpu, samples[chosen])
        )
        metrics.update_outputs(outputs, expected[chosen])
        yield False
    metrics.compute_final_metrics()
    return metrics


def expected_numbers(expected_outputs: FloatData, count: int) -> Array:
    """Return what is expected of ``count`` samples as (count,) float64, one number each."""
    expected = to_numbers(expected_outputs, "what is expected").astype(np.float64).reshape(-1)
    if expected.size != count:
        raise ShapeError(
            f"{count} samples need as many expected numbers, got {expected.size}",
            hint="One value or class number for each sample.",
        )
    return expected


def _read_sample(filename: str) -> F32:
    """Return the numbers of a JSON array in a file."""
    numbers = parse_json(read_text_file(filename), filename)
    if not isinstance(numbers, list):
        raise ModelFormatError(
            f"{filename} must hold a JSON array of numbers, got {kind_of(numbers)}",
            hint="Save the input of one sample as [0.1, 0.2, ...].",
        )
    return to_float32(numbers, filename).reshape(-1)
