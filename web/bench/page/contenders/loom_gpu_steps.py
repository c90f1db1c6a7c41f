"""Loom's bare steps on a GPU: queued one after the other, and waited for by reading the last."""

from collections.abc import Generator
from typing import Any

import loom_steps

from loom_core.backends.webgpu_backend import WebGpuBackend, open_backend
from loom_core.cooperative import Wait


async def settled(waiting: Generator[Wait, None, Any]) -> Any:
    """Return what a generator returns, waiting for each promise that it yields."""
    while True:
        try:
            wait = next(waiting)
        except StopIteration as done:
            return done.value
        if not isinstance(wait, bool):
            await wait


_kept: list[WebGpuBackend] = []


async def gpu() -> WebGpuBackend:
    """Return the backend, whose device stays open as long as this module."""
    _kept.append(await settled(open_backend()))
    return _kept[0]


class GpuSteps:
    """Steps on a GPU.

    Args:
        steps: Prepared by ``loom_steps`` on the backend of :func:`gpu`.
        port: What is read.
        each: After each step, not only after the last.
    """

    def __init__(self, steps: loom_steps.Steps, port: str, *, each: bool) -> None:
        self._program: Any = steps.program
        self._port = port
        self._each = each

    async def run(self, steps: int) -> None:
        """Run the whole plan so many times."""
        for done in range(1, steps + 1):
            self._program.queue()
            if self._each or done == steps:
                await settled(self._program.fetch((self._port,)))

    async def loss(self) -> float:
        """Return the loss with the present weights."""
        self._program.queue("forward", "loss")
        return float((await settled(self._program.fetch(("loss",))))["loss"])


def training(steps: loom_steps.Steps) -> GpuSteps:
    """Return training steps whose last loss is read."""
    return GpuSteps(steps, "loss", each=False)


def inference(steps: loom_steps.Steps) -> GpuSteps:
    """Return forward passes whose outputs are all read."""
    return GpuSteps(steps, "output", each=True)


def product(steps: loom_steps.Steps) -> GpuSteps:
    """Return products of which the last is read."""
    return GpuSteps(steps, "output", each=False)
