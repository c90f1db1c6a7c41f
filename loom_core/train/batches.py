"""Training data as arrays: checked once, then cut into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loom_core.arrays import F32, FloatData, to_float32
from loom_core.errors import NonFiniteError, ShapeError, SpecError
from loom_core.layers.base import positive
from loom_core.public import read_record
from loom_core.random_stream import RandomStream
from loom_core.train.config import TrainingBatch, TrainingData

if TYPE_CHECKING:
    from loom_core.network_grid import NetworkGrid


class Samples:
    """Inputs (N, I) and targets (N, O) as float32, finite and of equal N."""

    def __init__(self, inputs: F32, targets: F32) -> None:
        self.inputs = inputs
        self.targets = targets

    def __len__(self) -> int:
        return len(self.inputs)


class BatchSource:
    """The batches of each epoch.

    Args:
        batches: Given batches, kept in order, or None.
        samples: A data set to cut, or None.
        batch_size: Samples a batch of the data set.
        shuffle: New order in each epoch.
    """

    def __init__(
        self,
        batches: list[Samples] | None = None,
        samples: Samples | None = None,
        batch_size: int = 1,
        shuffle: bool = False,
    ) -> None:
        self._batches = batches
        self._samples = samples
        self._batch_size = batch_size
        self._shuffle = shuffle

    def __len__(self) -> int:
        if self._batches is not None:
            return len(self._batches)
        return -(-self.samples_per_epoch // self._batch_size)

    @property
    def samples_per_epoch(self) -> int:
        """Samples seen in one epoch."""
        if self._batches is not None:
            return sum(map(len, self._batches))
        return len(self._samples) if self._samples is not None else 0

    def epoch(self, seed: int, number: int) -> Iterator[Samples]:
        """Yield the batches of one epoch; the order depends on seed and number only."""
        if self._batches is not None:
            yield from self._batches
            return
        samples = self._samples
        if samples is None:
            return
        order = np.arange(len(samples))
        if self._shuffle:
            order = RandomStream(seed, number).permutation(len(samples))
        for start in range(0, len(samples), self._batch_size):
            chosen = order[start : start + self._batch_size]
            yield Samples(samples.inputs[chosen], samples.targets[chosen])


def read_batches(network: NetworkGrid, data: object) -> BatchSource:
    """Return the batches of training data given as records, mappings or a list of batches.

    Raises:
        SpecError: Neither a data set nor a list of batches, or empty, or not numbers.
        ShapeError: Lengths do not fit the network or each other.
        NonFiniteError: NaN or infinity in the data.
    """
    if isinstance(data, TrainingData | dict):
        given = read_record(TrainingData, data)
        samples = read_samples(
            network, given.inputs, given.targets, given.labels, "the training data"
        )
        return BatchSource(
            samples=samples,
            batch_size=positive(given.batch_size, "batch_size"),
            shuffle=given.shuffle,
        )
    if not isinstance(data, Sequence) or isinstance(data, str) or not data:
        raise SpecError(
            "training needs a list of batches, or a data set with Inputs and Targets or Labels"
        )
    batches = []
    for number, item in enumerate(data):
        batch = read_record(TrainingBatch, item)
        what = f"batch {number}"
        batches.append(read_samples(network, batch.input, batch.target, None, what))
    return BatchSource(batches=batches)


def read_samples(
    network: NetworkGrid,
    inputs: FloatData,
    targets: FloatData | None,
    labels: FloatData | None,
    what: str,
) -> Samples:
    """Return checked samples; raises as :func:`read_batches` does."""
    flat = to_float32(inputs, f"the input of {what}")
    n, width = network.split_batch(flat, f"the input of {what}")
    _require_finite(flat, f"the input of {what}")
    out = network.output_width(width)
    if (targets is None) == (labels is None):
        raise SpecError(f"{what} needs either targets or labels")
    if labels is not None:
        y = _one_hot(labels, n, out, what)
    else:
        y = to_float32(targets if targets is not None else [], f"the target of {what}")
        if y.size != n * out:
            raise ShapeError(
                f"the target of {what} has {y.size} numbers, expected {n} x {out} = {n * out}",
                hint="One target of the network's output size for each sample.",
            )
        _require_finite(y, f"the target of {what}")
    return Samples(flat.reshape(n, width), y.reshape(n, out))


def _one_hot(labels: FloatData, n: int, classes: int, what: str) -> F32:
    numbers = to_float32(labels, f"the labels of {what}")
    if numbers.size != n:
        raise ShapeError(f"{what} has {numbers.size} labels for {n} samples")
    whole = numbers.reshape(-1).astype(np.int64)
    if (whole != numbers.reshape(-1)).any() or whole.min() < 0 or whole.max() >= classes:
        raise SpecError(f"the labels of {what} must be whole numbers from 0 to {classes - 1}")
    encoded = np.zeros((n, classes), np.float32)
    encoded[np.arange(n), whole] = 1.0
    return encoded


def _require_finite(data: F32, what: str) -> None:
    if not np.isfinite(data).all():
        raise NonFiniteError(f"{what} holds NaN or infinity", hint="Clean or scale the data.")
