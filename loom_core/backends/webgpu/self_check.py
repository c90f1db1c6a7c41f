"""Each kernel is tried once on its device before any number that it made is used.

Drivers have bugs, and a wrong number looks like any other. The definition of an op in NumPy is
the judge, on made-up input of the smallest size at which the plan itself uses the kernel: so
nothing else has to be compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.webgpu.device import Device
from loom_core.backends.webgpu.dispatch import Kernel
from loom_core.errors import BackendError
from loom_core.graph.builder import GraphBuilder, Node
from loom_core.graph.plan import Plan, make_plan
from loom_core.public import Wait

if TYPE_CHECKING:
    from loom_core.backends.webgpu.program import WebGpuProgram

Variant: TypeAlias = tuple[object, ...]
"""An op's name, with shader, entry and constants of each dispatch of its kernel."""

TOLERANCE = 5e-3
"""Of the largest number: far more than rounding does, far less than any mistake."""

SLOW_FLOPS = 50_000_000
"""A node beyond this is repeated by the CPU's fastest backend, which tests hold to NumPy."""


def variants(nodes: Sequence[Node], kernels: Sequence[Kernel]) -> dict[Variant, Node]:
    """Return the kernels of a plan with the node of each that does the least work."""
    found: dict[Variant, Node] = {}
    for node, kernel in zip(nodes, kernels, strict=True):
        made_of = tuple(
            (dispatch.shader, dispatch.entry, tuple(sorted(dispatch.constants.items())))
            for dispatch in kernel.dispatches
        )
        variant = (node.op.name, made_of)
        if variant not in found or flops(node) < flops(found[variant]):
            found[variant] = node
    return found


def flops(node: Node) -> int:
    """Return a node's floating-point operations."""
    shapes = [x.shape for x in node.inputs], [y.shape for y in node.outputs]
    return node.op.flops(*shapes, node.attributes)


def node_plan(node: Node) -> Plan:
    """Plan one node by itself, with ports ``x0``, ``x1`` ... in and ``y0``, ``y1`` ... out."""
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", x.shape) for i, x in enumerate(node.inputs)]
    outputs = graph.emit_all(node.op.name, *values, **node.attributes)
    ports = {value.name: value for value in values}
    ports |= {f"y{i}": output for i, output in enumerate(outputs)}
    return make_plan(graph.graph, ports)


class SelfCheck:
    """Which kernels of a device have been found right.

    Args:
        device: Where they run.
        prepare: Makes a program of a plan there.
    """

    def __init__(self, device: Device, prepare: Callable[[Plan], WebGpuProgram]) -> None:
        self._device = device
        self._prepare = prepare
        self._passed: set[Variant] = set()

    def passed(self, used: Mapping[Variant, Node]) -> bool:
        """Whether all these kernels were found right."""
        return used.keys() <= self._passed

    def require(self, used: Mapping[Variant, Node]) -> Generator[Wait, None, None]:
        """Try the kernels that were not tried before, all in one read.

        Raises:
            BackendError: One gives wrong numbers; it names the op.
        """
        probes = [_Probe(node) for variant, node in used.items() if variant not in self._passed]
        programs = [self._prepare(probe.plan) for probe in probes]
        try:
            for probe, program in zip(probes, programs, strict=True):
                for port, values in probe.inputs.items():
                    program.write(port, values)
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
    """One node with input that can be told from every other."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.plan = node_plan(node)
        draw = np.random.default_rng(1)
        # Between 0 and 1: probabilities, squares and shares are, and no op minds.
        self.inputs = {
            f"x{i}": draw.uniform(0.1, 0.9, x.shape).astype(np.float32)
            for i, x in enumerate(node.inputs)
        }
        if node.op.name == "step_scale":  # a step that is forbidden has no numbers
            self.inputs["x3"].fill(0)

    def require(self, found: Iterable[Array]) -> None:
        """Raise :class:`BackendError` unless the ports hold what a CPU leaves in them."""
        from loom_core.backends.choice import get  # it names this backend too

        judge = get("auto" if flops(self.node) > SLOW_FLOPS else "numpy").prepare(self.plan)
        for port, values in self.inputs.items():
            judge.write(port, values)
        judge.run()
        for port, numbers in zip(self.plan.ports, found, strict=True):
            expected = judge.read(port).reshape(-1)
            scale = max(float(np.max(np.abs(expected), initial=0.0)), 2.0**-126)
            error = np.abs(numbers - expected)
            # Written so that a NaN agrees with nothing.
            if not np.all(error <= TOLERANCE * scale):
                raise BackendError(
                    f"the kernel of {self.node.op.name} gives wrong numbers on this GPU: off by "
                    f"{float(np.max(error)):.3g} where the largest is {scale:.3g}",
                    hint="Use a CPU backend, update the driver, and please report it.",
                )
