"""The training loop, as a generator that gives control back between two steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loom_core.errors import NonFiniteError
from loom_core.graph.ops.updates import HYPER
from loom_core.public import read_record
from loom_core.random_stream import RandomStream
from loom_core.train.batches import BatchSource, Samples, read_batches, read_samples
from loom_core.train.config import (
    TrainingBatch,
    TrainingConfig,
    TrainingData,
    TrainingProgress,
    TrainingResult,
)
from loom_core.train.losses import loss_value

if TYPE_CHECKING:
    from loom_core.network_grid import NetworkGrid

NOISE_KEY = -1
"""Names the random stream of noise; those of shuffling are named by epochs, from 1."""

EVALUATION_BATCH = 64
"""Samples of one validation run; small, so that a browser's worker stays responsive."""


def training_steps(
    network: NetworkGrid,
    batches: TrainingData | Sequence[TrainingBatch],
    config: TrainingConfig | None,
    on_progress: Callable[[TrainingProgress], object] | None,
) -> Generator[bool, None, TrainingResult]:
    """Train by stochastic gradient descent, yielding between steps.

    Args:
        network: Trained in place; every yield leaves it with the weights of a whole step.
        batches: A data set, or batches in Loom's form; records or mappings.
        config: Defaults where left out; a record or a mapping.
        on_progress: Called with each event.

    Yields:
        True while paused, else False.

    Raises:
        BusyError: The network is training already.
        SpecError, ShapeError, NonFiniteError: Settings or data are wrong (before anything
            changes), or the loss became NaN or infinite (the weights are those of the last step
            with a finite loss).
    """
    settings = read_record(TrainingConfig, config if config is not None else {})
    settings.require_valid()
    network.control.require_idle("start a training")
    source = read_batches(network, batches)
    held_out = _held_out(network, settings)
    with network.control.training():
        return (yield from _Training(network, source, held_out, settings, on_progress).run())


def _held_out(network: NetworkGrid, settings: TrainingConfig) -> Samples | None:
    if settings.validation_inputs is None:
        return None
    return read_samples(
        network,
        settings.validation_inputs,
        settings.validation_targets,
        settings.validation_labels,
        "the validation data",
    )


class _Training:
    """One training in progress."""

    def __init__(
        self,
        network: NetworkGrid,
        source: BatchSource,
        held_out: Samples | None,
        settings: TrainingConfig,
        on_progress: Callable[[TrainingProgress], object] | None,
    ) -> None:
        self.network = network
        self.source = source
        self.held_out = held_out
        self.settings = settings
        self.on_progress = on_progress
        self.seed = network.seed if settings.seed is None else settings.seed
        self.noise = RandomStream(self.seed, NOISE_KEY)
        self.result = TrainingResult()
        self.samples_seen = 0
        self.busy_seconds = 0.0
        self._resumed_at = time.perf_counter()
        self._last_event = -math.inf

    def run(self) -> Generator[bool, None, TrainingResult]:
        settings, result = self.settings, self.result
        for epoch in range(1, settings.epochs + 1):
            total = 0.0
            done = 0
            for batch in self.source.epoch(self.seed, epoch):
                loss = self._step(batch, epoch, done + 1)
                done += 1
                total += loss
                self._report("batch_end", epoch, done, loss, total / done)
                yield from self._give_way()
                if self.network.control.stopping:
                    break
            result.loss_history.append(total / done)
            result.final_loss = total / done
            result.best_loss = min(result.best_loss, result.final_loss)
            result.stopped = self.network.control.stopping
            last = result.stopped or epoch == settings.epochs
            if self.held_out is not None and (last or epoch % settings.evaluate_every_n == 0):
                yield from self._evaluate(self.held_out)
            self._report("epoch_end", epoch, done, loss, result.final_loss)
            if result.stopped:
                break
        result.total_time = self._elapsed()
        result.avg_throughput = self.samples_seen / max(result.total_time, 1e-9)
        return result

    def _step(self, batch: Samples, epoch: int, number: int) -> float:
        n, width = batch.inputs.shape
        program = self.network.program(n, width, self.settings.loss_type)
        program.write("input", batch.inputs)
        program.write("target", batch.targets)
        for port, value in program.plan.ports.items():
            if port.startswith("noise."):
                program.write(port, self.noise.gumbel(value.shape))
        hyper = np.zeros(len(HYPER), np.float32)
        hyper[0] = self.settings.learning_rate
        program.write("hyper", hyper)
        program.run("forward", "loss")
        loss = float(program.read("loss"))
        if not math.isfinite(loss):
            raise NonFiniteError(
                f"the loss became {loss} in epoch {epoch}, batch {number} "
                f"(step {self.result.steps + 1})",
                hint="Lower the learning rate, or scale the inputs to about -1 to 1. "
                "The weights are those of the step before.",
            )
        program.run("backward", "update")
        self.result.steps += 1
        self.samples_seen += n
        return loss

    def _give_way(self) -> Generator[bool, None, None]:
        """Yield once, and for as long as the training is paused; pauses do not count as time."""
        self.busy_seconds = self._elapsed()
        yield False
        while self.network.control.paused:
            yield True
        self._resumed_at = time.perf_counter()

    def _elapsed(self) -> float:
        return self.busy_seconds + time.perf_counter() - self._resumed_at

    def _evaluate(self, samples: Samples) -> Generator[bool, None, None]:
        """Measure loss and accuracy on held-out samples with the present weights."""
        total, right = 0.0, 0
        for start in range(0, len(samples), EVALUATION_BATCH):
            x = samples.inputs[start : start + EVALUATION_BATCH]
            t = samples.targets[start : start + EVALUATION_BATCH]
            y = self.network.forward_cpu(x)
            total += loss_value(self.settings.loss_type, y, t) * len(x)
            right += int(np.sum(y.argmax(axis=1) == t.argmax(axis=1)))
            yield from self._give_way()
        self.result.validation_loss = total / len(samples)
        if samples.targets.shape[1] > 1:
            self.result.validation_accuracy = right / len(samples)
            self.result.accuracy_history.append(right / len(samples))

    def _report(self, event: str, epoch: int, batch: int, loss: float, mean: float) -> None:
        now = time.perf_counter()
        due = now - self._last_event >= self.settings.progress_interval
        if self.on_progress is None or (event == "batch_end" and not due):
            return
        self._last_event = now
        elapsed = self._elapsed()
        total_steps = len(self.source) * self.settings.epochs
        rate = self.result.steps / max(elapsed, 1e-9)
        self.on_progress(
            TrainingProgress(
                event="epoch_end" if event == "epoch_end" else "batch_end",
                epoch=epoch,
                epochs=self.settings.epochs,
                batch=batch,
                batches=len(self.source),
                step=self.result.steps,
                total_steps=total_steps,
                loss=loss,
                epoch_loss=mean,
                validation_loss=self.result.validation_loss,
                validation_accuracy=self.result.validation_accuracy,
                learning_rate=self.settings.learning_rate,
                elapsed_seconds=elapsed,
                remaining_seconds=(total_steps - self.result.steps) / rate,
                samples_per_second=self.samples_seen / max(elapsed, 1e-9),
            )
        )
