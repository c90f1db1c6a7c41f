"""The training loop tick by tick, as a generator that gives control back between two steps."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TypeAlias, cast

import numpy as np

from loom_core.arrays import F32, FloatData, element_count, to_float32
from loom_core.checks import positive
from loom_core.cooperative import Wait
from loom_core.errors import NonFiniteError, ShapeError, SpecError, kind_of
from loom_core.optimize.optimizer import Learner
from loom_core.optimize.optimizers import SGDOptimizer
from loom_core.optimize.trained_weights import require_trained_weights
from loom_core.public import read_record
from loom_core.questions import ask
from loom_core.running import NetworkGrid
from loom_core.stepping.step_state import StepState
from loom_core.stepping.ticks import add_step_gradients, begin, tick
from loom_core.stepping.training_config import SteppingTrainingConfig, SteppingTrainingResult
from loom_core.train.apply_gradients import apply_gradients
from loom_core.train.config import TrainingBatch
from loom_core.train.work_clock import WorkClock

Sample: TypeAlias = TrainingBatch | Sequence[FloatData | bool] | None
"""(input, target), (input, target, ok), or both as a record; None or a false ``ok`` ends them."""

DataLoader: TypeAlias = Callable[[int], Sample]
"""Called with 0, 1, ... in order."""


def stepping_training_steps(
    network: NetworkGrid,
    config: SteppingTrainingConfig | None,
    data_loader: DataLoader,
    total_steps: int,
) -> Generator[Wait, None, SteppingTrainingResult]:
    """Train tick by tick, yielding between steps; see TrainWithStepping.

    Yields:
        True while paused, else False.
    """
    settings = read_record(SteppingTrainingConfig, config if config is not None else {})
    settings.require_valid()
    positive(total_steps, "total_steps")
    if not callable(data_loader):
        raise SpecError(f"data_loader must be a function, got {kind_of(data_loader)}")
    training = _SteppingTraining(network, settings, data_loader, total_steps)
    with network.control.training():
        return (yield from training.run())


class _SteppingTraining:
    """One training in progress."""

    def __init__(
        self,
        network: NetworkGrid,
        settings: SteppingTrainingConfig,
        data_loader: DataLoader,
        total_steps: int,
    ) -> None:
        self.network = network
        self.settings = settings
        self.data_loader = data_loader
        self.total_steps = total_steps
        self.named = settings.make_optimizer()
        self.optimizer = self.named or network.optimizer or SGDOptimizer()
        self.scheduler = settings.make_scheduler(total_steps)
        self.result = SteppingTrainingResult()
        self.clock = WorkClock()
        self.targets: deque[F32] = deque()
        self.collected = 0
        self.window: list[float] = []
        self.rate = math.nan

    def run(self) -> Generator[Wait, None, SteppingTrainingResult]:
        network, control, result = self.network, self.network.control, self.result
        sample = yield from self._load(0)
        if sample is None:
            raise SpecError("the data loader gave no sample", hint="It is called with 0 first.")
        state = begin(network, sample[0].size)
        require_trained_weights(network.layers)
        self._check(state, *sample, 0)
        # From here on the network is changed.
        network.optimizer = self.named or network.optimizer
        network.gradients.zero()
        try:
            yield from self._learn_all(state, sample)
        finally:
            network.gradients.used = True  # what is left of them belongs to no later pass
        if self.window:
            self._log()
        result.stopped = control.stopping
        result.total_time = self.clock.seconds()
        result.steps_per_second = result.total_steps / max(result.total_time, 1e-9)
        return result

    def _learn_all(
        self, state: StepState, sample: tuple[F32, F32] | None
    ) -> Generator[Wait, None, None]:
        control, step = self.network.control, 0
        while sample is not None and not control.stopping:
            x, target = sample
            self._check(state, x, target, step)
            state.set_input(x)
            self.targets.append(target)
            yield from self._tick(state)
            step += 1
            more = step < self.total_steps and not control.stopping
            sample = (yield from self._load(step)) if more else None
        # Learn from the samples, too, that are still on their way through the layers.
        while self.targets and not control.stopping:
            yield from self._tick(state)
        if self.collected:
            self._apply()

    def _load(self, step: int) -> Generator[Wait, None, tuple[F32, F32] | None]:
        return read_sample((yield from ask(self.data_loader, step)), step)

    def _tick(self, state: StepState) -> Generator[Wait, None, None]:
        layers = len(self.network.layers)
        tick(self.network, state, range(layers))
        state.step_count += 1
        if state.step_count >= layers:
            self._learn(state)
        yield from self.clock.give_way(self.network.control)

    def _check(self, state: StepState, x: F32, target: F32, step: int) -> None:
        expected = element_count(state.trails.shapes[-1])
        if target.size != expected:
            raise ShapeError(
                f"the target of step {step} has {target.size} numbers, the output {expected}"
            )
        size = element_count(state.trails.shapes[0])
        if x.size != size:
            raise ShapeError(
                f"the input of step {step} has {x.size} numbers, those before {size}",
                hint="All samples of a training tick by tick have one size.",
            )

    def _learn(self, state: StepState) -> None:
        """Compare the output with the target that belongs to it, and learn from the difference."""
        settings, result = self.settings, self.result
        error = state.get_output() - self.targets.popleft().reshape(-1)
        loss = float(np.mean(np.square(error, dtype=np.float64)))
        if not math.isfinite(loss):
            raise NonFiniteError(
                f"the loss became {loss} in step {result.total_steps + 1}",
                hint="Lower the learning rate, or scale the inputs to about -1 to 1. "
                "The weights are those of the last update.",
            )
        add_step_gradients(self.network, state, np.float32(2 / error.size) * error)
        self.rate = self.scheduler.get_lr(result.total_steps)
        self.collected += 1
        if self.collected == settings.grad_accum_steps:
            self._apply()
        result.total_steps += 1
        done = result.total_steps
        self.window.append(loss)
        if len(self.window) == settings.log_every:
            self._log()
        if settings.on_step is not None:
            settings.on_step(done, self.rate, loss)
        due = settings.checkpoint_every and done % settings.checkpoint_every == 0
        if due and settings.on_checkpoint is not None:
            settings.on_checkpoint(done, cast(Learner, self.network))

    def _apply(self) -> None:
        """Update the weights by the mean of the gradients collected."""
        if self.collected > 1:
            self.network.gradients.scale(1 / self.collected)
        try:
            limit = self.settings.grad_clip_value
            apply_gradients(self.network, self.optimizer, self.rate, limit)
        except NonFiniteError as error:
            raise error.at(f"step {self.result.total_steps + 1}") from error
        self.collected = 0

    def _log(self) -> None:
        self.result.final_loss = float(np.mean(self.window))
        self.result.loss_history.append(self.result.final_loss)
        self.result.lr_history.append(self.rate)
        self.window.clear()


def read_sample(found: object, step: int) -> tuple[F32, F32] | None:
    """Return input and target as a data loader gave them, flat; None where there are no more.

    Raises:
        SpecError: It is anything else.
    """
    if found is None:
        return None
    if isinstance(found, TrainingBatch | Mapping):
        batch = read_record(TrainingBatch, found)
        found = (batch.input, batch.target)
    if not isinstance(found, Sequence) or not 2 <= len(found) <= 3:
        raise SpecError(
            f"the data loader gave {kind_of(found)} for step {step}",
            hint="It has to give (input, target), or None at the end.",
        )
    if len(found) == 3 and not found[2]:
        return None
    x, target = cast(Sequence[FloatData], found)[:2]
    return (
        to_float32(x, f"the input of step {step}").reshape(-1),
        to_float32(target, f"the target of step {step}").reshape(-1),
    )
