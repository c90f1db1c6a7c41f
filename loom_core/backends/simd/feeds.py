"""Tells the kernels' ``run_steps`` where the data of steps lie, and where to note results."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.simd.records import lay_out
from loom_core.backends.step_data import PickedRows, PortData
from loom_core.errors import BackendError


class Feeds:
    """The words that ``run_steps`` reads, laid out once for all steps that were prepared together.

    Args:
        data: What each written port holds in each step.
        report: Ports whose value after each step is noted.
        held: The memory of each port.
        halted: One number; a step that sets it is the last one.

    Raises:
        ValueError: The data of a port are of another size than the port.
    """

    def __init__(
        self,
        data: Mapping[str, PortData],
        report: Sequence[str],
        held: Mapping[str, Array],
        halted: Array,
    ) -> None:
        steps = len(next(iter(data.values())))
        self._found = {port: np.empty((steps, *held[port].shape), np.float32) for port in report}
        self._alive: list[Array] = [halted]
        addresses, counts, rows = [halted.ctypes.data], [], []
        for port, values in data.items():
            size = held[port].size
            table, numbers = _table_of(values)
            a_step = 1 if numbers is None else numbers.shape[1]
            if table.size * a_step != size * len(table) or len(values) != steps:
                raise ValueError(f"internal: {table.shape} for {steps} times port {port!r}")
            self._alive.append(table)
            addresses += [held[port].ctypes.data, table.ctypes.data, 0]
            if numbers is not None:
                self._alive.append(numbers)
                addresses[-1] = numbers.ctypes.data
            counts.append(size)
            rows.append(a_step)
        for port, values in self._found.items():
            addresses += [held[port].ctypes.data, values.ctypes.data]
            counts.append(held[port].size)
        self._words = lay_out(0, addresses, [0, 0, len(data), *counts, *rows])
        self._span = self._words[4 + 2 * len(addresses) :][:2]
        self._pointer = ctypes.c_void_p(self._words.ctypes.data)

    def run(self, kernels: partial[int], start: int, stop: int) -> dict[str, Array]:
        """Run steps from ``start`` to before ``stop``; return what is reported of those done.

        Args:
            kernels: ``run_steps`` with all arguments but the words.
            start: Counted among the steps that were prepared together.
            stop: The same.

        Raises:
            BackendError: A record names no kernel; those before it have run.
        """
        self._span[0] = start
        self._span[1] = stop
        done = kernels(self._pointer)
        if done < 0:
            raise BackendError("internal: a record of the step names no kernel of the library")
        return {port: values[start : start + done] for port, values in self._found.items()}


def _table_of(values: PortData) -> tuple[Array, Array | None]:
    """Return the rows as dense float32, and their numbers where they are not one a step."""
    if isinstance(values, PickedRows):
        numbers = np.ascontiguousarray(values.numbers, np.int32)
        return np.ascontiguousarray(values.table, np.float32), numbers
    return np.ascontiguousarray(values, np.float32), None
