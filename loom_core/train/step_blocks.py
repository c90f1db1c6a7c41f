"""The data of a training's next steps, prepared block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import F64, element_count
from loom_core.backends.base import Program
from loom_core.backends.step_data import PortData, StepData
from loom_core.optimize.training_state import TrainingPosition
from loom_core.random_stream import RandomStream, state_after
from loom_core.train.batches import BatchSource

NOISE_BYTES = 2**22
"""Most noise of a block; it has at least one step, however much noise that needs."""


@dataclass(frozen=True, slots=True)
class StepBlock:
    """Steps that were prepared together.

    Attributes:
        program: That runs them.
        first: The first of them, counted from 0 over the training.
        data: What its ports hold in each of them.
        rates: The learning rate of each.
        noise: State of the random stream before the first one.
        draws: Random numbers that each takes.
    """

    program: Program
    first: int
    data: StepData
    rates: F64
    noise: int
    draws: int

    def noise_at(self, step: int) -> int:
        """Return the state of the random stream before a step, counted over the training."""
        return state_after(self.noise, (step - self.first) * self.draws)


class StepBlocks:
    """Prepares the steps of a training in blocks: to prepare costs more than to run a small step.

    Args:
        source: The batches.
        position: Of the training; only read.
        gradient_clip: Largest norm of the gradients; 0 for any.
    """

    def __init__(
        self, source: BatchSource, position: TrainingPosition, gradient_clip: float
    ) -> None:
        self._source = source
        self._position = position
        self._gradient_clip = gradient_clip
        self._block: StepBlock | None = None

    def at_hand(self, program: Program, horizon: Callable[[], int]) -> StepBlock:
        """Return the block that has the next step: the last one, or else a new one.

        Args:
            program: Of the next step.
            horizon: Returns how many steps of equal shapes may be prepared now. A setting that is
                changed later acts only on the steps after them.

        Raises:
            SpecError: The scheduler gives a rate that no training can use.
        """
        block, step = self._block, self._position.step
        if block is None or block.program is not program or not (
            block.first <= step < block.first + len(block.data)
        ):  # fmt: skip
            block = self._block = self._prepared(program, horizon())
        return block

    def _prepared(self, program: Program, most: int) -> StepBlock:
        position, ports = self._position, program.plan.ports
        noises = {port: value.noise for port, value in ports.items() if value.noise is not None}
        sizes = [element_count(ports[port].shape) for port in noises]
        draws = sum(sizes)
        count = min(most, self._source.ahead)
        if draws:
            count = max(1, min(count, NOISE_BYTES // (4 * draws)))
        inputs, targets = self._source.take(position.seed, position.step, count)
        rates = position.scheduler.checked_rates(position.step, count)
        data: dict[str, PortData] = {"input": inputs, "target": targets}
        if draws:
            words = RandomStream.at(position.noise).bits(count * draws).reshape(count, draws)
            parts = np.split(words, np.cumsum(sizes)[:-1], axis=1)
            for (port, noise), part in zip(noises.items(), parts, strict=True):
                data[port] = noise.numbers(part)
        if "hyper" in ports:
            data["limit"] = np.full(count, self._gradient_clip, np.float32)
            data["hyper"] = position.optimizer.hyper_rows(position.optimizer.steps_done + 1, rates)
        return StepBlock(program, position.step, StepData(data), rates, position.noise, draws)
