"""The watched steps of a training, among others that run by the plain plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.base import Program
from loom_core.backends.step_data import StepData
from loom_core.cooperative import Wait
from loom_core.graph.ops.updates import HYPER
from loom_core.observers.records import TrainingEvent
from loom_core.running import NetworkGrid
from loom_core.train.config import TrainingResult
from loom_core.watch.layer_events import WatchedRun, read_values, summary_of
from loom_core.watch.watched_layers import watched_layers

RATE = HYPER.index("rate")


class TrainingWatch:
    """What observers are told of one training.

    Args:
        network: The one that is trained.
        batches: Steps of an epoch.
    """

    def __init__(self, network: NetworkGrid, batches: int) -> None:
        self._network = network
        self._batches = batches
        network.note_watched_step(None)

    @property
    def listening(self) -> bool:
        """Whether anyone listens now; it may change between two chunks."""
        return self._network.listening()

    def run_steps(
        self,
        program: Program,
        watched: Callable[[], Program],
        data: StepData,
        report: Sequence[str],
        step: int,
    ) -> Generator[Wait, None, Mapping[str, Array]]:
        """Run steps of one epoch as :meth:`~loom_core.backends.base.Program.run_steps` does.

        While anyone listens, every ``observe_every``-th step runs by a plan that shows its layers
        and computes the same numbers. While nobody listens, all steps run in one call.

        Args:
            program: Of the plain plan.
            watched: Gives the program of the plan that shows its layers.
            data: See Program.run_steps.
            report: See Program.run_steps.
            step: Steps of the training done before.
        """
        network = self._network
        if not network.listening():
            return (yield from program.run_steps(data, report))
        if step % self._batches == 0:
            self._tell(TrainingEvent("epoch_start", step // self._batches + 1, step=step))
        parts: list[Mapping[str, Array]] = []
        done = 0
        while done < len(data):
            at = step + done
            plain = min(-at % network.observe_every, len(data) - done)
            steps = data.part(done, plain or 1)
            if plain:
                part = yield from program.run_steps(steps, report)
            else:
                part = yield from self._watched_step(network, watched(), steps, report, at)
            parts.append(part)
            finished = len(part["loss"])
            rates = steps.of("hyper")[:, RATE] if "hyper" in data.ports else np.zeros(len(steps))
            for number in range(finished):
                epoch, batch = divmod(at + number, self._batches)
                event = TrainingEvent(
                    "batch_end",
                    epoch + 1,
                    batch + 1,
                    float(part["loss"][number]),
                    step=at + number + 1,
                    learning_rate=float(rates[number]),
                )
                self._tell(event)
            done += finished
            if finished < len(steps) or not _last_is_finite(part):
                break
        return {port: np.concatenate([part[port] for part in parts]) for port in report}

    def _watched_step(
        self,
        network: NetworkGrid,
        program: Program,
        data: StepData,
        report: Sequence[str],
        step: int,
    ) -> Generator[Wait, None, Mapping[str, Array]]:
        """Run one step, tell of its layers, and return what :meth:`run_steps` does."""
        found = yield from program.run_steps(data, report)
        yield from program.settle()  # the events tell of the weights too
        values = yield from read_values(program)
        layers = list(watched_layers(network.layers, network.observer))
        summarize = summary_of(program)
        run = WatchedRun(
            network.place,
            network.model_id,
            program.plan,
            layers,
            values,
            "training",
            step,
            summarize=summarize,
        )
        run.emit_forward()
        run.emit_backward()
        network.note_watched_step(run)
        return found

    def end_epoch(self, step: int, loss: float, result: TrainingResult) -> None:
        """Tell that an epoch has ended, after the validation.

        Args:
            step: Steps of the training done.
            loss: Mean of the epoch.
            result: With the accuracy at the last validation, if there was any.
        """
        epoch, batch = divmod(step - 1, self._batches)
        accuracy = result.validation_accuracy
        self._tell(TrainingEvent("epoch_end", epoch + 1, batch + 1, loss, accuracy, step))

    def _tell(self, event: TrainingEvent) -> None:
        if self._network.observer is not None:
            self._network.observer.on_training_event(event)


def _last_is_finite(part: Mapping[str, Array]) -> bool:
    """Whether the last step was one that changes weights."""
    looked_at = [part[port][-1] for port in ("loss", "norm") if port in part]
    return all(math.isfinite(value) for value in looked_at)
