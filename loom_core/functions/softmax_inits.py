"""Softmax layers by function call: one init function for every variant."""

from __future__ import annotations

from collections.abc import Sequence

from loom_core import limits
from loom_core.checks import positive
from loom_core.layers import Softmax
from loom_core.public import public


@public("InitSoftmaxLayer")
def init_softmax_layer() -> Softmax:
    """Return one distribution over all scores of a sample."""
    return Softmax()


@public("InitTemperatureSoftmaxLayer")
def init_temperature_softmax_layer(temperature: float) -> Softmax:
    """Return a softmax that a low temperature sharpens and a high one smooths.

    Args:
        temperature: T, above 0; 1 is the plain softmax.
    """
    return Softmax(temperature, variant="temperature")


@public("InitGridSoftmaxLayer")
def init_grid_softmax_layer(rows: int, cols: int) -> Softmax:
    """Return one distribution for each of ``rows`` blocks of ``cols`` scores.

    Args:
        rows: Blocks of a sample, at least 1.
        cols: Scores of a block, at least 1.
    """
    return Softmax(variant="grid", rows=rows, cols=cols)


@public("InitHierarchicalSoftmaxLayer")
def init_hierarchical_softmax_layer(levels: Sequence[int]) -> Softmax:
    """Return a tree of choices, level by level.

    Args:
        levels: Children of each node, level by level; each at least 1.
    """
    return Softmax(variant="hierarchical", levels=levels)


@public("InitGumbelSoftmaxLayer")
def init_gumbel_softmax_layer(temperature: float) -> Softmax:
    """Return a softmax with noise in training.

    Args:
        temperature: T, above 0; small comes near to a choice of one score.
    """
    return Softmax(temperature, variant="gumbel")


@public("InitMaskedSoftmaxLayer")
def init_masked_softmax_layer(mask_size: int) -> Softmax:
    """Return a softmax whose mask (all true at first) can be changed by SetMask.

    Args:
        mask_size: Scores of a sample, at least 1.
    """
    limits.require_within(positive(mask_size, "mask_size"), limits.LIST_ITEMS, "mask_size")
    return Softmax(variant="masked", mask=[True] * mask_size)


@public("InitSparsemaxLayer")
def init_sparsemax_layer() -> Softmax:
    """Return a distribution with exact zeros."""
    return Softmax(variant="sparse")


@public("InitEntmaxLayer")
def init_entmax_layer(alpha: float = 1.5) -> Softmax:
    """Return a distribution between softmax (alpha 1) and sparsemax (alpha 2).

    Args:
        alpha: 1 to 2; the higher, the more zeros.
    """
    return Softmax(variant="entmax", alpha=alpha)


@public("InitAdaptiveSoftmaxLayer")
def init_adaptive_softmax_layer(clusters: Sequence[Sequence[int]]) -> Softmax:
    """Return a choice of a cluster, then of one of its members.

    Args:
        clusters: Lists of score numbers, from 0, that together hold each score once.
    """
    return Softmax(variant="adaptive", clusters=clusters)


@public("InitMixtureSoftmaxLayer")
def init_mixture_softmax_layer(weights: Sequence[float]) -> Softmax:
    """Return a weighted mean of several distributions.

    Args:
        weights: Of at least 0, one for each distribution; made to sum to 1.
    """
    return Softmax(variant="mixture", mixture_weights=weights)
