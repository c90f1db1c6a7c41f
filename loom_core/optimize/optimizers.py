"""Gradient descent with momentum, AdamW and RMSprop: the mathematics of PyTorch.

Where Loom v0.0.7 differs (no special first step of momentum, epsilon inside RMSprop's root) these
follow PyTorch; weight decay never pulls on biases and norm gains, as in Loom.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import F32
from loom_core.checks import finite_number
from loom_core.errors import SpecError
from loom_core.optimize.optimizer import Optimizer
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
    setting_names: ClassVar[tuple[str, ...]] = (
        "momentum",
        "dampening",
        "nesterov",
        "weight_decay",
    )

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

    def update_op(self) -> tuple[str, dict[str, bool], tuple[str, ...]]:
        """Return sgd or momentum."""
        if not self.momentum:
            return "sgd", {}, ()
        return "momentum", {"nesterov": self.nesterov}, ("v",)

    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write momentum, and what of the gradient enters the velocity: all of it at first."""
        columns["momentum"][:] = self.momentum
        columns["fresh"][:] = np.where(steps == 1, 1.0, 1.0 - self.dampening)


@public_class
class AdamWOptimizer(Optimizer):
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
    setting_names: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "epsilon", "weight_decay")

    def __init__(
        self,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(weight_decay)
        self.beta1 = finite_number(beta1, "beta1", below=1)
        self.beta2 = finite_number(beta2, "beta2", below=1)
        self.epsilon = finite_number(epsilon, "epsilon", above=0)

    @property
    def label(self) -> str:
        """Loom's name for it."""
        return "AdamW"

    def update_op(self) -> tuple[str, dict[str, bool], tuple[str, ...]]:
        """Return adamw."""
        return "adamw", {}, ("m", "v")

    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write the shares of the new gradient, and the corrections of means that began at 0."""
        columns["fresh"][:] = 1.0 - self.beta1
        columns["fresh_squares"][:] = 1.0 - self.beta2
        columns["epsilon"][:] = self.epsilon
        columns["mean_correction"][:] = 1.0 / (1.0 - self.beta1**steps)
        columns["root_correction"][:] = 1.0 / np.sqrt(1.0 - self.beta2**steps)


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
    setting_names: ClassVar[tuple[str, ...]] = ("alpha", "epsilon", "momentum", "weight_decay")

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

    def update_op(self) -> tuple[str, dict[str, bool], tuple[str, ...]]:
        """Return rmsprop or rmsprop_momentum."""
        return ("rmsprop_momentum", {}, ("s", "b")) if self.momentum else ("rmsprop", {}, ("s",))

    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write the share of the new square, epsilon and momentum; the same in all steps."""
        columns["fresh_squares"][:] = 1.0 - self.alpha
        columns["epsilon"][:] = self.epsilon
        columns["momentum"][:] = self.momentum


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


@public("NewRMSpropOptimizer")
def new_rmsprop_optimizer(alpha: float, epsilon: float, momentum: float) -> RMSpropOptimizer:
    """Return RMSprop."""
    return RMSpropOptimizer(alpha, epsilon, momentum)


@public("NewRMSpropOptimizerDefault")
def new_rmsprop_optimizer_default() -> RMSpropOptimizer:
    """Return RMSprop with alpha 0.99, epsilon 1e-8 and no momentum."""
    return RMSpropOptimizer()
