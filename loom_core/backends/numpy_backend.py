"""The NumPy backend: runs each op's own NumPy definition. The reference for all others."""

from __future__ import annotations

from collections.abc import Callable

from loom_core.arrays import Array
from loom_core.backends.arena import ArenaProgram
from loom_core.graph.op import Phase
from loom_core.graph.plan import Plan


class NumpyProgram(ArenaProgram):
    """A plan bound to views of one arena; see :class:`~loom_core.backends.base.Program`."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, _workspace_bytes(plan))
        self._nodes: list[Callable[[], None]] = []
        self._calls: dict[Phase, list[Callable[[], None]]] = {}
        for node in plan.nodes:
            inputs = [self._array(x) for x in node.inputs]
            outputs = [self._array(y) for y in node.outputs]
            call = bind(node.op.compute, inputs, outputs, node.attributes)
            self._nodes.append(call)
            self._calls.setdefault(node.segment.phase, []).append(call)

    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases; all of them when none is named."""
        for phase in phases or tuple(self._calls):
            for call in self._calls.get(phase, ()):
                call()

    def calls_between(self, start: int, stop: int) -> list[Callable[[], None]]:
        """Return what runs the plan's nodes from ``start`` to before ``stop``."""
        return self._nodes[start:stop]


def _workspace_bytes(plan: Plan) -> int:
    """Return the most that any one definition allocates while it runs, where it says so."""
    numbers = [
        node.op.workspace(
            [x.shape for x in node.inputs], [y.shape for y in node.outputs], node.attributes
        )
        for node in plan.nodes
        if node.op.workspace is not None
    ]
    return max(numbers, default=0) * plan.dtype.itemsize


def bind(
    compute: Callable[..., None], inputs: list[Array], outputs: list[Array], attributes: object
) -> Callable[[], None]:
    """Return an op's NumPy definition as a call on fixed arrays."""
    return lambda: compute(inputs, outputs, attributes)


class NumpyBackend:
    """Runs anywhere NumPy does."""

    name = "numpy"

    def prepare(self, plan: Plan) -> NumpyProgram:
        """Allocate the arena and bind every node to its views.

        Raises:
            LimitError: See :class:`~loom_core.backends.arena.ArenaProgram`.
        """
        return NumpyProgram(plan)
