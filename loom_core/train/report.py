"""What a training reports: progress events, text for people, and the result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal

from loom_core.optimize.training_state import TrainingPosition
from loom_core.train.config import TrainingConfig, TrainingProgress, TrainingResult
from loom_core.train.progress_text import ProgressText
from loom_core.train.work_clock import WorkClock

OnProgress = Callable[[TrainingProgress], object]


class TrainingReport:
    """Records the results of a training's steps, and reports them when that is due.

    Args:
        settings: Of the training.
        position: Of the training; read, but for the accuracies that are added to its history.
        batches: Steps of an epoch.
        on_progress: Called with each event; None for no events.

    Attributes:
        clock: Time that the training works.
        result: What is known of the result; complete after :meth:`finished`.
    """

    def __init__(
        self,
        settings: TrainingConfig,
        position: TrainingPosition,
        batches: int,
        on_progress: OnProgress | None,
    ) -> None:
        self.clock = WorkClock()
        self.result = TrainingResult()
        self._settings = settings
        self._position = position
        self._batches = batches
        self._on_progress = on_progress
        self._text = ProgressText(settings.print_every_batch) if settings.verbose else None
        self._first_step = position.step
        self._samples = 0
        self._loss = self._norm = self._rate = 0.0
        self._accuracy_out_of_turn: list[float] = []
        self._last_event = -math.inf

    @property
    def told_of_epochs(self) -> bool:
        """Whether anyone waits for the end of each epoch."""
        return self._on_progress is not None or self._text is not None

    def steps_until_due(self) -> int | None:
        """Return how many steps a chunk may have before a report is due; None for any number."""
        if self._on_progress is not None and self._settings.progress_interval == 0:
            return 1
        if self._text is not None and self._settings.print_every_batch:
            every = self._settings.print_every_batch
            return every - self._position.step % self._batches % every
        return None

    def note_steps(self, samples: int, loss: float, norm: float, rate: float) -> None:
        """Record the results of a chunk.

        Args:
            samples: Of all its steps.
            loss: Of its last step.
            norm: Over all its gradients, before clipping; 0 without any.
            rate: Its learning rate.
        """
        self._samples += samples
        self._loss, self._norm, self._rate = loss, norm, rate

    def note_evaluation(self, *, in_turn: bool) -> None:
        """Record the accuracy that an evaluation has written into the result, if any.

        Args:
            in_turn: Whether the evaluation was due in any case. One that was made only because the
                training was stopped enters this result alone: a training that is resumed shows no
                trace of the stop.
        """
        history = self._position.accuracy_history if in_turn else self._accuracy_out_of_turn
        if self.result.validation_accuracy is not None:
            history.append(self.result.validation_accuracy)

    def tell(self, event: Literal["batch_end", "epoch_end"]) -> None:
        """Tell of the last step, or of the epoch that it has ended, if somebody waits for it."""
        now = time.perf_counter()
        due = event == "epoch_end" or now - self._last_event >= self._settings.progress_interval
        batch = (self._position.step - 1) % self._batches + 1
        printed = self._text is not None and (due or self._text.wants_batch(batch))
        if not printed and (self._on_progress is None or not due):
            return
        progress = self._progress(event, batch)
        if due:
            self._last_event = now
        if self._text is not None:
            self._text.show(progress)
        if self._on_progress is not None and due:
            self._on_progress(progress)

    def finished(self, *, stopped: bool) -> TrainingResult:
        """Return the result of a training that has come to its end or was stopped."""
        position, result = self._position, self.result
        result.loss_history = [*position.loss_history]
        result.accuracy_history = [*position.accuracy_history, *self._accuracy_out_of_turn]
        if position.losses.size:
            result.loss_history.append(position.mean_loss())
        result.final_loss = result.loss_history[-1] if result.loss_history else math.nan
        result.best_loss = min(result.loss_history, default=math.inf)
        result.stopped = stopped
        result.steps = position.step
        result.total_time = self.clock.seconds()
        result.avg_throughput = self._samples / max(result.total_time, 1e-9)
        return result

    def close(self) -> None:
        """End what was left standing in a terminal."""
        if self._text is not None:
            self._text.close()

    def _progress(self, event: Literal["batch_end", "epoch_end"], batch: int) -> TrainingProgress:
        elapsed, step = self.clock.seconds(), self._position.step
        total_steps = self._batches * self._settings.epochs
        rate = (step - self._first_step) / max(elapsed, 1e-9)
        return TrainingProgress(
            event=event,
            epoch=(step - 1) // self._batches + 1,
            epochs=self._settings.epochs,
            batch=batch,
            batches=self._batches,
            step=step,
            total_steps=total_steps,
            loss=self._loss,
            epoch_loss=self._position.mean_loss(),
            validation_loss=self.result.validation_loss,
            validation_accuracy=self.result.validation_accuracy,
            learning_rate=self._rate,
            gradient_norm=self._norm,
            elapsed_seconds=elapsed,
            remaining_seconds=(total_steps - step) / rate,
            samples_per_second=self._samples / max(elapsed, 1e-9),
        )
