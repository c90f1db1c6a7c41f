"""Schedulers as plain data in training states, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from loom_core.errors import SpecError
from loom_core.optimize.scheduler import LRScheduler
from loom_core.optimize.scheduler_config import SCHEDULERS, SchedulerConfig
from loom_core.optimize.schedulers import WarmupScheduler
from loom_core.public import read_record

_CLASSES: tuple[type[LRScheduler], ...] = (
    *(row.kind for row in SCHEDULERS.values()),
    WarmupScheduler,
)

_STORED: Mapping[str, type[LRScheduler]] = {kind.__name__: kind for kind in _CLASSES}
"""The classes that can be stored: their attributes are their constructors' parameters."""


def stored_scheduler(scheduler: LRScheduler | SchedulerConfig) -> dict[str, Any] | None:
    """Return what :func:`read_scheduler` gave as plain data; None for a class of one's own."""
    if isinstance(scheduler, SchedulerConfig):
        given = {name: value for name, value in vars(scheduler).items() if value is not None}
        return {n: v.item() if isinstance(v, np.generic) else v for n, v in given.items()}
    if type(scheduler) not in _STORED.values():
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
    if not isinstance(stored, Mapping) or str(stored.get("class")) not in _STORED:
        raise SpecError("the stored scheduler is of no known class")
    settings = {str(name): value for name, value in stored.items() if name != "class"}
    if settings.get("after_scheduler") is not None:
        settings["after_scheduler"] = restored_scheduler(settings["after_scheduler"])
    try:
        return _STORED[str(stored["class"])](**settings)
    except TypeError as error:
        raise SpecError(f"the stored {stored['class']} has other settings: {error}") from error
