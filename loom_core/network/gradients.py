"""What a network does to give out gradients, and to learn from them step by step."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from loom_core.arrays import F32, FloatData, to_float32
from loom_core.backends.base import Program
from loom_core.errors import SpecError, kind_of
from loom_core.layers.base import is_bias
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizers import AdamWOptimizer, RMSpropOptimizer, SGDOptimizer
from loom_core.optimize.trained_weights import trained_weights
from loom_core.plans.gradient_graph import activations_plan
from loom_core.public import public
from loom_core.running import NetworkGrid
from loom_core.train.apply_gradients import apply_gradients
from loom_core.train.backward import add_gradients


class Gradients(NetworkGrid):
    """Methods that run backward and change weights by hand.

    Gradients add up over backward passes, until they are applied (the next backward pass then
    starts from zero) or set to zero. They stay readable after a step, and a second step without a
    backward pass between uses them again.
    """

    @public("BackwardCPU")
    def backward_cpu(self, grad_output: FloatData) -> F32:
        """Return the gradient with respect to the input of the last ForwardCPU.

        The gradients of all weights that are trained (see KernelGradients) are added to those of
        earlier backward passes, unless these were applied or zeroed. They are the true gradients
        of ``sum(output * grad_output)`` for the weights and settings as they are now.

        Args:
            grad_output: Gradient of the loss with respect to the output: as many numbers as the
                output has, (B * O,) or (B, O).

        Returns:
            (B * I,) for a flat ``grad_output``, else (B, I).

        Raises:
            SpecError: There was no ForwardCPU since the layers were set.
            ShapeError: ``grad_output`` has another size than the output.
            BusyError: The network is training.
        """
        self.control.require_idle("run backward")
        seed = to_float32(grad_output, "the gradient of the output")
        x = self._last_input()
        dx = add_gradients(self, x, seed)
        return dx if seed.ndim > 1 else dx.reshape(-1)

    def _last_input(self) -> F32:
        if self.last_forward is None:
            raise SpecError(
                "there is no forward pass to go back through", hint="Call ForwardCPU first."
            )
        return np.asarray(self.last_forward.read("input"), np.float32)

    @public("Activations")
    def activations(self) -> list[F32]:
        """Return what flows between the layers, for the input of the last ForwardCPU.

        Returns:
            The input (B * I,), then the output of each layer, all flat. They are computed anew,
            with the weights as they are now: ForwardCPU keeps nothing.

        Raises:
            SpecError: There was no ForwardCPU since the layers were set.
        """
        x = self._last_input()
        batch, width = x.shape
        program: Program = self.prepared(
            ("activations", batch, width), lambda: activations_plan(self.layers, batch, width)
        )
        program.write("input", x)
        program.run()
        places = range(len(self.layers) + 1)
        return [np.asarray(program.read(f"activation.{k}"), np.float32).ravel() for k in places]

    @public("KernelGradients")
    def kernel_gradients(self) -> list[F32]:
        """Return the gradients of the weights that are no biases.

        Returns:
            For each layer one flat array: its weights in the order in which they are stored, then
            those of the layers inside it. Zeros before the first backward pass; empty where there
            is nothing to train (no weights, frozen, disabled). A weight that several layers share
            stands with the first.
        """
        return self._flat_gradients(bias=False)

    @public("BiasGradients")
    def bias_gradients(self) -> list[F32]:
        """Return the gradients of the biases, in the form of KernelGradients."""
        return self._flat_gradients(bias=True)

    def _flat_gradients(self, bias: bool) -> list[F32]:
        self.require_weights()
        parts: list[list[F32]] = [[np.zeros(0, np.float32)] for _ in self.layers]
        for weight in trained_weights(self.layers):
            if is_bias(weight.name) == bias:
                parts[weight.index].append(self.gradients.of(weight.array).ravel())
        return [np.concatenate(arrays) for arrays in parts]

    @public("ZeroGradients")
    def zero_gradients(self) -> None:
        """Set all gradients to zero; the next backward pass starts from there.

        Raises:
            BusyError: The network is training.
        """
        self.control.require_idle("set gradients to zero")
        self.gradients.zero()

    @public("UpdateWeights")
    def update_weights(self, learning_rate: float) -> None:
        """Change all weights that are trained by ``w -= rate * gradient``.

        An optimizer that is set is left aside; see ApplyGradients.

        Args:
            learning_rate: Finite, at least 0.

        Raises:
            SpecError, NonFiniteError, BusyError: As in ApplyGradients.
        """
        self.step_by(self._descent, learning_rate)

    @public("ApplyGradients")
    def apply_gradients(self, learning_rate: float) -> None:
        """Change all weights that are trained by their gradients.

        The optimizer says how; without one it is ``w -= rate * gradient``. The next backward pass
        starts from zero.

        Args:
            learning_rate: Finite, at least 0.

        Raises:
            SpecError: There was no backward pass, or the rate is not allowed.
            NonFiniteError: A gradient is NaN or infinite. No weight has changed; ZeroGradients
                makes room for other gradients.
            BusyError: The network is training.
        """
        self.step_by(self.optimizer or self._descent, learning_rate)

    @public("ApplyGradientsAdamW")
    def apply_gradients_adamw(
        self, learning_rate: float, beta1: float, beta2: float, weight_decay: float
    ) -> None:
        """Set AdamW with epsilon 1e-8, unless it is set with these very settings, and apply it.

        So its state is kept from call to call. See ApplyGradients for what is raised, and
        :class:`~loom_core.optimize.optimizers.AdamWOptimizer` for the settings.

        Args:
            learning_rate: Finite, at least 0.
            beta1: Share of the mean gradient that is kept, 0 to below 1; usual is 0.9.
            beta2: The same for the mean square; usual is 0.999.
            weight_decay: At least 0: the weights shrink by ``learning_rate weight_decay w``.
        """
        self._apply_by(AdamWOptimizer(beta1, beta2, 1e-8, weight_decay), learning_rate)

    @public("ApplyGradientsRMSprop")
    def apply_gradients_rmsprop(
        self, learning_rate: float, alpha: float, epsilon: float, momentum: float
    ) -> None:
        """Set RMSprop, unless it is set with these very settings, and apply it.

        See ApplyGradientsAdamW, and :class:`~loom_core.optimize.optimizers.RMSpropOptimizer`.

        Args:
            learning_rate: Finite, at least 0.
            alpha: Share of the mean square that is kept, 0 to below 1; usual is 0.99.
            epsilon: Above 0, in units of the gradient; usual is 1e-8.
            momentum: Share of the velocity that is kept, at least 0.
        """
        self._apply_by(RMSpropOptimizer(alpha, epsilon, momentum), learning_rate)

    @public("ApplyGradientsSGDMomentum")
    def apply_gradients_sgd_momentum(
        self, learning_rate: float, momentum: float, dampening: float, nesterov: bool
    ) -> None:
        """Set gradient descent with momentum, unless these very settings are set, and apply it.

        See ApplyGradientsAdamW, and :class:`~loom_core.optimize.optimizers.SGDOptimizer`.

        Args:
            learning_rate: Finite, at least 0.
            momentum: Share of the velocity that is kept, at least 0.
            dampening: Share of the gradient that does not enter the velocity, 0 to 1.
            nesterov: Look ahead; needs momentum.
        """
        self._apply_by(SGDOptimizer(momentum, dampening, nesterov), learning_rate)

    @cached_property
    def _descent(self) -> SGDOptimizer:
        """What follows the gradients where no optimizer does; always one object, as plans are."""
        return SGDOptimizer()

    def _apply_by(self, wanted: Optimizer, rate: float) -> None:
        held = self.optimizer
        optimizer = held if held and held.settings() == wanted.settings() else wanted
        self.step_by(optimizer, rate)
        self.optimizer = optimizer

    def step_by(self, optimizer: Optimizer, learning_rate: float) -> None:
        """Change all weights that are trained by their gradients, as an optimizer says."""
        self.control.require_idle("apply gradients")
        apply_gradients(self, optimizer, learning_rate)

    @public("SetOptimizer")
    def set_optimizer(self, optimizer: Optimizer | None) -> None:
        """Let ApplyGradients use an optimizer; None for plain gradient descent.

        Args:
            optimizer: As NewAdamWOptimizerDefault, for example, returns it; or None.

        Raises:
            SpecError: It is no optimizer.
        """
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise SpecError(
                f"an optimizer is needed, got {kind_of(optimizer)}",
                hint="Make one: AdamWOptimizer(), or NewAdamWOptimizerDefault() in JavaScript.",
            )
        self.optimizer = optimizer

    @public("GetOptimizer")
    def get_optimizer(self) -> Optimizer | None:
        """Return the optimizer that ApplyGradients uses, or None."""
        return self.optimizer

    @public("ResetOptimizer")
    def reset_optimizer(self) -> None:
        """Let the optimizer, if there is one, forget its state; its settings stay."""
        if self.optimizer is not None:
            self.optimizer.reset()
