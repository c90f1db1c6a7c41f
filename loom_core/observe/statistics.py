"""Numbers about an array of activations or gradients, in a few passes over it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import F32, Array

SATURATION = 0.98
"""Outputs of tanh beyond +-this, or of sigmoid this far into their range of 1, count as saturated:
their derivative is below a twentieth of its largest value."""

BLOCK = 1024
"""Numbers that are added up in float32."""

CANCELLATION = 1e-3
"""Share of the mean square below which a variance is computed around the mean."""


@dataclass(frozen=True, slots=True)
class ArrayStatistics:
    """What is known of an array x of n numbers.

    Args:
        mean: NaN where x holds NaN; 0 where x is empty, as all of these.
        std: Of the population, ``sqrt(mean((x - mean)^2))``.
        minimum: Least.
        maximum: Largest.
        norm: ``sqrt(sum(x^2))``.
        zeros: How many are 0.
        positives: How many are above 0.
        neurons: Units: features, or channels of images.
        dead: Units that are 0 in every sample and place.
        nans: How many are NaN.
        infinities: How many are infinite.
    """

    mean: float = 0.0
    std: float = 0.0
    minimum: float = 0.0
    maximum: float = 0.0
    norm: float = 0.0
    zeros: int = 0
    positives: int = 0
    neurons: int = 0
    dead: int = 0
    nans: int = 0
    infinities: int = 0


def array_statistics(x: F32, *, unit_axis: int = -1) -> ArrayStatistics:
    """Return the statistics of an array with the batch first.

    Args:
        x: (B, ...) float32.
        unit_axis: The axis along which the units lie.

    Numerics: sums are taken over short blocks in float32 and joined in float64. The variance is
    ``mean(x^2) - mean(x)^2``, or, where these nearly cancel, the mean of ``(x - mean)^2``. Where
    float32 overflows or x is not finite, both are computed in float64; the caller has told NumPy
    (``np.errstate``) not to warn of it.
    """
    if x.size == 0:
        return ArrayStatistics()
    flat = x.reshape(-1)
    mean = _sum(flat) / x.size
    square = sum_of_squares(flat) / x.size
    variance = square - mean * mean
    if not math.isfinite(variance):
        wide = x.astype(np.float64)
        mean, variance = float(np.mean(wide)), float(np.var(wide))
    elif variance < CANCELLATION * square:
        variance = sum_of_squares(np.subtract(x, np.float32(mean))) / x.size
    minimum, maximum = float(flat.min()), float(flat.max())
    counts = _counts(x, minimum, maximum, unit_axis)
    nans = infinities = 0
    if not math.isfinite(variance):
        nans = int(np.count_nonzero(np.isnan(x)))
        infinities = int(np.count_nonzero(np.isinf(x)))
    zeros, positives, neurons, dead = counts
    return ArrayStatistics(
        mean=mean,
        std=math.sqrt(variance),
        minimum=minimum,
        maximum=maximum,
        norm=math.sqrt(x.size * (variance + mean * mean)),
        zeros=zeros,
        positives=positives,
        neurons=neurons,
        dead=dead,
        nans=nans,
        infinities=infinities,
    )


def _counts(x: F32, minimum: float, maximum: float, unit_axis: int) -> tuple[int, int, int, int]:
    """Return how many are zero, how many positive, how many units there are, and how many dead."""
    neurons = x.shape[unit_axis] if x.ndim > 1 else x.size
    if minimum > 0:
        return 0, x.size, neurons, 0
    if maximum < 0:
        return 0, 0, neurons, 0
    alive = x != 0
    zeros = x.size - int(np.count_nonzero(alive))
    positives = x.size - zeros if minimum >= 0 else int(np.count_nonzero(x > 0))
    dead = neurons - _units_alive(alive, unit_axis) if zeros else 0
    return zeros, positives, neurons, dead


def _units_alive(alive: Array, unit_axis: int) -> int:
    """Return how many units have any true value, reducing contiguous axes first."""
    if alive.ndim < 2:
        return int(np.count_nonzero(alive))
    if unit_axis == 1 and alive.ndim > 2:
        alive = np.asarray(alive.reshape(*alive.shape[:2], -1).any(axis=2))
    return int(np.count_nonzero(alive.reshape(-1, alive.shape[-1]).any(axis=0)))


def saturated_share(y: F32, activation: str) -> float | None:
    """Return the share of outputs in the flat ends of a sigmoid or tanh; None for others."""
    if activation not in ("sigmoid", "tanh") or y.size == 0:
        return None
    if activation == "sigmoid":
        margin = (1 - SATURATION) / 2
        flat = np.count_nonzero(y < margin) + np.count_nonzero(y > 1 - margin)
    else:
        flat = np.count_nonzero(np.abs(y) > SATURATION)
    return int(flat) / y.size


def norm_of(*arrays: F32) -> float:
    """Return ``sqrt`` of the sum of squares of all numbers in some arrays, 0 for none.

    Where float32 overflows it is computed in float64; see :func:`array_statistics` for warnings.
    """
    total = sum(map(sum_of_squares, arrays))
    if not math.isfinite(total):  # beyond float32, or not finite at all
        total = sum(float(np.sum(np.square(array, dtype=np.float64))) for array in arrays)
    return math.sqrt(total)


def sum_of_squares(x: F32) -> float:
    """Return ``sum(x^2)``, by blocks so that float32 is enough whatever the size."""
    blocks, rest = _blocks(x.reshape(-1))
    sums = np.einsum("ij,ij->i", blocks, blocks)
    return float(np.sum(sums, dtype=np.float64)) + float(np.einsum("i,i->", rest, rest))


def _sum(flat: F32) -> float:
    """Return ``sum(x)``, by blocks too."""
    blocks, rest = _blocks(flat)
    sums = np.add.reduce(blocks, axis=1)
    return float(np.sum(sums, dtype=np.float64)) + float(np.add.reduce(rest))


def _blocks(flat: F32) -> tuple[F32, F32]:
    """Return all whole blocks as rows, and what is left."""
    whole = flat.size - flat.size % BLOCK
    return flat[:whole].reshape(-1, BLOCK), flat[whole:]
