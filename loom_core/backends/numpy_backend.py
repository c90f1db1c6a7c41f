"""The NumPy backend: runs each op's own NumPy definition. The reference for all others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from loom_core.arrays import Array
from loom_core.graph.builder import Phase, Value
from loom_core.graph.plan import ALIGNMENT, Plan


class NumpyProgram:
    """A plan bound to views of one arena; see :class:`~loom_core.backends.base.Program`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        raw = np.zeros(plan.arena_bytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        self._arena = raw[start : start + plan.arena_bytes]
        self._calls: dict[Phase, list[Callable[[], None]]] = {}
        for node in plan.nodes:
            inputs = [self._array(x) for x in node.inputs]
            outputs = [self._array(y) for y in node.outputs]
            self._calls.setdefault(node.segment.phase, []).append(
                _bind(node.op.compute, inputs, outputs, node.attributes)
            )
        self._ports = {name: self._array(value) for name, value in plan.ports.items()}

    def _array(self, value: Value) -> Array:
        memory = self.plan.memory_of(value)
        if memory.array is not None:
            return memory.array.reshape(value.shape)
        offset = self.plan.offsets[memory]
        size = int(np.prod(value.shape, dtype=np.int64)) * self.plan.dtype.itemsize
        return self._arena[offset : offset + size].view(self.plan.dtype).reshape(value.shape)

    def write(self, port: str, data: Array) -> None:
        """Copy ``data`` into an input port."""
        target = self._ports[port]
        np.copyto(target, np.asarray(data).reshape(target.shape), casting="same_kind")

    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases; all of them when none is named."""
        for phase in phases or tuple(self._calls):
            for call in self._calls.get(phase, ()):
                call()

    def read(self, port: str) -> Array:
        """Return a copy of a port's current value."""
        return self._ports[port].copy()


def _bind(
    compute: Callable[..., None], inputs: list[Array], outputs: list[Array], attributes: object
) -> Callable[[], None]:
    return lambda: compute(inputs, outputs, attributes)


class NumpyBackend:
    """Runs anywhere NumPy does."""

    name = "numpy"

    def prepare(self, plan: Plan) -> NumpyProgram:
        """Allocate the arena and bind every node to its views."""
        return NumpyProgram(plan)
