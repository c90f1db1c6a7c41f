"""RMSprop: the gradient over the root of its mean square."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import F32
from loom_core.checks import finite_number
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.weight_update import WeightUpdate
from loom_core.public import public, public_class


@public_class
class RMSpropOptimizer(Optimizer):
    """Steps of a size that does not depend on the gradient's.

    ``s = alpha s + (1 - alpha) g^2``, ``w -= rate g / (sqrt(s) + epsilon)``; with momentum
    ``b = momentum b + g / (sqrt(s) + epsilon)``, ``w -= rate b``.

    Args:
        alpha: Share of the mean square that is kept, 0 to below 1.
        epsilon: Above 0; in units of the gradient.
        momentum: At least 0.
        weight_decay: ``weight_decay w`` is added to the gradient.

    Raises:
        SpecError: A setting is not allowed.

    Source: Tieleman and Hinton 2012; torch.optim.RMSprop.
    """

    type_name: ClassVar[str] = "rmsprop"
    squares = frozenset({"s"})

    def __init__(
        self,
        alpha: float = 0.99,
        epsilon: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(weight_decay)
        self.alpha = finite_number(alpha, "alpha", below=1)
        self.epsilon = finite_number(epsilon, "epsilon", above=0)
        self.momentum = finite_number(momentum, "momentum")

    @property
    def label(self) -> str:
        """Loom's name for it."""
        return "RMSprop (momentum)" if self.momentum else "RMSprop"

    @property
    def state_names(self) -> tuple[str, ...]:
        """The running mean of squares, and what momentum keeps."""
        return ("s", "b") if self.momentum else ("s",)

    def emit_update(self, update: WeightUpdate) -> None:
        """Emit the kernel of the whole formula, with or without momentum."""
        update.emit_fused("rmsprop_momentum" if self.momentum else "rmsprop")

    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write the share of the new square, epsilon and momentum; the same in all steps."""
        columns["fresh_squares"][:] = 1.0 - self.alpha
        columns["epsilon"][:] = self.epsilon
        columns["momentum"][:] = self.momentum


@public("NewRMSpropOptimizer")
def new_rmsprop_optimizer(alpha: float, epsilon: float, momentum: float) -> RMSpropOptimizer:
    """Return RMSprop."""
    return RMSpropOptimizer(alpha, epsilon, momentum)


@public("NewRMSpropOptimizerDefault")
def new_rmsprop_optimizer_default() -> RMSpropOptimizer:
    """Return RMSprop with alpha 0.99, epsilon 1e-8 and no momentum."""
    return RMSpropOptimizer()
