"""Schedulers by name or as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from loom_core.checks import finite_number, positive
from loom_core.errors import SpecError
from loom_core.optimize import schedulers
from loom_core.optimize.schedulers import LRScheduler, WarmupScheduler
from loom_core.public import read_record, record, record_fields, record_key

SchedulerName = Literal[
    "constant",
    "linear",
    "cosine",
    "cosine_warm_restarts",
    "exponential",
    "step",
    "polynomial",
    "warmup",
]

FIELDS: Mapping[str, tuple[str, ...]] = {
    "constant": (),
    "linear": ("final_lr", "total_steps"),
    "cosine": ("min_lr", "total_steps"),
    "cosine_warm_restarts": ("min_lr", "restart_period"),
    "exponential": ("decay_rate", "decay_steps"),
    "step": ("decay_factor", "step_size"),
    "polynomial": ("final_lr", "total_steps", "power"),
    "warmup": (),
}
"""What each type has besides ``initial_lr`` and the warm-up, in the order of its constructor."""


@record
@dataclass
class SchedulerConfig:
    """A scheduler as plain data; steps are those of the training.

    Args:
        type: ``"constant"``, ``"linear"``, ``"cosine"``, ``"cosine_warm_restarts"``,
            ``"exponential"``, ``"step"``, ``"polynomial"``; ``"warmup"`` is a warm-up, then level.
        initial_lr: The training's learning rate when left out.
        final_lr: Of linear (1 % of the initial rate) and polynomial (0).
        min_lr: Of the cosines; 0 when left out.
        total_steps: Of linear, cosine and polynomial; the whole training when left out, also of one
            that resumes: from there on the rate follows the length that is asked for then.
        restart_period: Of cosine_warm_restarts; has to be given.
        decay_rate: Of exponential; 0.96 when left out.
        decay_steps: Of exponential; 1000 when left out.
        decay_factor: Of step; 0.1 when left out.
        step_size: Of step; 10000 when left out.
        power: Of polynomial; 1 when left out.
        warmup_steps: In front of any; none when left out.
        warmup_lr: Where the warm-up begins; 0 when left out.
    """

    type: SchedulerName
    initial_lr: float | None = None
    final_lr: float | None = None
    min_lr: float | None = None
    total_steps: int | None = None
    restart_period: int | None = None
    decay_rate: float | None = None
    decay_steps: int | None = None
    decay_factor: float | None = None
    step_size: int | None = None
    power: float | None = None
    warmup_steps: int | None = None
    warmup_lr: float | None = None


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
        return schedulers.ConstantScheduler(learning_rate)
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
    names = FIELDS.get(config.type) if isinstance(config.type, str) else None
    if names is None:
        raise SpecError(
            f"there is no scheduler {str(config.type)[:40]!r}",
            hint=f"Use one of {', '.join(FIELDS)}.",
        )
    _require_known(config, names)
    rate = finite_number(config.initial_lr, "initial_lr")
    warmup = positive(config.warmup_steps or 0, "warmup_steps", 0)
    if config.type == "warmup" and not warmup:
        raise SpecError('the scheduler "warmup" needs warmup_steps')
    if warmup > total_steps:
        raise SpecError(
            f"the training has {total_steps} steps, and the warm-up alone {warmup}",
            hint="Lower warmup_steps or train for longer; NewWarmupScheduler may have any length.",
        )
    after = _build(config, names, rate, total_steps - warmup)
    if not warmup:
        return after
    return WarmupScheduler(warmup, config.warmup_lr or 0.0, rate, after)


def _require_known(config: SchedulerConfig, names: tuple[str, ...]) -> None:
    allowed = {"type", "initial_lr", "warmup_steps", "warmup_lr", *names}
    unknown = [
        record_key(field)
        for field in record_fields(SchedulerConfig)
        if field.name not in allowed and getattr(config, field.name) is not None
    ]
    if unknown:
        raise SpecError(f"the scheduler {config.type!r} has no {', '.join(unknown)}")


def _build(
    config: SchedulerConfig, names: tuple[str, ...], rate: float, total_steps: int
) -> LRScheduler:
    defaults = {
        "final_lr": 0.01 * rate if config.type == "linear" else 0.0,
        "min_lr": 0.0,
        "total_steps": max(total_steps, 1),
        "decay_rate": 0.96,
        "decay_steps": 1000,
        "decay_factor": 0.1,
        "step_size": 10000,
        "power": 1.0,
    }
    given = {name: getattr(config, name) for name in names}
    values: list[Any] = [
        defaults.get(name) if value is None else value for name, value in given.items()
    ]
    match config.type:
        case "linear":
            return schedulers.LinearDecayScheduler(rate, *values)
        case "cosine":
            return schedulers.CosineAnnealingScheduler(rate, *values)
        case "cosine_warm_restarts":
            return schedulers.CosineAnnealingScheduler(rate, *values, restarts=True)
        case "exponential":
            return schedulers.ExponentialDecayScheduler(rate, *values)
        case "step":
            return schedulers.StepDecayScheduler(rate, *values)
        case "polynomial":
            return schedulers.PolynomialDecayScheduler(rate, *values)
    return schedulers.ConstantScheduler(rate)


KINDS: Mapping[str, type[LRScheduler]] = {
    kind.__name__: kind
    for kind in (
        schedulers.ConstantScheduler,
        schedulers.LinearDecayScheduler,
        schedulers.CosineAnnealingScheduler,
        schedulers.ExponentialDecayScheduler,
        schedulers.StepDecayScheduler,
        schedulers.PolynomialDecayScheduler,
        WarmupScheduler,
    )
}
"""The classes that can be stored: their attributes are their constructors' parameters."""


def stored_scheduler(scheduler: LRScheduler | SchedulerConfig) -> dict[str, Any] | None:
    """Return what :func:`read_scheduler` gave as plain data; None for a class of one's own."""
    if isinstance(scheduler, SchedulerConfig):
        given = {name: value for name, value in vars(scheduler).items() if value is not None}
        return {n: v.item() if isinstance(v, np.generic) else v for n, v in given.items()}
    if type(scheduler) not in KINDS.values():
        return None
    settings = dict(vars(scheduler))
    if isinstance(scheduler, WarmupScheduler) and scheduler.after_scheduler is not None:
        settings["after_scheduler"] = stored_scheduler(scheduler.after_scheduler)
        if settings["after_scheduler"] is None:
            return None
    return {"class": type(scheduler).__name__, **settings}


def restored_scheduler(stored: object) -> LRScheduler | SchedulerConfig:
    """Return what :func:`stored_scheduler` has stored.

    Raises:
        SpecError: It is none.
    """
    if isinstance(stored, Mapping) and "type" in stored:
        return read_record(SchedulerConfig, stored)
    if not isinstance(stored, Mapping) or str(stored.get("class")) not in KINDS:
        raise SpecError("the stored scheduler is of no known class")
    settings = {str(name): value for name, value in stored.items() if name != "class"}
    if settings.get("after_scheduler") is not None:
        settings["after_scheduler"] = restored_scheduler(settings["after_scheduler"])
    try:
        return KINDS[str(stored["class"])](**settings)
    except TypeError as error:
        raise SpecError(f"the stored {stored['class']} has other settings: {error}") from error
