"""What a network does to run tick by tick."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence

import numpy as np

from loom_core import limits
from loom_core.arrays import F32, FloatData, element_count, to_float32
from loom_core.errors import ShapeError, SpecError
from loom_core.layers.base import positive
from loom_core.network.gradients import Gradients
from loom_core.public import Cooperative, Wait, public
from loom_core.stepping.step_state import StepState, require_layer_count
from loom_core.stepping.tick_graph import tick_plan
from loom_core.stepping.trails import Trails
from loom_core.stepping.training import DataLoader, stepping_training_steps
from loom_core.stepping.training_config import SteppingTrainingConfig, SteppingTrainingResult


class Stepping(Gradients):
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
        size = positive(input_size, "input_size")
        limits.require_within(size, limits.PLAN_BYTES, "the input of a step state")
        like = np.broadcast_to(np.float32(0), (size,))  # no memory: only its size is read
        self.require_weights()
        batch, width = self.split_batch(like, "the input of a step state")
        return StepState(Trails(self.layers, batch, width))

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
        self._tick(state, range(len(self.layers)))
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
        self._tick(state, [index])
        return time.perf_counter() - start

    def _tick(self, state: StepState, chosen: Sequence[int]) -> None:
        """Let the chosen layers work on the present values, all at once."""
        trails = state.trails
        require_layer_count(len(trails.shapes) - 1, len(self.layers))
        watched = self.listening(state.step_count)
        program = self.prepared(
            (("tick", *chosen), trails.shapes, watched),  # a kind for each choice of layers
            lambda: tick_plan(self.layers, trails.shapes, chosen, watched=watched),
        )
        ports = program.plan.ports
        for name in ports:
            if name.startswith("value."):
                _, index, place = name.split(".")
                program.write(name, trails.earlier(int(index), int(place)))
        program.run()
        if "input" in ports:
            self.tell_tick(program, chosen, state.step_count)
        trails.follow(
            [
                (index, np.asarray(program.read(f"made.{index}"), np.float32))
                if f"made.{index}" in ports
                else (index, trails.value(index))
                for index in chosen
            ]
        )

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
        return self.add_step_gradients(state, to_float32(grad_output, "the gradient of the output"))

    def add_step_gradients(self, state: StepState, dy: F32) -> F32:
        """Do what StepBackward does, in a training or outside."""
        expected = element_count(state.trails.shapes[-1])
        if dy.size != expected:
            raise ShapeError(
                f"the gradient of the output has {dy.size} numbers, the output {expected}"
            )
        origin = state.trails.origin()
        if origin is None:
            self.gradients.begin()
            return np.zeros(element_count(state.trails.shapes[0]), np.float32)
        return self.add_gradients(origin, dy, state.step_count - 1).reshape(-1)

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
