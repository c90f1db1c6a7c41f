"""Training data as arrays: checked once, then cut into batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import F32, Array, FloatData, to_float32
from loom_core.backends.step_data import PickedRows, PortData
from loom_core.checks import positive
from loom_core.errors import NonFiniteError, ShapeError, SpecError, kind_of
from loom_core.evaluate.prediction import require_classes
from loom_core.public import read_record
from loom_core.random_stream import permutations
from loom_core.running import NetworkGrid
from loom_core.train.config import TrainingBatch, TrainingData

PLACES_AHEAD = 2**14
"""Places in the order of samples that are prepared at once."""

BYTES_AHEAD = 2**23
"""Most data of a block of listed batches, which are copied together; it has at least one batch."""


class Samples:
    """Inputs (N, I) and targets (N, O) as float32, finite and of equal N."""

    def __init__(self, inputs: F32, targets: F32) -> None:
        self.inputs = inputs
        self.targets = targets

    def __len__(self) -> int:
        return len(self.inputs)


class BatchSource(ABC):
    """All batches of a training, one step after the other, over all epochs.

    Steps are counted from 0 over the whole training.

    Args:
        shapes: For each batch of an epoch (samples, input size, output size).

    Attributes:
        ahead: Most steps of a block.
        step_bytes: Of the data of the largest batch.
    """

    ahead: int

    def __init__(self, shapes: Sequence[tuple[int, int, int]]) -> None:
        self._shapes = np.array(shapes)
        changes = np.flatnonzero(np.diff(self._shapes, axis=0).any(axis=1)) + 1
        self._ends_of_equal = [*changes.tolist(), len(shapes)]
        sizes = self._shapes[:, 0] * self._shapes[:, 1:].sum(axis=1)
        self.step_bytes = int(sizes.max()) * np.dtype(np.float32).itemsize

    def __len__(self) -> int:
        return len(self._shapes)

    @property
    def samples_per_epoch(self) -> int:
        """Samples seen in one epoch."""
        return int(self._shapes[:, 0].sum())

    @property
    def smallest_batch(self) -> int:
        """Samples of the smallest batch."""
        return int(self._shapes[:, 0].min())

    def input_shape(self, step: int) -> tuple[int, int]:
        """Return samples of a step, and numbers in each."""
        size, width = self._shapes[step % len(self), :2].tolist()
        return size, width

    def equal_steps(self, step: int) -> int | None:
        """Return how many steps from this one on have equal shapes; None when all have."""
        if len(self._ends_of_equal) == 1:
            return None
        batch = step % len(self)
        return self._ends_of_equal[bisect_right(self._ends_of_equal, batch)] - batch

    @abstractmethod
    def take(self, seed: int, step: int, count: int) -> tuple[PortData, PortData]:
        """Return inputs (count, B, I) and targets (count, B, O) of steps of equal shapes."""


class SampleBatches(BatchSource):
    """Batches cut from one set of samples.

    Args:
        samples: All samples of an epoch.
        sizes: Of the batches of an epoch.
        shuffle: New order in each epoch, which depends on seed and epoch only. A single batch is
            left as it is: its mean has no order.
    """

    def __init__(self, samples: Samples, sizes: Sequence[int], shuffle: bool = False) -> None:
        widths = samples.inputs.shape[1], samples.targets.shape[1]
        super().__init__([(size, *widths) for size in sizes])
        self._samples = samples
        self._starts = np.cumsum(self._shapes[:, 0]) - self._shapes[:, 0]
        self._shuffle = shuffle and len(sizes) > 1
        self._orders = 0, 0, np.zeros((0, len(samples)), np.intp)  # seed, first epoch, one a row
        self.ahead = max(1, PLACES_AHEAD // max(sizes))

    def take(self, seed: int, step: int, count: int) -> tuple[PickedRows, PickedRows]:
        """Return which rows of inputs and targets the steps take."""
        epoch, batch = divmod(step, len(self))
        size, _ = self.input_shape(step)
        start, wanted = int(self._starts[batch]), count * size
        if self._shuffle:
            epochs = -(-(start + wanted) // len(self._samples))
            chosen = self._order(seed, epoch, epochs)[start : start + wanted]
        else:
            chosen = np.arange(start, start + wanted) % len(self._samples)
        numbers = chosen.astype(np.int32).reshape(count, size)
        return PickedRows(self._samples.inputs, numbers), PickedRows(self._samples.targets, numbers)

    def _order(self, seed: int, epoch: int, epochs: int) -> NDArray[np.intp]:
        """Return the order of the samples in some epochs, one after the other.

        Those of small data sets are drawn for many epochs ahead.
        """
        held_seed, first, orders = self._orders
        if held_seed != seed or not first <= epoch <= epoch + epochs <= first + len(orders):
            ahead = max(epochs, PLACES_AHEAD // len(self._samples))
            numbers = np.arange(epoch + 1, epoch + 1 + ahead, dtype=np.uint64)
            first, orders = epoch, permutations(seed, numbers, len(self._samples))
            self._orders = seed, first, orders
        return orders[epoch - first : epoch - first + epochs].reshape(-1)


class ListedBatches(BatchSource):
    """Batches as they are given, whose samples need not be of one size."""

    def __init__(self, batches: Sequence[Samples]) -> None:
        super().__init__([(*batch.inputs.shape, batch.targets.shape[1]) for batch in batches])
        self._batches = batches
        self.ahead = max(1, BYTES_AHEAD // self.step_bytes)

    def take(self, seed: int, step: int, count: int) -> tuple[Array, Array]:
        """Return inputs and targets of steps."""
        chosen = [self._batches[at % len(self)] for at in range(step, step + count)]
        return np.stack([b.inputs for b in chosen]), np.stack([b.targets for b in chosen])


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
        size = positive(given.batch_size, "batch_size")
        if not isinstance(given.shuffle, bool):
            raise SpecError(f"shuffle must be true or false, got {str(given.shuffle)[:40]!r}")
        whole, rest = divmod(len(samples), size)
        return SampleBatches(samples, [size] * whole + [rest] * (rest > 0), given.shuffle)
    items = data if isinstance(data, Sequence) and not isinstance(data, str) else ()
    strange = next((item for item in items if not isinstance(item, TrainingBatch | dict)), None)
    if not items or strange is not None:
        found = kind_of(data) if strange is None else f"a list that holds {kind_of(strange)}"
        raise SpecError(
            f"training needs a data set or a list of batches, got {found}",
            hint="Make a data set: TrainingData(inputs, targets), in JavaScript {Inputs, Targets}.",
        )
    batches = []
    for number, item in enumerate(items):
        batch = read_record(TrainingBatch, item)
        what = f"batch {number}"
        batches.append(read_samples(network, batch.input, batch.target, None, what))
    if len({(b.inputs.shape[1], b.targets.shape[1]) for b in batches}) > 1:
        return ListedBatches(batches)
    together = Samples(
        np.concatenate([batch.inputs for batch in batches]),
        np.concatenate([batch.targets for batch in batches]),
    )
    return SampleBatches(together, [len(batch) for batch in batches])


def read_samples(
    network: NetworkGrid,
    inputs: FloatData,
    targets: FloatData | None,
    labels: FloatData | None,
    what: str,
) -> Samples:
    """Return checked samples; raises as :func:`read_batches` does."""
    flat = to_float32(inputs, f"the input of {what}")
    if flat.size == 0:
        raise ShapeError(f"there are no samples in {what}", hint="Pass one sample or several.")
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
    if classes == 1:
        raise SpecError(
            f"{what} has labels, which are class numbers, and the network has one output",
            hint="Pass the value that the output should have for each sample as targets.",
        )
    try:
        require_classes(numbers, classes)
    except SpecError as error:
        raise error.at(f"the labels of {what}") from error
    encoded = np.zeros((n, classes), np.float32)
    encoded[np.arange(n), numbers.reshape(-1).astype(np.intp)] = 1.0
    return encoded


def _require_finite(data: F32, what: str) -> None:
    if not np.isfinite(data).all():
        raise NonFiniteError(f"{what} holds NaN or infinity", hint="Clean or scale the data.")
