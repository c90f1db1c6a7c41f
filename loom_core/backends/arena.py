"""The memory of a program on the CPU: one arena for a plan, and the layers' own arrays."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Generator, Sequence

import numpy as np

from loom_core import limits
from loom_core.arrays import Array, element_count
from loom_core.backends.step_data import StepData
from loom_core.cooperative import Wait
from loom_core.errors import LimitError
from loom_core.graph.op import Phase, Value
from loom_core.graph.plan import ALIGNMENT, Plan


def zeros(count: int, dtype: type[np.generic]) -> Array:
    """Return so many zeros.

    Raises:
        LimitError: This machine has not so much memory left.
    """
    try:
        return np.zeros(count, dtype)
    except (MemoryError, ValueError) as error:  # ValueError: more than an address of 32 bits counts
        size = count * np.dtype(dtype).itemsize
        raise LimitError(
            f"a plan needs {size:,} bytes of working memory, which are not to be had here",
            hint="Use smaller batches or a smaller model.",
        ) from error


class ArenaProgram(ABC):
    """What programs that compute in NumPy's memory share.

    Args:
        plan: What to run.
        workspace_bytes: What the program needs beside the plan's arena at any one time.

    Raises:
        LimitError: Both together are more than :data:`loom_core.limits.PLAN_BYTES`, or more than
            this machine has left.
    """

    patience = 0.008

    def __init__(self, plan: Plan, workspace_bytes: int = 0) -> None:
        total = plan.arena_bytes + workspace_bytes
        limits.require_within(total, limits.PLAN_BYTES, "working memory of a plan in bytes")
        self.plan = plan
        raw = zeros(plan.arena_bytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        self._arena = raw[start : start + plan.arena_bytes]
        self._ports = {name: self._array(value) for name, value in plan.ports.items()}
        self._layer_calls: list[list[Callable[[], None]]] | None = None

    def _array(self, value: Value) -> Array:
        """Return the memory of a value as an array of its shape, without a copy."""
        memory = self.plan.memory_of(value)
        if memory.array is not None:
            return memory.array.reshape(value.shape)
        offset = self.plan.offsets[memory]
        size = element_count(value.shape) * self.plan.dtype.itemsize
        return self._arena[offset : offset + size].view(self.plan.dtype).reshape(value.shape)

    @abstractmethod
    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases; all of them when none is named."""

    @abstractmethod
    def calls_between(self, start: int, stop: int) -> list[Callable[[], None]]:
        """Return what runs the plan's nodes from ``start`` to before ``stop``."""

    def run_by_layer(self) -> dict[int, int]:
        """Run the whole plan, and return how many nanoseconds each layer took, by its index."""
        if self._layer_calls is None:
            self._layer_calls = [self.calls_between(r.start, r.stop) for r in self.plan.runs]
        times: Counter[int] = Counter()
        for run, calls in zip(self.plan.runs, self._layer_calls, strict=True):
            start = time.perf_counter_ns()
            for call in calls:
                call()
            if run.segment.layer is not None:
                times[run.segment.layer] += time.perf_counter_ns() - start
        return dict(times)

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

    def view(self, port: str) -> Array:
        """Return a port's own memory: to be read before the next run, and never to be changed."""
        return self._ports[port]

    def fetch(self, ports: Sequence[str]) -> Generator[Wait, None, dict[str, Array]]:
        """Return copies of several ports, at once."""
        yield from ()
        return {port: self.read(port) for port in ports}

    def settle(self) -> Generator[Wait, None, None]:
        """Do nothing: the layers' arrays are the ones that were changed."""
        yield from ()

    def call_sheet(self, source: str, target: str) -> int:
        """Return 0: there is more to do than one call, unless a program knows better."""
        return 0

    def run_steps(
        self, data: StepData, report: Sequence[str]
    ) -> Generator[Wait, None, dict[str, Array]]:
        """Run steps one by one; see :meth:`loom_core.backends.base.Program.run_steps`."""
        yield from ()
        found = {
            port: np.empty((len(data), *self._ports[port].shape), self.plan.dtype)
            for port in report
        }
        halted = None if self.plan.halted is None else self._array(self.plan.halted)
        done = 0
        # What is not finite shows in loss and norm, where the step's own guard looks.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for written in data.each():
                for port, values in written.items():
                    self.write(port, values)
                self.run()
                for port, values in found.items():
                    values[done] = self._ports[port]
                done += 1
                if halted is not None and halted[0] != 0:
                    break
        return {port: values[:done] for port, values in found.items()}
