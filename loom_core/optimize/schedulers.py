"""The schedulers; steps are counted from 0."""

from __future__ import annotations

import numpy as np

from loom_core.arrays import F64
from loom_core.checks import finite_number, positive
from loom_core.errors import SpecError, kind_of
from loom_core.optimize.scheduler import LRScheduler
from loom_core.public import public, public_class


@public_class
class ConstantScheduler(LRScheduler):
    """Always the same rate.

    Args:
        base_lr: The rate, finite and at least 0.
    """

    label = "Constant"

    def __init__(self, base_lr: float) -> None:
        self.base_lr = finite_number(base_lr, "base_lr")

    def rates(self, steps: F64) -> F64:
        """Return ``base_lr``."""
        return np.full(len(steps), self.base_lr)


@public_class
class LinearDecayScheduler(LRScheduler):
    """A straight line from ``initial_lr`` to ``final_lr`` in ``total_steps``, then level.

    Args:
        initial_lr: At step 0; finite and at least 0.
        final_lr: From step ``total_steps`` on; finite and at least 0.
        total_steps: At least 1.
    """

    label = "LinearDecay"

    def __init__(self, initial_lr: float, final_lr: float, total_steps: int) -> None:
        self.initial_lr = finite_number(initial_lr, "initial_lr")
        self.final_lr = finite_number(final_lr, "final_lr")
        self.total_steps = positive(total_steps, "total_steps")

    def rates(self, steps: F64) -> F64:
        """Return ``initial + (final - initial) min(s / N, 1)``."""
        share = np.minimum(steps / self.total_steps, 1.0)
        return self.initial_lr + (self.final_lr - self.initial_lr) * share


@public_class
class CosineAnnealingScheduler(LRScheduler):
    """Half a cosine from ``initial_lr`` to ``min_lr``, then level, or again and again.

    Args:
        initial_lr: At step 0.
        min_lr: At the end of the period.
        total_steps: The period, at least 1.
        restarts: Begin anew after each period.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983.
    """

    def __init__(
        self, initial_lr: float, min_lr: float, total_steps: int, *, restarts: bool = False
    ) -> None:
        self.initial_lr = finite_number(initial_lr, "initial_lr")
        self.min_lr = finite_number(min_lr, "min_lr")
        self.total_steps = positive(total_steps, "restart_period" if restarts else "total_steps")
        if not isinstance(restarts, bool):
            raise SpecError(f"restarts must be true or false, got {str(restarts)[:40]!r}")
        self.restarts = restarts

    @property
    def label(self) -> str:
        """Loom's name for it."""
        return "CosineAnnealingWarmRestarts" if self.restarts else "CosineAnnealing"

    def rates(self, steps: F64) -> F64:
        """Return ``min + (initial - min) (1 + cos(pi s / N)) / 2``."""
        period = float(self.total_steps)
        within = steps % period if self.restarts else np.minimum(steps, period)
        share = (1.0 + np.cos(np.pi * within / period)) / 2
        return self.min_lr + (self.initial_lr - self.min_lr) * share


@public_class
class ExponentialDecayScheduler(LRScheduler):
    """A rate that is multiplied by ``decay_rate`` every ``decay_steps``, smoothly.

    Args:
        initial_lr: At step 0; finite and at least 0.
        decay_rate: The factor, above 0; below 1 lets the rate shrink.
        decay_steps: Steps that it takes to be multiplied once, at least 1.
    """

    label = "ExponentialDecay"

    def __init__(self, initial_lr: float, decay_rate: float, decay_steps: int) -> None:
        self.initial_lr = finite_number(initial_lr, "initial_lr")
        self.decay_rate = finite_number(decay_rate, "decay_rate", above=0)
        self.decay_steps = positive(decay_steps, "decay_steps")

    def rates(self, steps: F64) -> F64:
        """Return ``initial decay_rate^(s / K)``."""
        return self.initial_lr * self.decay_rate ** (steps / self.decay_steps)


@public_class
class StepDecayScheduler(LRScheduler):
    """A rate that is multiplied by ``decay_factor`` every ``step_size`` steps, at once.

    Args:
        initial_lr: At step 0; finite and at least 0.
        decay_factor: The factor, at least 0; below 1 lets the rate shrink.
        step_size: Steps from one drop to the next, at least 1.
    """

    label = "StepDecay"

    def __init__(self, initial_lr: float, decay_factor: float, step_size: int) -> None:
        self.initial_lr = finite_number(initial_lr, "initial_lr")
        self.decay_factor = finite_number(decay_factor, "decay_factor")
        self.step_size = positive(step_size, "step_size")

    def rates(self, steps: F64) -> F64:
        """Return ``initial decay_factor^floor(s / K)``."""
        return self.initial_lr * self.decay_factor ** np.floor(steps / self.step_size)


@public_class
class PolynomialDecayScheduler(LRScheduler):
    """A power of what is left of ``total_steps``, from ``initial_lr`` to ``final_lr``.

    Args:
        initial_lr: At step 0; finite and at least 0.
        final_lr: From step ``total_steps`` on; finite and at least 0.
        total_steps: At least 1.
        power: Above 0; 1 is a straight line.
    """

    label = "PolynomialDecay"

    def __init__(
        self, initial_lr: float, final_lr: float, total_steps: int, power: float = 1.0
    ) -> None:
        self.initial_lr = finite_number(initial_lr, "initial_lr")
        self.final_lr = finite_number(final_lr, "final_lr")
        self.total_steps = positive(total_steps, "total_steps")
        self.power = finite_number(power, "power", above=0)

    def rates(self, steps: F64) -> F64:
        """Return ``(initial - final) (1 - min(s / N, 1))^power + final``."""
        left = 1.0 - np.minimum(steps / self.total_steps, 1.0)
        return (self.initial_lr - self.final_lr) * left**self.power + self.final_lr


@public_class
class InverseSquareRootScheduler(LRScheduler):
    """A rate that shrinks ever more slowly, without an end that has to be known.

    After a warm-up of as many steps as ``decay_steps`` it is the schedule of the source: in
    proportion to the inverse square root of the steps done, warm-up included.

    Args:
        initial_lr: At step 0; finite and at least 0.
        decay_steps: The rate is divided by sqrt(2) after so many steps, at least 1.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 5.3.
    """

    label = "InverseSquareRoot"

    def __init__(self, initial_lr: float, decay_steps: int) -> None:
        self.initial_lr = finite_number(initial_lr, "initial_lr")
        self.decay_steps = positive(decay_steps, "decay_steps")

    def rates(self, steps: F64) -> F64:
        """Return ``initial / sqrt(1 + s / K)``."""
        return self.initial_lr / np.sqrt(1.0 + steps / self.decay_steps)


@public_class
class WarmupScheduler(LRScheduler):
    """A straight line up from ``warmup_lr`` to ``base_lr``, then another scheduler from its start.

    Args:
        warmup_steps: At least 1.
        warmup_lr: At step 0.
        base_lr: At step ``warmup_steps``, and from there on where no scheduler follows.
        after_scheduler: Counts its steps from ``warmup_steps``.
    """

    def __init__(
        self,
        warmup_steps: int,
        warmup_lr: float,
        base_lr: float,
        after_scheduler: LRScheduler | None = None,
    ) -> None:
        self.warmup_steps = positive(warmup_steps, "warmup_steps")
        self.warmup_lr = finite_number(warmup_lr, "warmup_lr")
        self.base_lr = finite_number(base_lr, "base_lr")
        if after_scheduler is not None and not isinstance(after_scheduler, LRScheduler):
            raise SpecError(f"after_scheduler must be a scheduler, got {kind_of(after_scheduler)}")
        self.after_scheduler = after_scheduler

    @property
    def label(self) -> str:
        """Warmup, with the name of what follows."""
        after = self.after_scheduler
        return "Warmup" if after is None else f"Warmup+{after.label}"

    def rates(self, steps: F64) -> F64:
        """Return ``warmup + (base - warmup) s / W`` before step W, then what follows."""
        rising = self.warmup_lr + (self.base_lr - self.warmup_lr) * (steps / self.warmup_steps)
        if self.after_scheduler is None:
            later = np.full(len(steps), self.base_lr)
        else:
            later = self.after_scheduler.rates(np.maximum(steps - self.warmup_steps, 0.0))
        return np.where(steps < self.warmup_steps, rising, later)


@public("NewConstantScheduler")
def new_constant_scheduler(base_lr: float) -> ConstantScheduler:
    """Return a scheduler of one rate."""
    return ConstantScheduler(base_lr)


@public("NewLinearDecayScheduler")
def new_linear_decay_scheduler(
    initial_lr: float, final_lr: float, total_steps: int
) -> LinearDecayScheduler:
    """Return a straight line between two rates."""
    return LinearDecayScheduler(initial_lr, final_lr, total_steps)


@public("NewCosineAnnealingScheduler")
def new_cosine_annealing_scheduler(
    initial_lr: float, min_lr: float, total_steps: int
) -> CosineAnnealingScheduler:
    """Return half a cosine between two rates."""
    return CosineAnnealingScheduler(initial_lr, min_lr, total_steps)


@public("NewCosineAnnealingWithWarmRestarts")
def new_cosine_annealing_with_warm_restarts(
    initial_lr: float, min_lr: float, restart_period: int
) -> CosineAnnealingScheduler:
    """Return half a cosine that begins anew after each period.

    Args:
        initial_lr: At the start of each period; finite and at least 0.
        min_lr: What each period comes down to; finite and at least 0.
        restart_period: Steps of a period, at least 1.
    """
    return CosineAnnealingScheduler(initial_lr, min_lr, restart_period, restarts=True)


@public("NewExponentialDecayScheduler")
def new_exponential_decay_scheduler(
    initial_lr: float, decay_rate: float, decay_steps: int
) -> ExponentialDecayScheduler:
    """Return a rate that shrinks smoothly by a factor every so many steps."""
    return ExponentialDecayScheduler(initial_lr, decay_rate, decay_steps)


@public("NewStepDecayScheduler")
def new_step_decay_scheduler(
    initial_lr: float, decay_factor: float, step_size: int
) -> StepDecayScheduler:
    """Return a rate that shrinks at once by a factor every so many steps."""
    return StepDecayScheduler(initial_lr, decay_factor, step_size)


@public("NewPolynomialDecayScheduler")
def new_polynomial_decay_scheduler(
    initial_lr: float, final_lr: float, total_steps: int, power: float
) -> PolynomialDecayScheduler:
    """Return a power of what is left of the steps, between two rates."""
    return PolynomialDecayScheduler(initial_lr, final_lr, total_steps, power)


@public("NewInverseSquareRootScheduler")
def new_inverse_square_root_scheduler(
    initial_lr: float, decay_steps: int
) -> InverseSquareRootScheduler:
    """Return a rate that shrinks by the inverse square root of the steps."""
    return InverseSquareRootScheduler(initial_lr, decay_steps)


@public("NewWarmupScheduler")
def new_warmup_scheduler(
    warmup_steps: int,
    warmup_lr: float,
    base_lr: float,
    after_scheduler: LRScheduler | None = None,
) -> WarmupScheduler:
    """Return a straight line up, then another scheduler."""
    return WarmupScheduler(warmup_steps, warmup_lr, base_lr, after_scheduler)
