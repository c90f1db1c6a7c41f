"""What a network does to learn."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from loom_core.cooperative import Cooperative, Wait
from loom_core.errors import BusyError, SpecError
from loom_core.optimize.training_state import write_training_state
from loom_core.public import public
from loom_core.running import NetworkGrid
from loom_core.train.config import (
    TrainingBatch,
    TrainingConfig,
    TrainingData,
    TrainingProgress,
    TrainingResult,
)
from loom_core.train.loop import training_steps


class Training(NetworkGrid):
    """Methods that train a network."""

    @public("Train")
    @Cooperative
    def train(
        self,
        batches: TrainingData | Sequence[TrainingBatch],
        config: TrainingConfig | None = None,
        on_progress: Callable[[TrainingProgress], object] | None = None,
    ) -> Generator[Wait, None, TrainingResult]:
        """Train by an optimizer until the epochs are done, the training is stopped, or it fails.

        Args:
            batches: A data set, or batches in Loom's form; records or mappings.
            config: How; its defaults where left out. A record or a mapping.
            on_progress: Called with each event, after batches and after epochs.

        Returns:
            What was reached; the weights are those of the last whole step.

        Raises:
            BusyError: The network is training already.
            BackendError: The GPU is asked for and cannot be used here.
            SpecError, ShapeError, ModelFormatError: Settings, data or the state to resume from are
                wrong (before anything changes).
            NonFiniteError: The data hold NaN or infinity; or the loss or a gradient became NaN or
                infinite, and the weights are those of the last step before.
        """
        return (yield from training_steps(self, batches, config, on_progress))

    @public("SaveTrainingState")
    def save_training_state(self) -> str:
        """Return the network's training as text, from which it can continue exactly (ResumeFrom).

        Weights, optimizer with its state, scheduler, random state, epoch and position are in it.
        It can be called between two steps of a running training, and after one, stopped or not.

        Raises:
            SpecError: The network has not been trained since its layers were set, or its training
                on a GPU was cancelled in the middle of some steps.
            BusyError: Its weights are on a GPU, or an observer calls in the middle of some steps.
            NonFiniteError: A weight is NaN or infinite.
        """
        if self.position is None:
            raise SpecError("there is no training to save", hint="Call Train first.")
        if self.control.in_steps or (self.control.running and self.programs.ahead()):
            where = "its weights are on the GPU" if self.programs.ahead() else "it is within steps"
            raise BusyError(
                f"cannot save the training: {where}",
                hint="Pause or stop it first: then its weights and its position are known.",
            )
        self.programs.require_settled()
        return write_training_state(self.layers, self.position)

    @public("PauseTraining")
    def pause_training(self) -> None:
        """Let a running training wait after its present step."""
        self.control.pause()

    @public("ResumeTraining")
    def resume_training(self) -> None:
        """Let a paused training continue."""
        self.control.resume()

    @public("StopTraining")
    def stop_training(self) -> None:
        """End a running training after its present step; it returns what it reached."""
        self.control.stop()

    @public("IsTraining")
    def is_training(self) -> bool:
        """Return whether a training is running or paused."""
        return self.control.running
