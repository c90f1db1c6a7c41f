"""Where a training runs, and how it continues when a GPU is lost."""

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
    """Return the GPU that was asked for, or that is worth a measurement; None for the CPU.

    Raises:
        BackendError: ``use_gpu`` is set and there is none; or weights on a GPU cannot be read.
    """
    yield from network.programs.settle()  # a cancelled training may have left weights there
    if settings.use_gpu:
        backend = yield from open_backend()
        network.adopt_gpu(backend)
        return backend
    if network.backend_report().asked != "auto" or network.gpu is None:
        return None
    return network.gpu if network.gpu.device.lost is None else None


@dataclass(frozen=True)
class SafePoint:
    """The point of a training at which its weights and state were last copied from a GPU.

    It refers to the copies that the GPU backend keeps anyway (:attr:`.Resident.known`), so it needs
    no memory of its own. Once later weights are copied, the backend keeps those, and the old copies
    live on here.

    Args:
        arrays: Weights and optimizer's state: each array with a copy of its numbers.
        step: Steps done.
        steps_done: The optimizer's count.
        noise: State of the random stream of noise.
        losses: Of the steps of the unfinished epoch.
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
        """Return the present point of a training whose weights are all in the arrays."""
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
        """Set a training back to this point; the steps since then are repeated."""
        for array, held in self.arrays:
            np.copyto(array, held)
        position.step = self.step
        position.optimizer.steps_done = self.steps_done
        position.noise = self.noise
        position.losses = self.losses.copy()
        del position.loss_history[self.epochs :]
        del position.accuracy_history[self.evaluations :]
