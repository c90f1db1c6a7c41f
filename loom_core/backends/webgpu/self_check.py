"""Each kernel is checked once on its device before any number that it computed is used.

Drivers have bugs, and a wrong number looks like any other. A kernel is compared with its op's
definition in NumPy, on made-up input of the smallest size at which the device runs the same
pipelines (:mod:`loom_core.backends.webgpu.kernel_variants`): so nothing else has to be compiled,
and the check takes little time. A kernel is checked with the first program that uses it, not when a
device is opened: all of them together take longer to compile than a page should wait.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.webgpu.device import Device, Piece
from loom_core.backends.webgpu.dispatch import Kernel
from loom_core.backends.webgpu.kernel_variants import Variant, smallest, variant_of, work
from loom_core.backends.webgpu.probe_inputs import Inputs, probe_inputs
from loom_core.cooperative import Wait
from loom_core.errors import BackendError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Node
from loom_core.graph.plan import Plan, make_plan

TOLERANCE = 5e-3
"""Share of the largest number: far above rounding errors, far below the effect of any mistake."""


class Tried(Protocol):
    """What a check needs of a program."""

    plan: Plan

    def write(self, port: str, data: Array) -> None:
        """Copy data into an input port."""

    def queue(self) -> object:
        """Run everything."""

    def pieces(self, ports: Iterable[str]) -> list[Piece]:
        """Return where ports lie on the device."""

    def release(self) -> None:
        """Free the memory."""


def variants(nodes: Sequence[Node], kernels: Sequence[Kernel]) -> dict[Variant, Node]:
    """Return the kernels of a plan with the node of each that does the least work."""
    found: dict[Variant, Node] = {}
    for node, kernel in zip(nodes, kernels, strict=True):
        variant = variant_of(node, kernel)
        if variant not in found or work(node) < work(found[variant]):
            found[variant] = node
    return found


def node_plan(node: Node) -> Plan:
    """Plan one node by itself, with ports ``x0``, ``x1`` ... in and ``y0``, ``y1`` ... out."""
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", x.shape) for i, x in enumerate(node.inputs)]
    outputs = graph.emit_all(node.op.name, *values, **node.attributes)
    ports = {value.name: value for value in values}
    ports |= {f"y{i}": output for i, output in enumerate(outputs)}
    return make_plan(graph.graph, ports)


class SelfCheck:
    """Which kernels of a device have passed their check.

    Args:
        device: Where they run.
        prepare: Makes a program of a plan there.
    """

    def __init__(self, device: Device, prepare: Callable[[Plan], Tried]) -> None:
        self._device = device
        self._prepare = prepare
        self._passed: set[Variant] = set()

    def passed(self, used: Mapping[Variant, Node]) -> bool:
        """Whether all these kernels have passed."""
        return used.keys() <= self._passed

    def require(self, used: Mapping[Variant, Node]) -> Generator[Wait, None, None]:
        """Check the kernels that were not checked yet, all with one read.

        Raises:
            BackendError: One gives wrong numbers; it names the op.
        """
        probes = [
            _Probe(node, inputs)
            for variant, found in used.items()
            if variant not in self._passed
            for node in (smallest(found, self._device.adapter),)
            for inputs in probe_inputs(node)
        ]
        programs = [self._prepare(probe.plan) for probe in probes]
        try:
            for probe, program in zip(probes, programs, strict=True):
                for port, value in program.plan.ports.items():
                    # NaN shows what a kernel does not write.
                    unwritten = np.full(value.shape, np.nan, np.float32)
                    program.write(port, probe.written.get(port, unwritten))
                program.queue()
            pieces = [p for program in programs for p in program.pieces(program.plan.ports)]
            parts = iter((yield from self._device.read(pieces)))
        finally:
            for program in programs:
                program.release()
        for probe in probes:
            probe.require([next(parts).view(np.float32) for _ in probe.plan.ports])
        self._passed.update(used)


class _Probe:
    """One node with one set of inputs."""

    def __init__(self, node: Node, inputs: Inputs) -> None:
        self.plan = node_plan(node)
        self.written = {f"x{i}": numbers for i, numbers in enumerate(inputs)}
        self._op = node.op.name

    def require(self, found: Iterable[Array]) -> None:
        """Raise :class:`BackendError` unless the ports hold what NumPy leaves in them."""
        judge = NumpyBackend().prepare(self.plan)
        for port, values in self.written.items():
            judge.write(port, values)
        judge.run()
        for port, numbers in zip(self.plan.ports, found, strict=True):
            expected = judge.read(port).reshape(-1)
            same = (numbers == expected) | (np.isnan(numbers) & np.isnan(expected))
            largest = np.max(np.abs(expected), initial=2.0**-126, where=np.isfinite(expected))
            with np.errstate(invalid="ignore"):
                error = np.where(same, 0, np.abs(numbers - expected))
            # Written so that a NaN agrees with no number.
            if not np.all(error <= TOLERANCE * largest):
                raise BackendError(
                    f"the kernel of {self._op} gives wrong numbers on this GPU: off by "
                    f"{float(np.max(error)):.3g} where the largest is {float(largest):.3g}",
                    hint="Use a CPU backend, update the driver, and please report it.",
                )
