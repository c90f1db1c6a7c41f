"""The memory of a program on the CPU: one arena for a plan, and the layers' own arrays."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from loom_core.arrays import Array, element_count
from loom_core.graph.builder import Phase, Value
from loom_core.graph.plan import ALIGNMENT, Plan
from loom_core.public import Wait


class ArenaProgram:
    """What programs that compute in NumPy's memory share; each defines ``run``."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        raw = np.zeros(plan.arena_bytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        self._arena = raw[start : start + plan.arena_bytes]
        self._ports = {name: self._array(value) for name, value in plan.ports.items()}

    def _array(self, value: Value) -> Array:
        """Return the memory of a value as an array of its shape, without a copy."""
        memory = self.plan.memory_of(value)
        if memory.array is not None:
            return memory.array.reshape(value.shape)
        offset = self.plan.offsets[memory]
        size = element_count(value.shape) * self.plan.dtype.itemsize
        return self._arena[offset : offset + size].view(self.plan.dtype).reshape(value.shape)

    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases; all of them when none is named."""
        raise NotImplementedError

    def queue(self, *phases: Phase) -> None:
        """Run phases: nothing is left to do afterwards."""
        self.run(*phases)

    def write(self, port: str, data: Array) -> None:
        """Copy ``data`` into an input port."""
        target = self._ports[port]
        np.copyto(target, np.asarray(data).reshape(target.shape), casting="same_kind")

    def read(self, port: str) -> Array:
        """Return a copy of a port's current value."""
        return self._ports[port].copy()

    def fetch(self, ports: Sequence[str]) -> Generator[Wait, None, dict[str, Array]]:
        """Return copies of several ports, at once."""
        yield from ()
        return {port: self.read(port) for port in ports}

    def settle(self) -> Generator[Wait, None, None]:
        """Do nothing: the layers' arrays are the ones that were changed."""
        yield from ()
