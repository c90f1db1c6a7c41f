"""The training loop, as a generator: each round runs a chunk of steps, reports it, and yields."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.base import Backend, Program
from loom_core.backends.measured_choice import measure, plan_shape
from loom_core.backends.webgpu.program import WebGpuProgram
from loom_core.backends.webgpu_backend import WebGpuBackend
from loom_core.cooperative import Wait
from loom_core.errors import BackendError, BusyError
from loom_core.optimize.training_state import TrainingPosition
from loom_core.plans.step_graph import training_plan
from loom_core.public import read_record
from loom_core.running import NetworkGrid
from loom_core.train.batches import BatchSource, read_batches
from loom_core.train.config import (
    TrainingBatch,
    TrainingConfig,
    TrainingData,
    TrainingResult,
)
from loom_core.train.divergence import divergence_error
from loom_core.train.pace import Pace
from loom_core.train.report import OnProgress, TrainingReport
from loom_core.train.step_blocks import StepBlocks
from loom_core.train.training_backend import SafePoint, gpu_of_training
from loom_core.train.training_setup import begin_position
from loom_core.train.training_watch import TrainingWatch
from loom_core.train.validation import Validation, read_validation

SAFETY_COPY_STEPS = 500
"""Steps after which the weights are copied from a GPU, even if nothing reads them."""


def training_steps(
    network: NetworkGrid,
    batches: TrainingData | Sequence[TrainingBatch],
    config: TrainingConfig | None,
    on_progress: OnProgress | None,
) -> Generator[Wait, None, TrainingResult]:
    """Train by an optimizer, yielding after each chunk: the steps that fit into some milliseconds.

    Args:
        network: Trained in place. At every yield it has the weights of a whole step. Weights on a
            GPU are copied into the layers' own arrays at the end, also after an error, unless the
            GPU is lost. Code that closes the generator has to settle them (``network.programs``).
        batches: See Train of the network, also for what is raised.
        config: Likewise.
        on_progress: Likewise.

    Yields:
        True while paused, False to let others run, or a device's promise to be waited for.
    """
    network.control.require_idle("start a training")
    source = read_batches(network, batches)
    settings = read_record(TrainingConfig, config if config is not None else {})
    settings.require_valid()
    validation = read_validation(network, settings)
    with network.control.training():
        gpu = yield from gpu_of_training(network, settings)
        network.require_weights()
        network.position = begin_position(network, settings, source)
        training = _Training(network, source, validation, settings, on_progress, gpu)
        try:
            return (yield from training.run())
        except GeneratorExit:
            raise
        except BaseException:
            with suppress(BackendError, BusyError):  # the first error says more
                yield from network.programs.settle()
            raise
        finally:
            training.close()


class _Training:
    """One training in progress."""

    def __init__(
        self,
        network: NetworkGrid,
        source: BatchSource,
        validation: Validation | None,
        settings: TrainingConfig,
        on_progress: OnProgress | None,
        gpu: WebGpuBackend | None,
    ) -> None:
        if network.position is None:
            raise TypeError("internal: a training begins without a position")
        self.network = network
        self.source = source
        self.validation = validation
        self.settings = settings
        self.watch = TrainingWatch(network, len(source))
        self.gpu = gpu
        self.backend = gpu if settings.use_gpu else None
        self.position: TrainingPosition = network.position
        self.safe: SafePoint | None = None
        self.total_steps = len(source) * settings.epochs
        self.blocks = StepBlocks(source, self.position, settings.gradient_clip)
        self.pace = Pace(source.step_bytes)
        self.report = TrainingReport(settings, self.position, len(source), on_progress)

    def run(self) -> Generator[Wait, None, TrainingResult]:
        """Run to the end, or until the training is stopped."""
        yield from self._choose_by_measurement()
        self._note_backend()
        while self.position.step < self.total_steps and not self.network.control.stopping:
            try:
                yield from self._round()
            except BackendError as error:
                self._hand_over(error)
        return self.report.finished(stopped=self.network.control.stopping)

    def _round(self) -> Generator[Wait, None, None]:
        """Run a chunk, report it, and end the epoch or the training if they end here."""
        control = self.network.control
        yield from self._run_chunk()
        self.report.tell("batch_end")
        yield from self.report.clock.give_way(control, self.network.programs.settle)
        step = self.position.step
        ending = control.stopping or step == self.total_steps
        if ending or (self.safe is not None and step - self.safe.step >= SAFETY_COPY_STEPS):
            yield from self.network.programs.settle()
        if control.stopping or step % len(self.source) == 0:
            yield from self._end_epoch()

    def _note_backend(self) -> None:
        own = self.network.backend_report().used
        self.network.trained_on = own if self.backend is None else self.backend.name

    def _choose_by_measurement(self) -> Generator[Wait, None, None]:
        """Choose the GPU if it was made ready, no backend was asked for, and it is faster."""
        if self.gpu is None or self.backend is not None:
            return
        size, width = self.source.input_shape(self.position.step)
        cpu = self._program(size, width)
        what = f"{len(self.network.layers)} layers, batch {size} of {width}"
        key = plan_shape(cpu.plan)
        if key not in self.gpu.measured:
            on_gpu = partial(self._program, size, width, self.gpu)
            self.gpu.measured[key] = yield from measure(cpu, on_gpu, what)
        if self.gpu.measured[key].gpu_is_faster:
            self.backend = self.gpu

    def _hand_over(self, error: BackendError) -> None:
        """Continue on the CPU from the last copy of the weights, after an error of the GPU.

        Raises:
            BackendError: The same error, if it is one of the network's own backend, or if
                ``use_gpu`` asked for the GPU and it is not lost.
        """
        if self.backend is None or (self.settings.use_gpu and self.backend.device.lost is None):
            raise error
        self.backend = None
        self._note_backend()
        self.network.control.in_steps = False
        self.network.programs.discard()
        if self.safe is not None:
            self.safe.restore(self.position)
        self.report.result.fallback_reason = f"step {self.position.step + 1} on, the CPU: {error}"

    def close(self) -> None:
        """Leave things as they should be, however the training has ended."""
        if self.network.control.in_steps:  # it is not known how many steps of the chunk are done
            self.network.position = None
        self.position.optimizer.halted.fill(0)
        self.report.close()

    # Steps

    def _run_chunk(self) -> Generator[Wait, None, None]:
        """Run a chunk, whose batches are of one size, and record its results."""
        step, position = self.position.step, self.position
        started = time.perf_counter()
        size, width = self.source.input_shape(step)
        program = self._program(size, width)
        block = self.blocks.at_hand(program, self._horizon)
        at = step - block.first
        count = min(self._chunk_size(), len(block.data) - at)
        ports = ["loss", "norm", "norms"] if "hyper" in block.data.ports else ["loss"]
        watched = partial(self._program, size, width, watched=True)
        data = block.data.part(at, count)
        on_gpu = isinstance(program, WebGpuProgram)
        if on_gpu and not self.network.programs.ahead():
            self.safe = SafePoint.of(self.network, position)
        self.network.control.in_steps = True
        # Steps on a GPU do not change the arrays, and may end in another thread than they began.
        with nullcontext() if on_gpu else self.network.control.whole_steps:
            found = yield from self.watch.run_steps(program, watched, data, ports, step)
        self.pace.note(count, time.perf_counter() - started, program.patience)
        good = _steps_before_trouble(found)
        position.optimizer.steps_done += good
        if good:
            loss, rate = float(found["loss"][good - 1]), float(block.rates[at + good - 1])
            norm = float(found["norm"][good - 1]) if "norm" in found else 0.0
            self.report.note_steps(good * size, loss, norm, rate)
            position.note(np.asarray(found["loss"][:good], np.float32))
            position.noise = block.noise_at(position.step)
        self.network.control.in_steps = False
        if good < count:
            yield from self.network.programs.settle()
            refused = data.part(good, 1).of("input")[0]
            raise divergence_error(self.network, position.step, len(self.source), found, refused)

    def _horizon(self) -> int:
        """Return how many steps the next block may have.

        Code that is told of the end of an epoch may change settings for the next one.
        """
        step = self.position.step
        limits = [self.total_steps - step]
        alike = self.source.equal_steps(step)
        if alike is not None:
            limits.append(alike)
        if self._told_of_epochs():
            limits.append(len(self.source) - step % len(self.source))
        return min(limits)

    def _told_of_epochs(self) -> bool:
        waiting = self.report.told_of_epochs or self.watch.listening
        return waiting or self.validation is not None

    def _chunk_size(self) -> int:
        """Return how many steps to run: as many as fit, but none past the next report."""
        step = self.position.step
        limits = [self.pace.steps()]
        due = self.report.steps_until_due()
        if due is not None:
            limits.append(due)
        if self._told_of_epochs():
            limits.append(len(self.source) - step % len(self.source))
        return min(limits)

    def _program(
        self, size: int, width: int, backend: Backend | None = None, *, watched: bool = False
    ) -> Program:
        network, loss, optimizer = self.network, self.settings.loss_type, self.position.optimizer
        layers = network.layers
        return network.prepared(
            ("training", size, width, loss, watched, *optimizer.plan_key()),
            lambda: training_plan(layers, size, width, loss, optimizer, watched=watched),
            backend or self.backend,
        )

    # Epochs

    def _end_epoch(self) -> Generator[Wait, None, None]:
        stopping, done = self.network.control.stopping, self.position.step == self.total_steps
        epoch, begun = divmod(self.position.step, len(self.source))
        every = self.settings.evaluate_every_n
        in_turn = not begun and every > 0 and epoch % every == 0
        if self.validation and (in_turn or stopping or done):
            report = self.report
            yield from self.validation.measure(
                self.network, report.clock, report.result, self.backend
            )
            report.note_evaluation(in_turn=in_turn)
        if not begun:
            mean = self.position.mean_loss()
            self.watch.end_epoch(self.position.step, mean, self.report.result)
        self.report.tell("epoch_end")


def _steps_before_trouble(found: Mapping[str, Array]) -> int:
    """Return how many steps went well: those before the first loss or norm that is not finite."""
    if "norm" in found:  # the step's own guard has looked at each: only the last can be a bad one
        fine = math.isfinite(found["loss"][-1]) and math.isfinite(found["norm"][-1])
        return len(found["loss"]) - (not fine)
    finite = np.isfinite(found["loss"])
    return len(finite) if finite.all() else int(finite.argmin())
