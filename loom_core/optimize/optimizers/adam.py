"""Adam: steps of a size that does not depend on the gradient's, in the direction of its mean."""

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
class AdamOptimizer(Optimizer):
    """Adam, without weight decay.

    ``m = beta1 m + (1 - beta1) g``, ``v = beta2 v + (1 - beta2) g^2``; both are divided by
    ``1 - beta^t`` in step t, and ``w -= rate m / (sqrt(v) + epsilon)``.

    Args:
        beta1: Share of the mean gradient that is kept, 0 to below 1.
        beta2: The same for the mean square.
        epsilon: Above 0; in units of the gradient.

    Raises:
        SpecError: A setting is not allowed.

    Source: Kingma and Ba 2015, arXiv:1412.6980; torch.optim.Adam.
    """

    type_name: ClassVar[str] = "adam"
    squares = frozenset({"v"})

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.beta1 = finite_number(beta1, "beta1", below=1)
        self.beta2 = finite_number(beta2, "beta2", below=1)
        self.epsilon = finite_number(epsilon, "epsilon", above=0)

    @property
    def label(self) -> str:
        """Its name in the paper."""
        return "Adam"

    @property
    def state_names(self) -> tuple[str, ...]:
        """Running means of gradient and square."""
        return ("m", "v")

    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write the shares of the new gradient, and the corrections of means that began at 0."""
        columns["fresh"][:] = 1.0 - self.beta1
        columns["fresh_squares"][:] = 1.0 - self.beta2
        columns["epsilon"][:] = self.epsilon
        columns["mean_correction"][:] = 1.0 / (1.0 - self.beta1**steps)
        columns["root_correction"][:] = 1.0 / np.sqrt(1.0 - self.beta2**steps)

    def emit_update(self, update: WeightUpdate) -> None:
        """Emit both means and the step that is made of them."""
        graph, (m, v) = update.graph, update.states
        g = update.gradient()
        update.update_mean(m, g, "fresh")
        update.update_mean(v, graph.emit("mul", g, g), "fresh_squares")
        root = update.times(graph.emit("sqrt", v), "root_correction")
        mean = update.times(m, "mean_correction")
        update.descend(graph.emit("div", mean, update.plus(root, "epsilon")))


@public("NewAdamOptimizer")
def new_adam_optimizer(
    beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
) -> AdamOptimizer:
    """Return Adam without weight decay; NewAdamWOptimizer has it."""
    return AdamOptimizer(beta1, beta2, epsilon)
