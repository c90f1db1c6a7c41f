"""The SIMD backend: each stretch of a plan runs in one call of the kernel library."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array
from loom_core.backends.arena import ArenaProgram, zeros
from loom_core.backends.numpy_backend import bind
from loom_core.backends.simd.feeds import Feeds
from loom_core.backends.simd.kernel_table import call_of, encode
from loom_core.backends.simd.library import Library, open_library
from loom_core.backends.simd.records import Call, set_addresses
from loom_core.backends.step_data import StepData
from loom_core.cooperative import Wait
from loom_core.errors import BackendError
from loom_core.graph.op import Node, Phase
from loom_core.graph.plan import Plan

Record = NDArray[np.int32]

_GOES_ON = np.zeros(1, np.float32)
"""Stands for ``halted`` where nothing halts."""


class SimdProgram(ArenaProgram):
    """A plan as records for the kernels; see :class:`~loom_core.backends.base.Program`.

    Attributes:
        fallbacks: Ops that run by their NumPy definition, with how many nodes each.
        library: The kernels.
    """

    def __init__(self, plan: Plan, library: Library) -> None:
        calls = [call_of(node) for node in plan.nodes]
        # Laid out before there is memory: they say how much working memory the kernels need.
        records = [_without_addresses(*pair) for pair in zip(plan.nodes, calls, strict=True)]
        scratch = _scratch_floats(library, records)
        super().__init__(plan, 4 * scratch)
        self.fallbacks: Counter[str] = Counter()
        self.library = library
        self._constants: list[Array] = []
        parts = zip(plan.nodes, calls, records, strict=True)
        self._nodes = [self._step(*part) for part in parts]
        self._steps: dict[Phase, list[Record | Callable[[], None]]] = {}
        for node, step in zip(plan.nodes, self._nodes, strict=True):
            self._steps.setdefault(node.segment.phase, []).append(step)
        self._scratch = zeros(scratch, np.float32)
        self._calls_by_phases: dict[tuple[Phase, ...], list[Callable[[], None]]] = {}
        self._sheets: dict[tuple[str, str], int] = {}

    def _step(
        self, node: Node, call: Call | None, record: Record | None
    ) -> Record | Callable[[], None]:
        """Return a node's record, addressed, or its NumPy definition where no kernel can do it."""
        arrays = [self._array(value) for value in (*node.inputs, *node.outputs)]
        if call is None or record is None:
            self.fallbacks[node.op.name] += 1
            count = len(node.inputs)
            return bind(node.op.compute, arrays[:count], arrays[count:], node.attributes)
        for array in arrays:
            if array.dtype != np.float32 or not array.flags.c_contiguous:
                raise BackendError(
                    f"{node.op.name} was given a {array.dtype} array of strides {array.strides}; "
                    "the kernels read dense float32 only"
                )
        self._constants.extend(call.constants)  # they live as long as the records that name them
        set_addresses(record, [array.ctypes.data for array in (*arrays, *call.constants)])
        return record

    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases; all of them when none is named."""
        for call in self._calls(phases):
            call()

    def run_steps(
        self, data: StepData, report: Sequence[str]
    ) -> Generator[Wait, None, dict[str, Array]]:
        """Run steps in one call; see :meth:`loom_core.backends.base.Program.run_steps`."""
        call = self._one_call()
        if call is None:
            return (yield from super().run_steps(data, report))
        key = (self, *report)
        feeds = data.made.get(key)
        if not isinstance(feeds, Feeds):
            halted = self.plan.halted
            held = _GOES_ON if halted is None else self._array(halted)
            feeds = data.made[key] = Feeds(data.ports, report, self._ports, held)
        return feeds.run(partial(self.library.run_steps, *call.args), data.start, data.stop)

    def _one_call(self) -> partial[None] | None:
        """Return the call that runs the whole plan; None where there is more to do than one."""
        calls = self._calls(())
        first = calls[0] if not self.fallbacks and len(calls) == 1 else None
        return first if isinstance(first, partial) else None

    def call_sheet(self, source: str, target: str) -> int:
        """Return its sheet; see :meth:`loom_core.backends.base.Program.call_sheet`."""
        key = (source, target)
        if key not in self._sheets:
            call = self._one_call()
            self._sheets[key] = 0
            if call is not None:
                ports = [self._ports[name] for name in key]
                words = [word for port in ports for word in (port.ctypes.data, port.size)]
                function = ctypes.cast(self.library.run, ctypes.c_void_p)
                words += [word.value for word in (function, *call.args)]
                sheet = np.array(words, np.uintp)
                self._constants.append(sheet)
                self._sheets[key] = sheet.ctypes.data
        return self._sheets[key]

    def _calls(self, phases: tuple[Phase, ...]) -> list[Callable[[], None]]:
        calls = self._calls_by_phases.get(phases)
        if calls is None:
            chosen = phases or tuple(self._steps)
            steps = [step for phase in chosen for step in self._steps.get(phase, ())]
            calls = self._calls_by_phases[phases] = self._joined(steps)
        return calls

    def calls_between(self, start: int, stop: int) -> list[Callable[[], None]]:
        """Return what runs the plan's nodes from ``start`` to before ``stop``."""
        return self._joined(self._nodes[start:stop])

    def _joined(self, steps: Sequence[Record | Callable[[], None]]) -> list[Callable[[], None]]:
        """Make one call of each stretch: of the records between two NumPy definitions."""
        calls: list[Callable[[], None]] = []
        held: list[Record] = []

        def close() -> None:
            if held:
                records = np.concatenate(held)
                self._constants.append(records)
                size = ctypes.c_int32(records.size)
                scratch = _pointer(self._scratch)
                calls.append(partial(self.library.run_records, _pointer(records), size, scratch))
                held.clear()

        for step in steps:
            if isinstance(step, np.ndarray):
                held.append(step)
            else:
                close()
                calls.append(step)
        close()
        return calls


def _without_addresses(node: Node, call: Call | None) -> Record | None:
    """Return a node's record with room for its addresses; None where no kernel can do it."""
    if call is None:
        return None
    return encode(node, call, [0] * (len(node.inputs) + len(node.outputs) + len(call.constants)))


def _scratch_floats(library: Library, records: Sequence[Record | None]) -> int:
    """Return the floats of working memory that all kernels of a plan share."""
    kept = [record for record in records if record is not None]
    if not kept:
        return 0
    joined = np.concatenate(kept)
    floats = library.scratch_floats(_pointer(joined), ctypes.c_int32(joined.size))
    if floats < 0:
        raise BackendError("internal: a record of the plan names no kernel of the library")
    return floats


def _pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class SimdBackend:
    """Runs plans of float32 by the kernel library.

    Args:
        library: The loaded kernels; left out, those that this platform can run.

    Raises:
        BackendError: There are none.
    """

    name = "simd"

    def __init__(self, library: Library | None = None) -> None:
        self.library = library or open_library()
        self.variant = self.library.kind

    def prepare(self, plan: Plan) -> SimdProgram:
        """Lay out memory and write the records.

        Raises:
            BackendError: The plan is not of float32.
            LimitError: See :class:`~loom_core.backends.arena.ArenaProgram`.
        """
        if plan.dtype != np.float32:
            raise BackendError(f"the kernels compute in float32, the plan in {plan.dtype}")
        return SimdProgram(plan, self.library)
