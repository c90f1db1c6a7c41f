"""What the ports of a program hold in some steps, one after another."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class PickedRows:
    """Rows of a table, picked for each step; nothing is copied before a step needs it.

    Attributes:
        table: (N, W).
        numbers: (steps, B) int32: of the rows of each step, 0 to N - 1.
    """

    table: Array
    numbers: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, steps: int | slice) -> Array:
        """Return the rows of a step, (B, W), or those of several, (steps, B, W)."""
        return self.table[self.numbers[steps]]


PortData = Array | PickedRows
"""(steps, ...): what a port holds in each step."""


class StepData:
    """The data of steps that were prepared together, or of some of them.

    Args:
        ports: For each port that is written, what it holds in each step.

    Attributes:
        ports: Of all steps that were prepared together, whichever of them this is.
        start: The first of the steps here, counted from 0 among those.
        stop: The first after them.
        made: What programs have made of ``ports`` and want to find again at the next part.

    Raises:
        ValueError: The ports have data for different numbers of steps.
    """

    def __init__(self, ports: Mapping[str, PortData]) -> None:
        counts = {len(values) for values in ports.values()}
        if len(counts) != 1:
            raise ValueError(f"internal: the ports have data for {sorted(counts)} steps")
        self.ports = ports
        self.start, self.stop = 0, counts.pop()
        self.made: dict[Hashable, object] = {}

    def __len__(self) -> int:
        return self.stop - self.start

    def part(self, start: int, count: int) -> StepData:
        """Return ``count`` of these steps, from ``start`` on."""
        part = StepData.__new__(StepData)
        part.ports, part.made = self.ports, self.made
        part.start = self.start + start
        part.stop = part.start + count
        return part

    def of(self, port: str) -> Array:
        """Return what a port holds in these steps, (steps, ...)."""
        return self.ports[port][self.start : self.stop]

    def each(self) -> Iterator[dict[str, Array]]:
        """Go through these steps: what each port holds."""
        for step in range(self.start, self.stop):
            yield {port: values[step] for port, values in self.ports.items()}
