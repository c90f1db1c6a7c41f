"""Optimizers by name or as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from loom_core.errors import SpecError
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizers import AdamWOptimizer, RMSpropOptimizer, SGDOptimizer
from loom_core.public import read_record, record, record_fields, record_key

OptimizerName = Literal["sgd", "sgd_momentum", "adamw", "rmsprop"]

OPTIMIZERS: Mapping[str, type[Optimizer]] = {
    "sgd": SGDOptimizer,
    "sgd_momentum": SGDOptimizer,
    "adamw": AdamWOptimizer,
    "rmsprop": RMSpropOptimizer,
}

DEFAULT_MOMENTUM = 0.9
"""Of ``"sgd_momentum"`` without a momentum, as in Loom."""


@record
@dataclass
class OptimizerConfig:
    """An optimizer as plain data; what is left out takes the optimizer's own default.

    Args:
        type: ``"sgd"``, ``"sgd_momentum"`` (0.9 unless given), ``"adamw"`` or ``"rmsprop"``.
        momentum: Of sgd and rmsprop.
        dampening: Of sgd with momentum.
        nesterov: Of sgd with momentum.
        beta1: Of adamw.
        beta2: Of adamw.
        alpha: Of rmsprop.
        epsilon: Of adamw and rmsprop.
        weight_decay: Of each; on matrices and kernels only.
    """

    type: OptimizerName
    momentum: float | None = None
    dampening: float | None = None
    nesterov: bool | None = None
    beta1: float | None = None
    beta2: float | None = None
    alpha: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None


def make_optimizer(asked: object) -> Optimizer:
    """Return an optimizer as it is, or one made from a name, a config or a mapping.

    Raises:
        SpecError: An unknown name, a setting that the optimizer does not have, or a wrong value.
    """
    if isinstance(asked, Optimizer):
        return asked
    config = read_record(OptimizerConfig, {"type": asked} if isinstance(asked, str) else asked)
    kind = OPTIMIZERS.get(config.type) if isinstance(config.type, str) else None
    if kind is None:
        raise SpecError(
            f"there is no optimizer {str(config.type)[:40]!r}",
            hint=f"Use one of {', '.join(OPTIMIZERS)}.",
        )
    settings = {
        field.name: getattr(config, field.name)
        for field in record_fields(OptimizerConfig)
        if field.name != "type" and getattr(config, field.name) is not None
    }
    unknown = [
        record_key(field)
        for field in record_fields(OptimizerConfig)
        if field.name in settings and field.name not in kind.setting_names
    ]
    if unknown:
        raise SpecError(f"the optimizer {config.type!r} has no {', '.join(unknown)}")
    if config.type == "sgd_momentum":
        settings.setdefault("momentum", DEFAULT_MOMENTUM)
    return kind(**settings)
