"""AdamW: Adam with weight decay apart from the gradient."""

from __future__ import annotations

from typing import ClassVar

from loom_core.checks import finite_number
from loom_core.optimize.optimizers.adam import AdamOptimizer
from loom_core.optimize.weight_update import WeightUpdate
from loom_core.public import public, public_class


@public_class
class AdamWOptimizer(AdamOptimizer):
    """Adam with weight decay apart from the gradient.

    ``m = beta1 m + (1 - beta1) g``, ``v = beta2 v + (1 - beta2) g^2``; both are divided by
    ``1 - beta^t`` in step t, and ``w -= rate (m / (sqrt(v) + epsilon) + weight_decay w)``.

    Args:
        beta1: Share of the mean gradient that is kept, 0 to below 1.
        beta2: The same for the mean square.
        epsilon: Above 0; in units of the gradient.
        weight_decay: At least 0.

    Raises:
        SpecError: A setting is not allowed.

    Source: Loshchilov and Hutter 2019, arXiv:1711.05101; torch.optim.AdamW.
    """

    type_name: ClassVar[str] = "adamw"

    def __init__(
        self,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(beta1, beta2, epsilon)
        self.weight_decay = finite_number(weight_decay, "weight_decay")

    @property
    def label(self) -> str:
        """Loom's name for it."""
        return "AdamW"

    def emit_update(self, update: WeightUpdate) -> None:
        """Emit the kernel of the whole formula."""
        update.emit_fused("adamw")


@public("NewAdamWOptimizer")
def new_adamw_optimizer(
    beta1: float, beta2: float, epsilon: float, weight_decay: float
) -> AdamWOptimizer:
    """Return AdamW."""
    return AdamWOptimizer(beta1, beta2, epsilon, weight_decay)


@public("NewAdamWOptimizerDefault")
def new_adamw_optimizer_default() -> AdamWOptimizer:
    """Return AdamW with betas 0.9 and 0.999, epsilon 1e-8 and weight decay 0.01."""
    return AdamWOptimizer()
