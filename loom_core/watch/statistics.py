"""Numbers about an array of activations or gradients, in a few passes over it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import F32

SATURATION = 0.98
"""Outputs of tanh beyond +-this, or of sigmoid this far into their range of 1, count as saturated:
their derivative is below a twentieth of its largest value."""

BLOCK = 1024
"""Numbers that are added up in float32."""

CANCELLATION = 1e-3
"""Share of the mean square below which a variance is computed around the mean."""

Summarize: TypeAlias = Callable[[F32, int, int, int], tuple[list[float], int]]
"""See :meth:`loom_core.backends.simd.library.Library.summarize`."""


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


def array_statistics(
    x: F32, *, unit_axis: int = -1, summarize: Summarize | None = None
) -> ArrayStatistics:
    """Return the statistics of an array with the batch first.

    Args:
        x: (B, ...) float32.
        unit_axis: The axis along which the units lie: 1, or the last.
        summarize: The kernel that reads the array; NumPy when left out.

    Numerics: sums are taken over short blocks in float32 and joined in float64. The variance is
    ``mean(x^2) - mean(x)^2``, or, where these nearly cancel, the mean of ``(x - mean)^2``. Where
    float32 overflows or x is not finite, both are computed in float64; the caller has told NumPy
    (``np.errstate``) not to warn of it.
    """
    if x.size == 0:
        return ArrayStatistics()
    units = x.shape[unit_axis] if x.ndim > 1 else x.size
    inner = math.prod(x.shape[unit_axis % x.ndim + 1 :])
    sizes = (x.size // (units * inner), units, inner)
    if summarize is None or not x.flags.c_contiguous:
        summarize = summarize_by_numpy
    found, alive = summarize(x, *sizes)
    variance = found[1] / x.size - (found[0] / x.size) ** 2
    nans = infinities = 0
    if not math.isfinite(variance):
        found, alive = summarize_by_numpy(x, *sizes)
        wide = x.astype(np.float64)
        found[0], variance = float(np.sum(wide)), float(np.var(wide))
        nans, infinities = int(np.isnan(x).sum()), int(np.isinf(x).sum())
    elif variance < CANCELLATION * found[1] / x.size:
        variance = sum_of_squares(np.subtract(x, np.float32(found[0] / x.size))) / x.size
    mean = found[0] / x.size
    return ArrayStatistics(
        mean=mean,
        std=math.sqrt(variance),
        minimum=found[2],
        maximum=found[3],
        norm=math.sqrt(x.size * (variance + mean * mean)),
        zeros=x.size - int(found[4]),
        positives=int(found[5]),
        neurons=units,
        dead=units - alive,
        nans=nans,
        infinities=infinities,
    )


def summarize_by_numpy(x: F32, outer: int, units: int, inner: int) -> tuple[list[float], int]:
    """Do what :meth:`loom_core.backends.simd.library.Library.summarize` does, in several passes."""
    flat = x.reshape(-1)
    least, largest = float(flat.min()), float(flat.max())
    not_zeros = positives = flat.size
    alive = units
    if not (least > 0 or largest < 0):
        not_zero = flat != 0
        not_zeros = int(np.count_nonzero(not_zero))
        if not_zeros < flat.size:
            rows = not_zero.reshape(outer * units, inner).any(axis=1)  # contiguous: the fast way
            alive = int(np.count_nonzero(rows.reshape(outer, units).any(axis=0)))
    if not least > 0:
        positives = not_zeros if least == 0 else int(np.count_nonzero(flat > 0))
    return [_sum(flat), sum_of_squares(flat), least, largest, not_zeros, positives], alive


def saturated_share(y: F32, activation: str) -> float | None:
    """Return the share of outputs in the flat ends of an activation; None without two such."""
    row = ACTIVATIONS.get(activation)
    if row is None or row.bounds is None or y.size == 0:
        return None
    low, high = row.bounds
    margin = (high - low) * (1 - SATURATION) / 2
    flat = np.count_nonzero(y < low + margin) + np.count_nonzero(y > high - margin)
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
