"""The programs of a network, made once each, and the weights that those on a GPU have changed.

Whoever reads weights asks here first, so that nobody computes with, saves or shows old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from loom_core.arrays import Array
from loom_core.backends.base import Backend, Program
from loom_core.backends.webgpu.program import WebGpuProgram
from loom_core.cooperative import Wait
from loom_core.errors import WeightsAwayError
from loom_core.graph.plan import Plan

R = TypeVar("R")
Key = tuple[object, ...]

MOST_OF_A_KIND = 8
"""Programs that differ in their sizes only: each keeps memory for all that its layers compute."""


class ProgramCache:
    """Programs by what they depend on."""

    def __init__(self) -> None:
        self._programs: dict[Key, Program] = {}
        self._on_gpu: dict[Key, WebGpuProgram] = {}
        self._just_settled = False

    def __iter__(self) -> Iterator[Program]:
        return iter(self._programs.values())

    def __bool__(self) -> bool:
        return bool(self._programs)

    def prepared(
        self,
        key: Key,
        backend: Backend,
        make_plan: Callable[[], Plan],
        before_plan: Callable[[], None],
    ) -> Program:
        """Return the program of a key, made at the first call.

        Of a kind, :data:`MOST_OF_A_KIND` are kept: those that were asked for last.

        Args:
            key: What the plan depends on: the backend's name, the kind of plan, then sizes.
            backend: Runs it.
            make_plan: Called where there is no such program.
            before_plan: Called before that.

        Raises:
            WeightsAwayError: It computes with the layers' own arrays; see :meth:`require_settled`.
        """
        program = self._programs.pop(key, None)
        if program is None:
            before_plan()
            self._make_room(key[:2])
            program = backend.prepare(make_plan())
            if isinstance(program, WebGpuProgram):
                self._on_gpu[key] = program
        self._programs[key] = program  # as the last
        if self._on_gpu and key not in self._on_gpu:
            self.require_settled()
        return program

    def _make_room(self, kind: Key) -> None:
        """Drop those of a kind that were not asked for longest, where there are too many.

        Whoever still runs one holds it. One that is ahead stays: it may have the only weights.
        """
        alike = [key for key in self._programs if key[:2] == kind]
        for key in alike[: max(0, len(alike) + 1 - MOST_OF_A_KIND)]:
            if key not in self._on_gpu or not self._on_gpu[key].ahead():
                del self._programs[key]
                self._on_gpu.pop(key, None)

    def forget(self, part: object) -> None:
        """Drop the programs whose key names ``part``; none of them may be ahead any more."""
        for key in [key for key in self._programs if any(name is part for name in key)]:
            del self._programs[key]
            self._on_gpu.pop(key, None)

    def clear(self) -> None:
        """Drop all programs.

        Raises:
            WeightsAwayError: See :meth:`require_settled`.
        """
        self.require_settled()
        self._programs.clear()
        self._on_gpu.clear()

    # Weights on a GPU

    def ahead(self) -> bool:
        """Whether a GPU holds newer weights than the layers' own arrays."""
        return any(program.ahead() for program in self._on_gpu.values())

    def settle(self) -> Generator[Wait, None, None]:
        """Bring what GPU programs have changed into the layers' own arrays.

        Raises:
            BackendError: It does not come; the arrays are as they were.
            BusyError: Somebody has changed an array meanwhile, which stays; the others have come.
        """
        for program in list(self._on_gpu.values()):
            if program.ahead():
                yield from program.settle()

    def require_settled(self) -> None:
        """Settle here and now.

        Raises:
            WeightsAwayError: It takes time, as in a browser, and no call can wait for it.
            BackendError, BusyError: See :meth:`settle`.
        """
        if self._just_settled or not self.ahead():
            return
        for wait in self.settle():
            if not isinstance(wait, bool):
                raise WeightsAwayError(
                    "the network's weights are on the GPU, and this call cannot wait for them",
                    hint="Pause or stop the training first: then they come back.",
                    afterwards=self.after_settling,
                )

    def after_settling(self, action: Callable[[], R]) -> Generator[Wait, None, R]:
        """Settle, then run what reads weights, be the GPU ahead again by then or not.

        It reads the weights of one whole step, none older than this call.
        """
        yield from self.settle()
        self._just_settled = True
        try:
            return action()
        finally:
            self._just_settled = False

    def discard(self) -> None:
        """Let GPU programs go back to the layers' own arrays: what they have changed is void."""
        for program in self._on_gpu.values():
            program.discard()

    def settled_arrays(self) -> list[tuple[Array, Array]]:
        """Return the arrays of the GPU programs with what they hold; none of them is ahead.

        Raises:
            BackendError: The GPU was lost.
        """
        found = [pair for program in self._on_gpu.values() for pair in program.settled_arrays()]
        return list({id(array): (array, held) for array, held in found}.values())
