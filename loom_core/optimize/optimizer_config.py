"""Optimizers by name or as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from loom_core.errors import SpecError
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizers import OPTIMIZERS, OptimizerName
from loom_core.public import (
    public_field_name,
    read_record,
    record,
    record_fields,
    record_key,
)


@dataclass(kw_only=True)
class OptimizerSettings:
    """What optimizers can be set to; what is left out takes the optimizer's own default.

    Args:
        momentum: Share of the step before that is kept.
        dampening: Share of the gradient that does not enter the momentum.
        nesterov: Nesterov's form of momentum.
        beta1: Share of the running mean of gradients that is kept.
        beta2: Share of the second running mean that is kept, of squares for example.
        alpha: Share of the running mean of squares that is kept.
        epsilon: What is added to a root before it divides.
        weight_decay: Pull towards zero, on matrices and kernels only.
    """

    momentum: float | None = None
    dampening: float | None = None
    nesterov: bool | None = None
    beta1: float | None = None
    beta2: float | None = None
    alpha: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None


@record
@dataclass
class OptimizerConfig(OptimizerSettings):
    """An optimizer as plain data; a setting that it does not have is refused.

    Args:
        type: The optimizer's name; ``"sgd_momentum"`` has a momentum of 0.9 unless given.
    """

    type: OptimizerName


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
        own = map(public_field_name, kind.setting_names)
        raise SpecError(
            f"the optimizer {config.type!r} has no {', '.join(unknown)}",
            hint=f"Its settings are {', '.join(own)}.",
        )
    return kind(**{**kind.aliases.get(config.type, {}), **settings})
