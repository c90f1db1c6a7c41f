"""Settings and results of a training tick by tick. These records cross to JavaScript."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from loom_core.checks import finite_number, positive
from loom_core.errors import SpecError, kind_of
from loom_core.optimize.optimizer import Learner, Optimizer
from loom_core.optimize.optimizer_config import OptimizerSettings, make_optimizer
from loom_core.optimize.optimizers import OPTIMIZERS, OptimizerName
from loom_core.optimize.scheduler import LRScheduler
from loom_core.optimize.scheduler_config import (
    SCHEDULERS,
    SchedulerName,
    SchedulerSettings,
    make_scheduler,
)
from loom_core.public import record, result_record

_OWN_NAMES = {"final_lr": "min_lr", "warmup_lr": "min_lr", "decay_factor": "decay_rate"}
"""What SchedulerConfig calls otherwise: one name here, whatever the schedule."""


@record
@dataclass
class SteppingTrainingConfig(OptimizerSettings, SchedulerSettings):
    """Settings of TrainWithStepping; each optimizer and schedule reads those that it has.

    Args:
        optimizer: Its name; the one that is set on the network when left out, or plain gradient
            descent.
        learning_rate: At the start, or after the warm-up.
        lr_schedule: How the rate changes: a type of SchedulerConfig; constant when left out.
        warmup_steps: Steps in which the rate rises from ``min_lr``, in front of any schedule.
        min_lr: Where linear, polynomial and the cosines end; 1 % of the learning rate for linear
            when left out, else 0.
        total_steps: Of linear, cosine and polynomial; the steps asked for when left out.
        decay_rate: Of exponential, 0.96 when left out; of step, 0.1.
        grad_accum_steps: Steps whose mean gradient makes one update.
        grad_clip_value: Most that the norm over all gradients may be; 0 does not clip.
        checkpoint_every: Steps between two calls of ``on_checkpoint``; 0 for none.
        log_every: Steps whose mean loss makes one entry of the history.
        on_step: Called after each step with its number from 1, the learning rate and the loss.
        on_checkpoint: Called with the number of steps done, and the network.
    """

    optimizer: OptimizerName | None = None
    learning_rate: float = 0.01
    lr_schedule: SchedulerName = "constant"
    warmup_steps: int = 0
    grad_accum_steps: int = 1
    grad_clip_value: float = 0.0
    checkpoint_every: int = 0
    log_every: int = 100
    on_step: Callable[[int, float, float], object] | None = None
    on_checkpoint: Callable[[int, Learner], object] | None = None

    def require_valid(self) -> None:
        """Raise :class:`SpecError` for a setting of the loop itself that is not allowed."""
        for name, least in (
            ("grad_accum_steps", 1),
            ("log_every", 1),
            ("checkpoint_every", 0),
            ("warmup_steps", 0),
        ):
            positive(getattr(self, name), name, least)
        finite_number(self.learning_rate, "learning_rate")
        finite_number(self.grad_clip_value, "grad_clip_value")
        if not isinstance(self.lr_schedule, str):
            raise SpecError(f"lr_schedule must be a name, got {kind_of(self.lr_schedule)}")
        if self.optimizer is not None and not isinstance(self.optimizer, str):
            raise SpecError(f"optimizer must be a name, got {kind_of(self.optimizer)}")
        for name in ("on_step", "on_checkpoint"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise SpecError(f"{name} must be a function, got {kind_of(value)}")

    def make_optimizer(self) -> Optimizer | None:
        """Return the optimizer of that name, or None for the network's own.

        Raises:
            SpecError: An unknown name, or a setting that is not allowed.
        """
        if self.optimizer is None:
            return None
        kind = OPTIMIZERS.get(self.optimizer)
        return make_optimizer(
            {"type": self.optimizer, **self._given(kind.setting_names if kind else ())}
        )

    def make_scheduler(self, steps: int) -> LRScheduler:
        """Return the schedule of that name for a training of so many steps.

        Raises:
            SpecError: An unknown name, or a setting that is not allowed.
        """
        row = SCHEDULERS.get(self.lr_schedule)
        names = [*row.settings] if row else []
        if self.warmup_steps:
            names += ["warmup_steps", "warmup_lr"]
        config = {"type": self.lr_schedule, **self._given(names)}
        return make_scheduler(config, self.learning_rate, steps)

    def _given(self, names: Iterable[str]) -> dict[str, Any]:
        """Return those of an optimizer's or scheduler's settings that are not left out."""
        found = {name: getattr(self, _OWN_NAMES.get(name, name)) for name in names}
        return {name: value for name, value in found.items() if value is not None}


@result_record
@dataclass
class SteppingTrainingResult:
    """What a training tick by tick reached.

    Args:
        total_steps: Samples that were learned from.
        final_loss: Mean loss of the last ``log_every`` steps, or of those that there were since.
        loss_history: Mean loss of each ``log_every`` steps; of the rest at the end.
        lr_history: Learning rate of the last step of each entry.
        total_time: Seconds, without pauses.
        steps_per_second: Of the steps that were done.
        stopped: It was ended early by StopTraining.
    """

    total_steps: int = 0
    final_loss: float = math.nan
    loss_history: list[float] = field(default_factory=list)
    lr_history: list[float] = field(default_factory=list)
    total_time: float = 0.0
    steps_per_second: float = 0.0
    stopped: bool = False
