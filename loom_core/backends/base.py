"""The contract between plans and backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from loom_core.arrays import F32, Array
from loom_core.graph.builder import Phase
from loom_core.graph.plan import Plan


class Program(Protocol):
    """A plan made ready on one backend, with its own working memory."""

    plan: Plan

    def write(self, port: str, data: Array) -> None:
        """Copy ``data`` (the port's element count, any shape) into an input port."""

    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases in order; all of them when none is named."""

    def read(self, port: str) -> Array:
        """Return a copy of a port's current value, in its shape."""

    def run_steps(
        self, first: Sequence[Phase], then: Sequence[Phase], loss: str, data: Mapping[str, Array]
    ) -> F32:
        """Run many steps, each of them two runs with a look at the loss between them.

        Args:
            first: Phases that leave the loss.
            then: Phases that run only where the loss is finite.
            loss: The loss's port.
            data: For each input port its data in every step, (steps, ...).

        Returns:
            The loss of each step. Where one is NaN or infinite, it is the last, and its step's
            second half did not run.
        """


class Backend(Protocol):
    """Turns plans into programs."""

    name: str

    def prepare(self, plan: Plan) -> Program:
        """Allocate what the plan needs and return a program."""
