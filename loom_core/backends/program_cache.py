"""The programs of a network, made once each, and the weights that those on a GPU have changed.

What reads weights calls this first, so that no old weights are computed with, saved or shown.
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
"""Most programs kept that differ in sizes only: each has memory for all that its layers compute."""


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

        Of each kind the :data:`MOST_OF_A_KIND` programs that were used last are kept.

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
        self._programs[key] = program  # last in the order: the one used last
        if self._on_gpu and key not in self._on_gpu:
            self.require_settled()
        return program

    def _make_room(self, kind: Key) -> None:
        """Drop the least recently used programs of a kind, where there are too many.

        A program lives on while somebody runs it. One that is ahead is not dropped, since nothing
        else may have the newest weights.
        """
        alike = [key for key in self._programs if key[:2] == kind]
        for key in alike[: max(0, len(alike) + 1 - MOST_OF_A_KIND)]:
            if key not in self._on_gpu or not self._on_gpu[key].ahead():
                del self._programs[key]
                self._on_gpu.pop(key, None)

    def forget(self, part: object) -> None:
        """Drop the programs whose key names ``part``; none of them may be ahead."""
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
        """Copy what GPU programs have changed into the layers' own arrays.

        Raises:
            BackendError: It cannot be read; the arrays are unchanged.
            BusyError: Somebody has changed an array meanwhile: it stays so, the others are copied.
        """
        for program in list(self._on_gpu.values()):
            if program.ahead():
                yield from program.settle()

    def require_settled(self) -> None:
        """Settle before this returns.

        Raises:
            WeightsAwayError: That takes time, as in a browser, and this call cannot wait.
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
        """Settle, then run an action that reads weights.

        The GPU may have run more steps by then, which does not matter: the action reads the weights
        of one whole step, at least as new as those at this call.
        """
        yield from self.settle()
        self._just_settled = True
        try:
            return action()
        finally:
            self._just_settled = False

    def discard(self) -> None:
        """Undo what GPU programs have changed since their weights were last copied from there."""
        for program in self._on_gpu.values():
            program.discard()

    def settled_arrays(self) -> list[tuple[Array, Array]]:
        """Return each array of the GPU programs with a copy of its numbers; none may be ahead.

        Raises:
            BackendError: The GPU was lost.
        """
        found = [pair for program in self._on_gpu.values() for pair in program.settled_arrays()]
        return list({id(array): (array, held) for array, held in found}.values())
