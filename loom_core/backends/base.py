"""The contract between plans and backends."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

from loom_core.arrays import Array
from loom_core.backends.step_data import StepData
from loom_core.cooperative import Wait
from loom_core.graph.op import Phase
from loom_core.graph.plan import Plan


class Program(Protocol):
    """A plan made ready on one backend, with its own working memory."""

    plan: Plan
    patience: float
    """Seconds that a chunk of steps should take: so long do others wait for their turn."""

    def write(self, port: str, data: Array) -> None:
        """Copy ``data`` (the port's element count, any shape) into an input port."""

    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases in order; all of them when none is named.

        The layers' own arrays have the changes when this returns.
        """

    def queue(self, *phases: Phase) -> object:
        """Run phases as :meth:`run` does, but leave it to :meth:`settle` to copy changes."""

    def run_steps(
        self, data: StepData, report: Sequence[str]
    ) -> Generator[Wait, None, Mapping[str, Array]]:
        """Run a chunk of whole steps, and read what they report once, at its end.

        A step that sets the plan's ``halted`` is the last one. The layers' own arrays have the
        changes after :meth:`settle`. A program of a CPU never yields.

        Args:
            data: What each port to write holds in each step.
            report: Ports whose value after each step is wanted.

        Returns:
            For each reported port (done, ...).
        """

    def read(self, port: str) -> Array:
        """Return a copy of a port's current value, in its shape."""

    def fetch(self, ports: Sequence[str]) -> Generator[Wait, None, Mapping[str, Array]]:
        """Return copies of several ports; a program of a CPU never yields."""

    def settle(self) -> Generator[Wait, None, None]:
        """Copy what the program has changed into the layers' own arrays.

        Only a program that works on copies, as on a GPU, has anything to do.
        """

    def call_sheet(self, source: str, target: str) -> int:
        """Return the address of what a caller outside Python needs to run the whole plan.

        The sheet is words of a pointer's size: address and number of floats of the port
        ``source``, the same of ``target``, then a function and its three arguments. Its reader
        writes the first port, calls, and reads the second. It lives as long as the program.

        Returns:
            0 where a run takes more than this one call.
        """


class Backend(Protocol):
    """Turns plans into programs."""

    name: str

    def prepare(self, plan: Plan) -> Program:
        """Allocate what the plan needs and return a program."""
