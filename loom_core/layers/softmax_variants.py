"""The softmax variants, one row each: what it computes, its checks and widths, its settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np

from loom_core.errors import ShapeError, SpecError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.noise import GumbelNoise
from loom_core.graph.op import Value

MASKED_SCORE = -1e9
"""Added to a masked score: its exponential is exactly 0 beside any ordinary score."""


class Settings(Protocol):
    """The settings that variants read; :class:`~loom_core.layers.softmax.Softmax` has them."""

    temperature: float
    variant: str
    rows: int | None
    cols: int | None
    levels: tuple[int, ...]
    mask: tuple[bool, ...]
    alpha: float
    clusters: tuple[tuple[int, ...], ...]
    mixture_weights: tuple[float, ...]
    noise: bool
    loom_threshold: bool


@dataclass(frozen=True)
class Variant:
    """One variant.

    Args:
        lower: Emits its ops for scores (R, C).
        check: Raises SpecError where a setting is missing or out of range.
        widths: The numbers of scores that the settings allow; any where there is none.
        outputs: The number of probabilities for so many scores; raises ShapeError for a number that
            does not fit.
        fields: Its settings in model JSON.
    """

    lower: Callable[[GraphBuilder, Value, Settings], Value]
    check: Callable[[Settings], None] = lambda layer: None
    widths: Callable[[Settings], tuple[int, ...]] = lambda layer: ()
    outputs: Callable[[Settings, int], int] = lambda layer, width: width
    fields: Callable[[Settings], dict[str, Any]] = lambda layer: {}


def _rows(graph: GraphBuilder, x: Value, cols: int, layer: Settings) -> Value:
    """Softmax of each group of ``cols`` scores, in the shape (groups, cols)."""
    count = math.prod(x.shape) // cols
    rows = graph.reshape(x, (count, cols))
    return graph.emit("softmax", rows, temperature=layer.temperature)


def _standard(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    return _rows(graph, x, x.shape[1], layer)


def _check_grid(layer: Settings) -> None:
    if not (layer.rows and layer.cols):
        raise SpecError("grid softmax needs rows and cols", hint="Set softmax_rows and _cols.")


def _grid(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    return graph.reshape(_rows(graph, x, layer.cols or 1, layer), x.shape)


def _means(graph: GraphBuilder, x: Value, size: int) -> Value:
    """Mean of each group of ``size`` scores, in the shape (groups, 1)."""
    rows = graph.reshape(x, (math.prod(x.shape) // size, size))
    return graph.emit("matmul", rows, graph.constant(np.full((size, 1), 1 / size, np.float32)))


def _check_hierarchical(layer: Settings) -> None:
    if not layer.levels:
        raise SpecError("hierarchical softmax needs levels", hint="Set hierarchy_levels.")


def _leaves_and_nodes(layer: Settings) -> tuple[int, ...]:
    """Return how many leaves the tree has, and how many nodes, the root not counted."""
    nodes = [math.prod(layer.levels[: depth + 1]) for depth in range(len(layer.levels))]
    return nodes[-1], sum(nodes)


def _hierarchical(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    count, (leaves, all_nodes) = x.shape[0], _leaves_and_nodes(layer)
    own_scores = x.shape[1] == all_nodes != leaves
    path: Value | None = None
    start = 0
    for depth, children in enumerate(layer.levels):
        nodes = math.prod(layer.levels[: depth + 1])
        if own_scores:
            scores = graph.emit("slice_axis", x, axis=1, start=start, size=nodes)
            start += nodes
        else:
            scores = x if nodes == leaves else _means(graph, x, leaves // nodes)
        choice = _rows(graph, scores, children, layer)  # (count * parents, children)
        if path is not None:
            parents = graph.reshape(path, (choice.shape[0],))
            choice = graph.emit("mul_channels", choice, parents, axis=0)
        path = choice
    return x if path is None else graph.reshape(path, (count, leaves))


def _gumbel(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    if graph.training and layer.noise:
        x = graph.emit("add", x, graph.noise(x.shape, GumbelNoise()))
    return _standard(graph, x, layer)


def _check_masked(layer: Settings) -> None:
    if not layer.mask:
        raise SpecError("masked softmax needs a mask", hint="Set mask: one boolean a score.")


def _masked(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    hidden = np.where(layer.mask, 0.0, MASKED_SCORE).astype(np.float32)
    if not any(layer.mask):
        x = graph.emit("scale", x, factor=0.0)  # nothing may win: uniform
        hidden[:] = 0
    copies = x.shape[1] // len(hidden)
    x = graph.emit("add_bias", x, graph.constant(np.tile(hidden, copies)), axis=1)
    return _standard(graph, x, layer)


def _check_entmax(layer: Settings) -> None:
    if not (layer.loom_threshold or 1 <= layer.alpha <= 2):
        raise SpecError(f"entmax alpha must be from 1 to 2, got {layer.alpha!r}")


def _entmax(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    alpha = 2.0 if layer.variant == "sparse" else layer.alpha
    if layer.loom_threshold:
        return graph.emit("loom_entmax", x, alpha=min(alpha, 2.0))
    if np.float32(alpha) == 1:  # nearer to softmax than its root of order alpha - 1 is exact
        return _standard(graph, x, layer)
    return graph.emit("entmax", x, alpha=alpha, temperature=layer.temperature)


def _check_adaptive(layer: Settings) -> None:
    members = sorted(member for cluster in layer.clusters for member in cluster)
    if not (members and all(layer.clusters) and members == list(range(len(members)))):
        raise SpecError("adaptive softmax needs clusters that hold each score once")


def _adaptive(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    order = tuple(member for cluster in layer.clusters for member in cluster)
    x = graph.emit("permute_columns", x, order=order)
    scores, start = [], 0
    for cluster in layer.clusters:
        scores.append(graph.emit("slice_axis", x, axis=1, start=start, size=len(cluster)))
        start += len(cluster)
    heads = [_means(graph, part, part.shape[1]) for part in scores]
    head = _standard(graph, graph.emit("concat", *heads, axis=1), layer)
    members = []
    for number, part in enumerate(scores):
        chosen = graph.emit("slice_axis", head, axis=1, start=number, size=1)
        chosen = graph.reshape(chosen, (x.shape[0],))
        inside = _standard(graph, part, layer)
        members.append(graph.emit("mul_channels", inside, chosen, axis=0))
    y = graph.emit("concat", *members, axis=1)
    back = tuple(int(i) for i in np.argsort(order))
    return graph.emit("permute_columns", y, order=back)


def _check_mixture(layer: Settings) -> None:
    weights = layer.mixture_weights
    if not (
        weights
        and all(isinstance(w, Real) for w in weights)
        and all(w >= 0 and math.isfinite(w) for w in weights)
        and sum(weights) > 0
    ):
        raise SpecError("mixture softmax needs weights of at least 0, not all 0")


def _mixed_width(layer: Settings, width: int) -> int:
    parts = len(layer.mixture_weights)
    if width % parts:
        raise ShapeError(f"mixture softmax cannot cut {width} scores into {parts}")
    return width // parts


def _mixture(graph: GraphBuilder, x: Value, layer: Settings) -> Value:
    count, parts = x.shape[0], len(layer.mixture_weights)
    width = x.shape[1] // parts
    weights = np.array(layer.mixture_weights, np.float64) / sum(layer.mixture_weights)
    y = graph.reshape(_rows(graph, x, width, layer), (count, parts, width))
    y = graph.reshape(graph.emit("transpose", y, axes=(0, 2, 1)), (count * width, parts))
    mixed = graph.emit("matmul", y, graph.constant(weights.astype(np.float32)[:, None]))
    return graph.reshape(mixed, (count, width))


VARIANTS: dict[str, Variant] = {
    "standard": Variant(_standard),
    "grid": Variant(
        _grid,
        check=_check_grid,
        widths=lambda layer: ((layer.rows or 0) * (layer.cols or 0),),
        fields=lambda layer: {"softmax_rows": layer.rows, "softmax_cols": layer.cols},
    ),
    "hierarchical": Variant(
        _hierarchical,
        check=_check_hierarchical,
        widths=_leaves_and_nodes,
        outputs=lambda layer, width: math.prod(layer.levels),
        fields=lambda layer: {"hierarchy_levels": list(layer.levels)},
    ),
    "temperature": Variant(_standard),
    "gumbel": Variant(_gumbel, fields=lambda layer: {"gumbel_noise": layer.noise}),
    "masked": Variant(
        _masked,
        check=_check_masked,
        widths=lambda layer: (len(layer.mask),),
        fields=lambda layer: {"mask": list(layer.mask)},
    ),
    "sparse": Variant(_entmax),
    "entmax": Variant(
        _entmax,
        check=_check_entmax,
        fields=lambda layer: {"entmax_alpha": layer.alpha},
    ),
    "adaptive": Variant(
        _adaptive,
        check=_check_adaptive,
        widths=lambda layer: (sum(len(cluster) for cluster in layer.clusters),),
        fields=lambda layer: {"adaptive_clusters": [list(c) for c in layer.clusters]},
    ),
    "mixture": Variant(
        _mixture,
        check=_check_mixture,
        outputs=_mixed_width,
        fields=lambda layer: {"mixture_weights": list(layer.mixture_weights)},
    ),
}
