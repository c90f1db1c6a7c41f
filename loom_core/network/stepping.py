"""What a network does to run tick by tick."""

from __future__ import annotations

import time
from collections.abc import Generator

from loom_core.arrays import F32, FloatData, to_float32
from loom_core.checks import positive
from loom_core.cooperative import Cooperative, Wait
from loom_core.errors import SpecError
from loom_core.public import public
from loom_core.running import NetworkGrid
from loom_core.stepping.step_state import StepState
from loom_core.stepping.ticks import add_step_gradients, begin, tick
from loom_core.stepping.training import DataLoader, stepping_training_steps
from loom_core.stepping.training_config import SteppingTrainingConfig, SteppingTrainingResult


class Stepping(NetworkGrid):
    """Methods that run all layers at once, each on what the one before it last gave.

    An input reaches the output of a network of L layers after L ticks, and a new one may be set at
    each tick: after tick t the output is what ForwardCPU gives for the input of tick t - L + 1, as
    long as the weights stay. A disabled layer passes its input on, and takes a tick like any other.
    """

    @public("InitStepState")
    def init_step_state(self, input_size: int) -> StepState:
        """Return the state of a network in which nothing has happened yet.

        Args:
            input_size: Numbers in the input: of one sample, or of several one after the other.

        Raises:
            SpecError: ``input_size`` is no whole number of at least 1.
            ShapeError: That is no whole number of samples, or layers do not fit.
            LimitError: The values between the layers need too much memory.
        """
        return begin(self, input_size)

    @public("StepForward")
    def step_forward(self, state: StepState) -> float:
        """Run one tick: every layer reads its input, then all outputs change together.

        Args:
            state: From InitStepState.

        Returns:
            Seconds.

        Raises:
            ShapeError: The state was made for other layers.
        """
        start = time.perf_counter()
        tick(self, state, range(len(self.layers)))
        state.step_count += 1
        return time.perf_counter() - start

    @public("StepForwardSingle")
    def step_forward_single(self, state: StepState, layer_idx: int) -> float:
        """Run one layer alone, on what the one before it last gave; the tick is not counted.

        All layers one after the other do what ForwardCPU does.

        Args:
            state: From InitStepState.
            layer_idx: Which, from 0.

        Returns:
            Seconds.

        Raises:
            SpecError: There is no such layer.
            ShapeError: The state was made for other layers.
        """
        start = time.perf_counter()
        index = positive(layer_idx, "layer_idx", 0)
        if index >= len(self.layers):
            raise SpecError(f"there is no layer {index} in a network of {len(self.layers)} layers")
        tick(self, state, [index])
        return time.perf_counter() - start

    @public("StepBackward")
    def step_backward(self, state: StepState, grad_output: FloatData) -> F32:
        """Return the gradient with respect to the input that the present output came from.

        One sweep through all layers: the gradients are those that BackwardCPU gives after a
        ForwardCPU of that input, whatever inputs came after it, and they add up like those (see
        KernelGradients). Before the first input has come through, after L ticks, the output
        depends on no input, and the gradients are zero.

        Args:
            state: From InitStepState.
            grad_output: Gradient of the loss with respect to GetOutput, (B * O,).

        Returns:
            (B * I,).

        Raises:
            ShapeError: ``grad_output`` has another size than the output, or the state was made
                for other layers.
            BusyError: The network is training.
        """
        self.control.require_idle("run backward")
        return add_step_gradients(
            self, state, to_float32(grad_output, "the gradient of the output")
        )

    @public("TrainWithStepping")
    @Cooperative
    def train_with_stepping(
        self,
        config: SteppingTrainingConfig | None,
        data_loader: DataLoader,
        total_steps: int,
    ) -> Generator[Wait, None, SteppingTrainingResult]:
        """Train tick by tick: one sample goes in at each tick, one comes out.

        Each output is compared (mean squared error) with the target of the input that it came
        from, L - 1 ticks ago in a network of L layers, and its gradients are taken at that input.
        When the samples end, those on their way through the layers are learned from as well.
        Layers do what they do in StepForward: there is no noise.

        Args:
            config: Defaults where left out; a record or a mapping.
            data_loader: Called with 0, 1, ...; gives a TrainingBatch, (input, target) or
                (input, target, ok). None, or a false ``ok``, ends the training. All samples have
                one size; one may hold several inputs one after the other.
            total_steps: Most samples.

        Raises:
            BusyError: The network is training already.
            SpecError, ShapeError: Settings, or what the loader gives, are wrong.
            NonFiniteError: A loss or gradient became NaN or infinite; the weights are those of
                the last update.
        """
        return (yield from stepping_training_steps(self, config, data_loader, total_steps))
