"""Which of two backends is faster for a plan: measured, not guessed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from loom_core.backends.base import Program
from loom_core.cooperative import Wait
from loom_core.errors import BackendError
from loom_core.graph.plan import Plan

LONG_SECONDS = 0.05
"""A run that takes so long is measured once; shorter ones are repeated for about this time."""

REPEATS = 3
"""Further measurements of each; the shortest counts, since a disturbance only makes one longer."""


@dataclass(frozen=True)
class Measurement:
    """What was measured.

    Args:
        cpu: Seconds of a step on the CPU, without its update.
        gpu: The same on the GPU.
        what: The network, in words.
        problem: Why the GPU could not be measured; empty where it could.
    """

    cpu: float
    gpu: float
    what: str
    problem: str = ""

    @property
    def gpu_is_faster(self) -> bool:
        """Whether the GPU takes less time."""
        return self.gpu < self.cpu

    def sentence(self) -> str:
        """Return the measurement in words, with what follows from it."""
        if self.problem:
            return f"a step of {self.what} runs on the CPU: {self.problem}"
        cpu, gpu = (f"{seconds * 1e3:.3g} ms" for seconds in (self.cpu, self.gpu))
        taken = "GPU" if self.gpu_is_faster else "CPU"
        return (
            f"a step of {self.what} takes {cpu} on the CPU, {gpu} on the GPU: the {taken} is taken"
        )


def plan_shape(plan: Plan) -> tuple[object, ...]:
    """Return what decides how fast a plan is: its ops with their shapes."""
    return tuple((node.op.name, *(x.shape for x in node.inputs)) for node in plan.nodes)


def measure(
    cpu: Program, make_gpu: Callable[[], Program], what: str
) -> Generator[Wait, None, Measurement]:
    """Time forward, loss and backward of a training step; no weight changes.

    A GPU that cannot run it (too small, lost, or wrong in its numbers) counts as infinitely slow.
    """
    on_cpu = yield from _seconds(cpu)
    try:
        return Measurement(on_cpu, (yield from _seconds(make_gpu())), what)
    except BackendError as error:
        return Measurement(on_cpu, math.inf, what, str(error))


def _seconds(program: Program) -> Generator[Wait, None, float]:
    """Return how long a step takes at best."""
    yield from _run(program, 1)  # compiles, and warms up
    start = time.perf_counter()
    yield from _run(program, 1)
    once = time.perf_counter() - start
    count = max(1, min(100, int(LONG_SECONDS / max(once, 1e-6))))
    times = [once]
    for _ in range(REPEATS if once < LONG_SECONDS else 0):
        start = time.perf_counter()
        yield from _run(program, count)
        times.append((time.perf_counter() - start) / count)
    return min(times)


def _run(program: Program, count: int) -> Generator[Wait, None, None]:
    for _ in range(count):
        program.queue("forward", "loss", "backward")
    yield from program.fetch(("loss",))
