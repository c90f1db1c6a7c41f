"""Lion: steps of one size, by the sign of a mean gradient."""

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
class LionOptimizer(Optimizer):
    """Every number of a weight goes by the same amount, which is the rate.

    ``w -= rate (sign(beta1 m + (1 - beta1) g) + weight_decay w)``, and only then
    ``m = beta2 m + (1 - beta2) g``. It wants a rate some 3 to 10 times smaller than Adam's, and a
    weight decay larger by as much.

    Args:
        beta1: Share of the mean in the direction of a step, 0 to below 1.
        beta2: Share of the mean gradient that is kept, 0 to below 1.
        weight_decay: At least 0.

    Raises:
        SpecError: A setting is not allowed.

    Source: Chen et al. 2023, arXiv:2302.06675, algorithm 2.
    """

    type_name: ClassVar[str] = "lion"

    def __init__(self, beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.0) -> None:
        super().__init__(weight_decay)
        self.beta1 = finite_number(beta1, "beta1", below=1)
        self.beta2 = finite_number(beta2, "beta2", below=1)

    @property
    def label(self) -> str:
        """Its name in the paper."""
        return "Lion"

    @property
    def state_names(self) -> tuple[str, ...]:
        """The running mean of gradients."""
        return ("m",)

    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write what direction and mean take of the old mean and the new gradient."""
        columns["momentum"][:] = self.beta1
        columns["fresh"][:] = 1.0 - self.beta1
        columns["fresh_squares"][:] = 1.0 - self.beta2

    def emit_update(self, update: WeightUpdate) -> None:
        """Emit the step by the old mean, then the new mean."""
        graph, (m,) = update.graph, update.states
        g = update.gradient()
        mixed = graph.emit("add", update.times(m, "momentum"), update.times(g, "fresh"))
        update.descend(graph.emit("sign", mixed))
        update.update_mean(m, g, "fresh_squares")


@public("NewLionOptimizer")
def new_lion_optimizer(
    beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.0
) -> LionOptimizer:
    """Return Lion, which goes by the sign of a mean gradient."""
    return LionOptimizer(beta1, beta2, weight_decay)
