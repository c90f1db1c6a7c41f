"""Gradient descent, with or without momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import F32
from loom_core.checks import finite_number
from loom_core.errors import SpecError
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.weight_update import WeightUpdate
from loom_core.public import public, public_class


@public_class
class SGDOptimizer(Optimizer):
    """Gradient descent: ``w -= rate g``, or with momentum ``v = momentum v + (1 - dampening) g``.

    The first step has ``v = g``. Then ``w -= rate v``, and ``w -= rate (g + momentum v)`` for
    Nesterov's form.

    Args:
        momentum: Share of the velocity that is kept, at least 0.
        dampening: Share of the gradient that does not enter the velocity, 0 to 1.
        nesterov: Look ahead; needs momentum.
        weight_decay: ``weight_decay w`` is added to the gradient.

    Raises:
        SpecError: A setting is not allowed.

    Source: torch.optim.SGD; Sutskever et al. 2013.
    """

    type_name: ClassVar[str] = "sgd"
    aliases: ClassVar[Mapping[str, Mapping[str, float]]] = {"sgd_momentum": {"momentum": 0.9}}

    def __init__(
        self,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(weight_decay)
        self.momentum = finite_number(momentum, "momentum")
        self.dampening = finite_number(dampening, "dampening")
        if self.dampening > 1:
            raise SpecError(f"dampening must be from 0 to 1, got {self.dampening!r}")
        if not isinstance(nesterov, bool):
            raise SpecError(f"nesterov must be true or false, got {str(nesterov)[:40]!r}")
        if nesterov and not self.momentum:
            raise SpecError("Nesterov's form needs a momentum above 0")
        self.nesterov = nesterov

    @property
    def label(self) -> str:
        """Loom's name for it."""
        if not self.momentum:
            return "SGD"
        return "SGD (Nesterov momentum)" if self.nesterov else "SGD (momentum)"

    @property
    def state_names(self) -> tuple[str, ...]:
        """The velocity, where there is momentum."""
        return ("v",) if self.momentum else ()

    def emit_update(self, update: WeightUpdate) -> None:
        """Emit the kernel of the whole formula, with or without momentum."""
        if self.momentum:
            update.emit_fused("momentum", nesterov=self.nesterov)
        else:
            update.emit_fused("sgd")

    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write momentum, and what of the gradient enters the velocity: all of it at first."""
        columns["momentum"][:] = self.momentum
        columns["fresh"][:] = np.where(steps == 1, 1.0, 1.0 - self.dampening)


@public("NewSGDOptimizer")
def new_sgd_optimizer() -> SGDOptimizer:
    """Return plain gradient descent."""
    return SGDOptimizer()


@public("NewSGDOptimizerWithMomentum")
def new_sgd_optimizer_with_momentum(
    momentum: float, dampening: float, nesterov: bool
) -> SGDOptimizer:
    """Return gradient descent with momentum."""
    return SGDOptimizer(momentum, dampening, nesterov)
