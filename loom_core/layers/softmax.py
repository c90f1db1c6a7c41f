"""Softmax as a layer of its own, in ten variants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from loom_core.arrays import Shape, element_count
from loom_core.checks import positive
from loom_core.errors import ShapeError, SpecError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.softmax_variants import VARIANTS, Variant
from loom_core.public import public, public_class

DEFAULT_ALPHA = 1.5


@public_class
class Softmax(Layer):
    """Scores to probabilities, ``y = exp(x / T) / sum(exp(x / T))``, and nine relatives.

    standard, temperature: the formula above over each sample's C scores.
    grid: one distribution for each of ``rows`` blocks of ``cols`` scores.
    hierarchical: a tree of ``levels``; y of a leaf is the product of the choices along its path.
        With one score a leaf, an inner node's score is the mean of its leaves'; with one score
        a node (all of level 1, then level 2, ...), each has its own.
    gumbel: noise -ln(-ln u) is added to the scores in training, none otherwise.
    masked: scores where ``mask`` is false get no probability; all masked is uniform.
    sparse: sparsemax, the nearest point of the simplex; many exact zeros.
    entmax: between softmax (alpha 1) and sparsemax (alpha 2).
    adaptive: first a cluster (its score is the mean of its members'), then a member of it.
    mixture: ``sum_k w_k softmax(x_k)`` of K blocks of scores; y is one block wide.

    Args:
        temperature: T > 0; small is sharp, large is smooth.
        variant: One of the ten.
        rows: For grid.
        cols: For grid.
        levels: For hierarchical: children of each node, level by level.
        mask: For masked: true where a score may win.
        alpha: For entmax: 1 to 2.
        clusters: For adaptive: lists of score numbers that hold each once.
        mixture_weights: For mixture: K weights >= 0, made to sum to 1.
        noise: For gumbel: whether training adds noise at all.
        over_batch: One distribution over the whole batch instead of one per sample, as Loom
            v0.0.7 computes it.
        loom_threshold: Loom v0.0.7's sparse and entmax, with its doubled threshold (both set when
            such a model is loaded).
        frozen: Kept for symmetry; there is nothing to train.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A setting is out of range, missing for its variant, or the variant is unknown.

    Sources: Loom v0.0.7, softmax.go; Jang et al. 2017 (Gumbel); Martins and Astudillo 2016
    (sparsemax); Peters et al. 2019 (entmax); Morin and Bengio 2005 (hierarchical); Grave et al.
    2017 (adaptive); Yang et al. 2018 (mixture).
    """

    type_name = "softmax"
    keeps_width = False

    def __init__(
        self,
        temperature: float = 1.0,
        *,
        variant: str = "standard",
        rows: int | None = None,
        cols: int | None = None,
        levels: Sequence[int] = (),
        mask: Sequence[bool] = (),
        alpha: float = DEFAULT_ALPHA,
        clusters: Sequence[Sequence[int]] = (),
        mixture_weights: Sequence[float] = (),
        noise: bool = True,
        over_batch: bool = False,
        loom_threshold: bool = False,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        _require_temperature(temperature)
        if variant not in VARIANTS:
            raise SpecError(
                f"unknown softmax variant {variant!r}", hint=f"Use one of {', '.join(VARIANTS)}."
            )
        self.temperature: float = float(temperature)
        self.variant: str = variant
        self.rows: int | None = rows
        self.cols: int | None = cols
        self.levels: tuple[int, ...] = tuple(positive(level, "a level") for level in levels)
        self.mask: tuple[bool, ...] = tuple(mask)
        self.alpha: float = float(alpha)
        self.clusters: tuple[tuple[int, ...], ...] = tuple(tuple(part) for part in clusters)
        self.mixture_weights: tuple[float, ...] = tuple(mixture_weights)
        self.noise: bool = noise
        self.over_batch = over_batch
        self.loom_threshold = loom_threshold
        self._rule.check(self)

    @property
    def _rule(self) -> Variant:
        return VARIANTS[self.variant]

    @public("SetTemperature")
    def set_temperature(self, temperature: float) -> None:
        """Change T.

        Args:
            temperature: T, above 0; small is sharp, large is smooth.

        Raises:
            SpecError: It is not a positive number.
        """
        _require_temperature(temperature)
        self.temperature = float(temperature)

    @public("SetMask")
    def set_mask(self, mask: Sequence[bool]) -> None:
        """Change the mask of a masked softmax.

        Args:
            mask: For each score whether it may win; as many as before.

        Raises:
            SpecError: The variant is another, or the mask is of another length.
        """
        if self.variant != "masked" or len(mask) != len(self.mask):
            raise SpecError(f"this softmax takes a mask of {len(self.mask)} booleans")
        self.mask = tuple(bool(item) for item in mask)

    def flags(self) -> tuple[object, ...]:
        """Return what a plan depends on and may change: temperature and mask too."""
        return (*super().flags(), self.temperature, self.mask)

    def input_features(self) -> int | None:
        """Return C where the variant takes just one."""
        widths = self._rule.widths(self)
        return widths[0] if len(widths) == 1 else None

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return (C,); hierarchical and mixture may give fewer numbers than they take."""
        if input_shape is None:
            return None
        width = element_count(input_shape)
        allowed = self._rule.widths(self)
        if allowed and width not in allowed:
            raise ShapeError(
                f"{self.variant} softmax expects {' or '.join(map(str, allowed))} scores, "
                f"but receives {width}"
            )
        return (self._rule.outputs(self, width),)

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit the variant's ops on the rows of single samples, or on one row of the batch."""
        batch, width = x.shape[0], element_count(x.shape[1:])
        rows = (1, batch * width) if self.over_batch else (batch, width)
        y = self._rule.lower(graph, graph.reshape(x, rows), self)
        return graph.reshape(y, (batch, element_count(y.shape) // batch))

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Read Loom's keys; its own files get the arithmetic that Loom gives each variant."""
        settings: dict[str, Any] = {
            "temperature": fields.number("temperature") or 1.0,
            "variant": fields.text("softmax_variant") or "standard",
            "rows": fields.size("softmax_rows"),
            "cols": fields.size("softmax_cols"),
            "levels": fields.sizes("hierarchy_levels"),
            "mask": fields.booleans("mask"),
            "alpha": fields.number("entmax_alpha") or DEFAULT_ALPHA,
            "clusters": fields.size_lists("adaptive_clusters"),
            "mixture_weights": fields.numbers("mixture_weights"),
            "noise": fields.get("gumbel_noise") is None or fields.boolean("gumbel_noise"),
            "over_batch": fields.boolean("over_batch"),
            "loom_threshold": fields.boolean("loom_threshold"),
        }
        if fields.reading == "loom":
            settings |= _as_loom_computes(settings, fields)
        settings |= fields.flags()
        return cls(**settings)

    def to_fields(self) -> dict[str, Any]:
        """Write Loom's keys, those of the variant only."""
        written: dict[str, Any] = {
            "softmax_variant": self.variant,
            "temperature": self.temperature,
            **self._rule.fields(self),
        }
        for flag in ("over_batch", "loom_threshold"):
            if getattr(self, flag):
                written[flag] = True
        return written


def _require_temperature(temperature: float) -> None:
    number = isinstance(temperature, int | float | np.number) and not isinstance(temperature, bool)
    if not (number and math.isfinite(temperature) and temperature > 0):
        raise SpecError(
            f"softmax temperature must be a positive number, got {temperature!r:.40}",
            hint='A variant is named: Softmax(variant="sparse").' if not number else "",
        )


def _as_loom_computes(settings: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """Return what Loom v0.0.7 really does for a variant, as settings.

    It falls back to the plain softmax with T = 1 where a setting is missing and for adaptive and
    mixture; hierarchical is a grid of the last level; sparse and entmax have their own threshold
    and ignore T.
    """
    variant, levels = settings["variant"], settings["levels"]
    plain: dict[str, Any] = {"variant": "standard", "temperature": 1.0}
    changed: dict[str, Any] = {"over_batch": fields.batch_size > 1}
    needed = {"grid": settings["rows"] and settings["cols"], "hierarchical": levels}
    needed |= {"masked": settings["mask"], "adaptive": None, "mixture": None}
    if variant in needed and not needed[variant]:
        changed |= plain
    elif variant == "hierarchical":
        changed |= {"variant": "grid", "rows": math.prod(levels[:-1]), "cols": levels[-1]}
    elif variant in ("sparse", "entmax"):
        alpha = fields.number("entmax_alpha") or 0.0
        if variant == "entmax" and alpha <= 1:
            changed |= plain
        else:
            changed |= {"temperature": 1.0, "loom_threshold": True, "alpha": alpha}
    elif variant not in VARIANTS:
        changed["variant"] = "standard"
    return changed
