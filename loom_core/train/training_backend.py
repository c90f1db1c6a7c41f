"""Where a training runs, and how it goes on when that place is lost."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import F32, Array
from loom_core.backends.webgpu_backend import WebGpuBackend, open_backend
from loom_core.cooperative import Wait
from loom_core.optimize.training_state import TrainingPosition
from loom_core.running import NetworkGrid
from loom_core.train.config import TrainingConfig


def gpu_of_training(
    network: NetworkGrid, settings: TrainingConfig
) -> Generator[Wait, None, WebGpuBackend | None]:
    """Return the GPU that is asked for or worth a measurement; None where the CPU is meant.

    Raises:
        BackendError: ``use_gpu`` is set and there is none; or the weights do not come back.
    """
    yield from network.programs.settle()  # of a training that was cancelled, perhaps
    if settings.use_gpu:
        backend = yield from open_backend()
        network.adopt_gpu(backend)
        return backend
    if network.backend_report().asked != "auto" or network.gpu is None:
        return None
    return network.gpu if network.gpu.device.lost is None else None


@dataclass(frozen=True)
class SafePoint:
    """Where a training stood when its weights and state last came back from a GPU.

    The arrays' content is that of the GPU's own books (:attr:`.Resident.known`): so it costs no
    memory until somebody brings later weights into the arrays, for whatever reason.

    Args:
        arrays: Weights and optimizer's state, each array with what it held.
        step: Steps done.
        steps_done: The optimizer's count.
        noise: State of the random stream of noise.
        losses: Of the steps of the epoch that is not at its end.
        epochs: Epochs in the history.
        evaluations: Evaluations in the history.
    """

    arrays: list[tuple[Array, Array]]
    step: int
    steps_done: int
    noise: int
    losses: F32
    epochs: int
    evaluations: int

    @classmethod
    def of(cls, network: NetworkGrid, position: TrainingPosition) -> SafePoint:
        """Return the point at which a training is, whose weights are all in the arrays."""
        return cls(
            network.programs.settled_arrays(),
            position.step,
            position.optimizer.steps_done,
            position.noise,
            position.losses.copy(),
            len(position.loss_history),
            len(position.accuracy_history),
        )

    def restore(self, position: TrainingPosition) -> None:
        """Set a training back to this point; what was done since is done again."""
        for array, held in self.arrays:
            np.copyto(array, held)
        position.step = self.step
        position.optimizer.steps_done = self.steps_done
        position.noise = self.noise
        position.losses = self.losses.copy()
        del position.loss_history[self.epochs :]
        del position.accuracy_history[self.evaluations :]
