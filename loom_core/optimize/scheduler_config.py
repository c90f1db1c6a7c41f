"""Schedulers by name or as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from loom_core.checks import finite_number, positive
from loom_core.errors import SpecError
from loom_core.optimize.scheduler import LRScheduler
from loom_core.optimize.schedulers import (
    ConstantScheduler,
    CosineAnnealingScheduler,
    ExponentialDecayScheduler,
    InverseSquareRootScheduler,
    LinearDecayScheduler,
    PolynomialDecayScheduler,
    StepDecayScheduler,
    WarmupScheduler,
)
from loom_core.public import read_record, record, record_fields, record_key

SchedulerName = Literal[
    "constant",
    "linear",
    "cosine",
    "cosine_warm_restarts",
    "exponential",
    "step",
    "polynomial",
    "inverse_sqrt",
    "warmup",
]
"""What a config may ask for, as a type; a test holds it equal to the keys of SCHEDULERS."""


@dataclass(kw_only=True)
class SchedulerSettings:
    """What schedulers can be set to, besides the rate that they begin with.

    Args:
        min_lr: Of the cosines; 0 when left out.
        total_steps: Of linear, cosine and polynomial; the whole training when left out, also of one
            that resumes: from there on the rate follows the length that is asked for then.
        restart_period: Of cosine_warm_restarts; has to be given.
        decay_rate: Of exponential; 0.96 when left out.
        decay_steps: Of exponential and inverse_sqrt; 1000 when left out.
        step_size: Of step; 10000 when left out.
        power: Of polynomial; 1 when left out.
    """

    min_lr: float | None = None
    total_steps: int | None = None
    restart_period: int | None = None
    decay_rate: float | None = None
    decay_steps: int | None = None
    step_size: int | None = None
    power: float | None = None


@record
@dataclass
class SchedulerConfig(SchedulerSettings):
    """A scheduler as plain data; steps are those of the training.

    Args:
        type: The scheduler's name; ``"warmup"`` is a warm-up, then level.
        initial_lr: The training's learning rate when left out.
        final_lr: Of linear (1 % of the initial rate) and polynomial (0).
        decay_factor: Of step; 0.1 when left out.
        warmup_steps: In front of any; none when left out.
        warmup_lr: Where the warm-up begins; 0 when left out.
    """

    type: SchedulerName
    initial_lr: float | None = None
    final_lr: float | None = None
    decay_factor: float | None = None
    warmup_steps: int | None = None
    warmup_lr: float | None = None


Default: TypeAlias = "float | Callable[[float, int], float] | None"
"""Of a setting that is left out: a number, or made from the rate and the steps of the training
without its warm-up; None for one that has to be given."""


def _whole_training(rate: float, steps: int) -> int:
    return max(steps, 1)


def _hundredth(rate: float, steps: int) -> float:
    return 0.01 * rate


@dataclass(frozen=True, slots=True)
class SchedulerRow:
    """What a name in configs stands for.

    Args:
        kind: The class. It is called with the initial rate and the settings, in their order.
        settings: Those that the scheduler has, with their defaults.
        fixed: Arguments that the name implies.
    """

    kind: type[LRScheduler]
    settings: Mapping[str, Default] = field(default_factory=dict)
    fixed: Mapping[str, bool] = field(default_factory=dict)

    def make(self, rate: float, steps: int, config: SchedulerConfig) -> LRScheduler:
        """Return the scheduler of a config.

        Args:
            rate: To begin with.
            steps: Of the training, without the warm-up.
            config: With settings of this row only.

        Raises:
            SpecError: A value is not allowed.
        """
        values: list[Any] = []
        for name, default in self.settings.items():
            given = getattr(config, name)
            left_out = default(rate, steps) if callable(default) else default
            values.append(left_out if given is None else given)
        kind: Callable[..., LRScheduler] = self.kind
        return kind(rate, *values, **self.fixed)


SCHEDULERS: Mapping[SchedulerName, SchedulerRow] = {
    "constant": SchedulerRow(ConstantScheduler),
    "linear": SchedulerRow(
        LinearDecayScheduler, {"final_lr": _hundredth, "total_steps": _whole_training}
    ),
    "cosine": SchedulerRow(
        CosineAnnealingScheduler, {"min_lr": 0.0, "total_steps": _whole_training}
    ),
    "cosine_warm_restarts": SchedulerRow(
        CosineAnnealingScheduler, {"min_lr": 0.0, "restart_period": None}, {"restarts": True}
    ),
    "exponential": SchedulerRow(
        ExponentialDecayScheduler, {"decay_rate": 0.96, "decay_steps": 1000}
    ),
    "step": SchedulerRow(StepDecayScheduler, {"decay_factor": 0.1, "step_size": 10000}),
    "polynomial": SchedulerRow(
        PolynomialDecayScheduler, {"final_lr": 0.0, "total_steps": _whole_training, "power": 1.0}
    ),
    "inverse_sqrt": SchedulerRow(InverseSquareRootScheduler, {"decay_steps": 1000}),
    "warmup": SchedulerRow(ConstantScheduler),
}
"""One row for each name."""


def read_scheduler(asked: object, learning_rate: float) -> LRScheduler | SchedulerConfig:
    """Return what is asked for, with its rate; only the length of the training may be left open.

    Args:
        asked: A scheduler, a name, a config or a mapping; None for a constant rate.
        learning_rate: Where a config has no ``initial_lr``.

    Raises:
        SpecError: It is none of these, or has unknown fields.
    """
    if isinstance(asked, LRScheduler):
        return asked
    if asked is None:
        return ConstantScheduler(learning_rate)
    config = read_record(SchedulerConfig, {"type": asked} if isinstance(asked, str) else asked)
    return replace(config, initial_lr=learning_rate) if config.initial_lr is None else config


def make_scheduler(asked: object, learning_rate: float, total_steps: int) -> LRScheduler:
    """Return a scheduler as it is, or one made of what :func:`read_scheduler` takes.

    Args:
        asked: See there.
        learning_rate: See there.
        total_steps: Of the whole training, warm-up included.

    Raises:
        SpecError: An unknown name, a setting that the scheduler does not have, a wrong value, or a
            warm-up that is longer than the training.
    """
    config = read_scheduler(asked, learning_rate)
    if isinstance(config, LRScheduler):
        return config
    row = SCHEDULERS.get(config.type) if isinstance(config.type, str) else None
    if row is None:
        raise SpecError(
            f"there is no scheduler {str(config.type)[:40]!r}",
            hint=f"Use one of {', '.join(SCHEDULERS)}.",
        )
    _require_known(config, row)
    rate = finite_number(config.initial_lr, "initial_lr")
    warmup = positive(config.warmup_steps or 0, "warmup_steps", 0)
    if config.type == "warmup" and not warmup:
        raise SpecError('the scheduler "warmup" needs warmup_steps')
    if warmup > total_steps:
        raise SpecError(
            f"the training has {total_steps} steps, and the warm-up alone {warmup}",
            hint="Lower warmup_steps or train for longer; NewWarmupScheduler may have any length.",
        )
    after = row.make(rate, total_steps - warmup, config)
    if not warmup:
        return after
    return WarmupScheduler(warmup, config.warmup_lr or 0.0, rate, after)


def _require_known(config: SchedulerConfig, row: SchedulerRow) -> None:
    allowed = {"type", "initial_lr", "warmup_steps", "warmup_lr", *row.settings}
    unknown = [
        record_key(field)
        for field in record_fields(SchedulerConfig)
        if field.name not in allowed and getattr(config, field.name) is not None
    ]
    if unknown:
        raise SpecError(f"the scheduler {config.type!r} has no {', '.join(unknown)}")
