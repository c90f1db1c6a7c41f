"""Held-out samples, evaluated during a training but never trained on."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from loom_core.arrays import F32, Array, to_float32
from loom_core.backends.base import Backend
from loom_core.cooperative import Wait
from loom_core.evaluate.deviation_metrics import DeviationMetrics
from loom_core.optimize.losses import loss_value
from loom_core.running import NetworkGrid
from loom_core.train.batches import Samples, read_samples
from loom_core.train.config import TrainingConfig, TrainingResult
from loom_core.train.work_clock import WorkClock

EVALUATION_BATCH = 64
"""Samples of one run; small, so that a browser's worker stays responsive."""


class Validation:
    """Samples to measure a network by.

    Args:
        samples: Inputs and targets.
        loss: Name of the loss.
    """

    def __init__(self, samples: Samples, loss: str) -> None:
        self._samples = samples
        self._loss = loss
        self._expected = _expected(samples.targets)

    def measure(
        self,
        network: NetworkGrid,
        clock: WorkClock,
        result: TrainingResult,
        backend: Backend | None = None,
    ) -> Generator[Wait, None, None]:
        """Write loss, accuracy and deviations with the present weights into ``result``.

        Args:
            network: To measure.
            clock: Of the training.
            result: Of the training.
            backend: Used instead of the network's own; the present weights are there.
        """
        samples = self._samples
        total, right = 0.0, 0
        metrics = DeviationMetrics()
        for start in range(0, len(samples), EVALUATION_BATCH):
            chosen = slice(start, start + EVALUATION_BATCH)
            x, t = samples.inputs[chosen], samples.targets[chosen]
            y = yield from network.forward_steps(x, backend)
            total += loss_value(self._loss, y, t) * len(x)
            right += int(np.sum(y.argmax(axis=1) == t.argmax(axis=1)))
            if self._expected is not None:
                metrics.update_outputs(y, self._expected[chosen])
            yield from clock.give_way(network.control)
        result.validation_loss = total / len(samples)
        if samples.targets.shape[1] > 1:
            result.validation_accuracy = right / len(samples)
        if self._expected is not None:
            metrics.compute_final_metrics()
            result.eval_metrics = metrics


def read_validation(network: NetworkGrid, settings: TrainingConfig) -> Validation | None:
    """Return the held-out samples of a config, or None where there is nothing to evaluate.

    Targets with one number a sample are class numbers where the network has several outputs, as
    Loom takes them.

    Raises:
        SpecError, ShapeError, NonFiniteError: As for training data.
    """
    if settings.validation_inputs is None:
        return None
    targets, labels = settings.validation_targets, settings.validation_labels
    what = "the validation data"
    if targets is not None:
        inputs = to_float32(settings.validation_inputs, f"the input of {what}")
        n, width = network.split_batch(inputs, f"the input of {what}")
        given = to_float32(targets, f"the target of {what}")
        if given.size == n and network.output_width(width) > 1:
            targets, labels = None, given
    samples = read_samples(network, settings.validation_inputs, targets, labels, what)
    return Validation(samples, settings.loss_type) if settings.evaluate_every_n else None


def _expected(targets: F32) -> Array | None:
    """Return the right value or class of each sample; None where targets are neither."""
    if targets.shape[1] == 1:
        return targets[:, 0].astype(np.float64)
    one_hot = ((targets == 0) | (targets == 1)).all() and (targets.sum(axis=1) == 1).all()
    return targets.argmax(axis=1).astype(np.float64) if one_hot else None
