"""A plan on a device: its dispatches are bound to buffers once, then run any number of times."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TypeVar, cast

import numpy as np

from loom_core.arrays import Array, element_count
from loom_core.backends.step_data import StepData
from loom_core.backends.webgpu.chunk_commands import ChunkCommands, Staging
from loom_core.backends.webgpu.device import (
    RUN,
    Binding,
    BoundDispatch,
    Device,
    Piece,
    padded,
)
from loom_core.backends.webgpu.dispatch import Dispatch, Kernel, Operand
from loom_core.backends.webgpu.kernel_table import kernel_of
from loom_core.backends.webgpu.layout import host_values, lay_out, value_bytes
from loom_core.backends.webgpu.residents import Resident, Residents
from loom_core.backends.webgpu.self_check import SelfCheck, variants
from loom_core.backends.webgpu.uniforms import Uniforms
from loom_core.cooperative import Wait, finish
from loom_core.errors import BackendError
from loom_core.graph.op import Node, Phase, Value
from loom_core.graph.plan import Plan

R = TypeVar("R")


class WebGpuProgram:
    """A plan with its buffers and lists of dispatches; see :class:`..base.Program`.

    Raises:
        BackendError: An op has no kernel, or the device is too small; nothing stays allocated.
    """

    patience = 0.1  # longer than a CPU's: a read takes a while, and other calls run meanwhile

    def __init__(
        self,
        plan: Plan,
        device: Device,
        residents: Residents,
        checks: SelfCheck | None = None,
    ) -> None:
        self.plan = plan
        self._checks = checks
        self._device = device
        self._residents = residents
        kernels = [kernel_of(node, device.adapter) for node in plan.nodes]
        self._variants = variants(plan.nodes, kernels)
        layout = lay_out(plan, kernels, device.adapter)
        self._held = _Held(device, residents)
        self._uploads = Staging(device, self._held.buffers)
        self._reports = Staging(device, self._held.buffers)
        self._release = weakref.finalize(self, self._held.release)
        try:
            self._fill(kernels, layout.sizes, layout.places)
        except BaseException:
            self._release()
            raise

    def _fill(
        self,
        kernels: Sequence[Kernel],
        sizes: Sequence[int],
        places: Mapping[Value | tuple[int, int], int],
    ) -> None:
        held, device = self._held, self._device
        for value in host_values(self.plan):
            if value not in held.parameters and value.array is not None:
                held.parameters[value] = self._residents.acquire(value.array)
        held.buffers.extend(map(device.create_buffer, sizes))
        self._places = {what: held.buffers[number] for what, number in places.items()}
        uniforms = Uniforms(kernels)
        uniform_buffer = device.create_buffer(len(uniforms.words), uniform=True)
        held.buffers.append(uniform_buffer)
        device.write(uniform_buffer, np.frombuffer(uniforms.words, np.uint32))
        phases: dict[Phase, list[BoundDispatch]] = {}
        for at, (node, kernel) in enumerate(zip(self.plan.nodes, kernels, strict=True)):
            constants = [self._constant(array) for array in kernel.constants]
            for dispatch in kernel.dispatches:
                bindings = [
                    self._binding(node, at, kernel, operand, constants)
                    for operand in dispatch.buffers
                ]
                if dispatch.parameters:
                    bindings.append(Binding(uniform_buffer, *uniforms.place(dispatch)))
                phases.setdefault(node.segment.phase, []).append(_bound(dispatch, bindings))
        self._lists = {phase: self._record(listed) for phase, listed in phases.items()}
        self._changes = {phase: self._changed_in(phase) for phase in phases}
        self._ports = {name: self._value_binding(value) for name, value in self.plan.ports.items()}

    def _record(self, dispatches: Sequence[BoundDispatch]) -> int:
        recorded = self._device.record(dispatches)
        self._held.lists.append(recorded)
        return recorded

    def _constant(self, array: Array) -> Binding:
        dense = np.ascontiguousarray(array)
        if dense.dtype.itemsize != 4:
            raise TypeError(f"internal: a constant of a kernel is {dense.dtype}, not of 32 bits")
        buffer = self._device.create_buffer(dense.nbytes)
        self._held.buffers.append(buffer)
        self._device.write(buffer, dense)
        return Binding(buffer, 0, padded(dense.nbytes))

    def _value_binding(self, value: Value) -> Binding:
        resident = self._held.parameters.get(value.root)
        buffer = self._places[value.root] if resident is None else resident.buffer
        return Binding(buffer, 0, padded(value_bytes(value)))

    def _binding(
        self, node: Node, at: int, kernel: Kernel, operand: Operand, constants: Sequence[Binding]
    ) -> Binding:
        match operand.role:
            case "input":
                return self._value_binding(node.inputs[operand.index])
            case "output":
                return self._value_binding(node.outputs[operand.index])
            case "constant":
                return constants[operand.index]
            case "temporary":
                size = padded(4 * kernel.temporaries[operand.index])
                return Binding(self._places[at, operand.index], 0, size)

    def _changed_in(self, phase: Phase) -> list[Resident]:
        """Return the arrays of the host that a phase changes."""
        roots = {
            node.inputs[index].root
            for node in self.plan.nodes
            if node.segment.phase == phase
            for index in node.op.updates
        }
        return [self._held.parameters[root] for root in roots if root in self._held.parameters]

    def write(self, port: str, data: Array) -> None:
        """Copy ``data`` into an input port."""
        value = self.plan.ports[port]
        array = np.ascontiguousarray(np.asarray(data).reshape(value.shape), np.float32)
        self._device.write(self._ports[port].buffer, array)

    def run(self, *phases: Phase) -> None:
        """Run the nodes of the given phases; all of them when none is named.

        The layers' arrays have the changes when this returns. :meth:`run_steps` trains without
        copying them each time.
        """
        if self.queue(*phases):
            finish(self.settle())

    def queue(self, *phases: Phase) -> bool:
        """Run phases on the device without waiting; return whether they change layers' arrays."""
        self._residents.upload_changes(self._held.parameters.values())
        chosen = [phase for phase in phases or tuple(self._lists) if phase in self._lists]
        self._device.submit([word for phase in chosen for word in (RUN, self._lists[phase])])
        return self._note_changes(chosen)

    def _note_changes(self, phases: Iterable[Phase]) -> bool:
        """Raise the versions of what queued phases change; return whether they change anything."""
        changed = {id(found): found for phase in phases for found in self._changes[phase]}
        for resident in changed.values():
            resident.queued += 1
        return bool(changed)

    def ahead(self) -> bool:
        """Whether the device has newer numbers than the program's arrays.

        A lost device has none.
        """
        if not any(resident.ahead for resident in self._held.parameters.values()):
            return False
        try:
            self._device.require_alive()
        except BackendError:
            return False
        return True

    def settle(self) -> Generator[Wait, None, None]:
        """Copy what the device has changed into the layers' own arrays.

        Raises:
            BackendError, BusyError: See :meth:`.Residents.download_changes`.
        """
        residents = self._held.parameters.values()
        if any(resident.ahead for resident in residents):
            yield from self._require_right()
            yield from self._residents.download_changes(residents)

    def discard(self) -> None:
        """Undo what the device has changed since its numbers and the arrays' were last equal."""
        if self.ahead():
            self._residents.discard_changes(self._held.parameters.values())

    def settled_arrays(self) -> list[tuple[Array, Array]]:
        """Return each of the layers' own arrays with a copy of its numbers.

        The device gets these numbers first, and must not have newer ones. Nothing writes to the
        copies.

        Raises:
            BackendError: The device was lost; it may have had newer numbers.
        """
        self._device.require_alive()
        residents = self._held.parameters.values()
        self._residents.upload_changes(residents)
        return [(resident.array, resident.known) for resident in residents]

    def read(self, port: str) -> Array:
        """Return a copy of a port's current value."""
        return finish(self.fetch((port,)))[port]

    def fetch(self, ports: Sequence[str]) -> Generator[Wait, None, dict[str, Array]]:
        """Return copies of several ports in one read."""
        parts = yield from self._checked(self._device.read(self.pieces(ports)))
        return {
            port: part.view(np.float32).reshape(self.plan.ports[port].shape)
            for port, part in zip(ports, parts, strict=True)
        }

    def call_sheet(self, source: str, target: str) -> int:
        """Return 0: a run on a device takes more than one call."""
        return 0

    def pieces(self, ports: Iterable[str]) -> list[Piece]:
        """Return where ports lie on the device."""
        return [
            Piece(self._ports[port].buffer, 0, value_bytes(self.plan.ports[port])) for port in ports
        ]

    def _checked(self, reading: Generator[Wait, None, R]) -> Generator[Wait, None, R]:
        """Return what is read, after the kernels that computed it have passed their check.

        The read is queued before the check begins, since others may use the program meanwhile.
        """
        if not self._found_right():
            try:
                wait = next(reading)
            except StopIteration as end:  # nothing took time
                yield from self._require_right()
                return cast(R, end.value)
            try:
                yield from self._require_right()
            except BaseException:
                reading.close()
                raise
            yield wait
        return (yield from reading)

    def _found_right(self) -> bool:
        return self._checks is None or self._checks.passed(self._variants)

    def _require_right(self) -> Generator[Wait, None, None]:
        """Check the kernels that were not checked yet; discard what wrong ones have changed."""
        if self._checks is None or self._found_right():
            return
        try:
            yield from self._checks.require(self._variants)
        except BackendError:
            self.discard()
            raise

    def run_steps(
        self, data: StepData, report: Sequence[str]
    ) -> Generator[Wait, None, dict[str, Array]]:
        """Run a chunk of whole steps, and read what they report once, at its end.

        The weights stay on the device until :meth:`settle`. A step that sets the plan's ``halted``
        is the last one reported: the steps after it change nothing.

        Args:
            data: What each port to write holds in each step.
            report: Ports whose value after each step is wanted.

        Returns:
            For each reported port (done, ...).
        """
        self._residents.upload_changes(self._held.parameters.values())
        rows = [
            (self._ports[port], self._rows(self.plan.ports[port], data.of(port)))
            for port in data.ports
        ]
        values = [self.plan.ports[port] for port in report]
        watched = [(self._ports[port], value_bytes(self.plan.ports[port])) for port in report]
        halted = self.plan.halted
        if halted is not None:
            watched.append((self._value_binding(halted), value_bytes(halted)))
        chunk = ChunkCommands(rows, list(self._lists.values()), watched)
        reports = self._reports.of(chunk.report_bytes)
        chunk.submit(self._device, self._uploads, reports)
        self._note_changes(self._changes)
        pieces = [Piece(reports, 0, chunk.report_bytes)]
        parts = yield from self._checked(self._device.read(pieces))
        found = chunk.reports(parts[0])
        done = chunk.steps
        if halted is not None and found[-1].any():
            done = int(found[-1].any(axis=1).argmax()) + 1
        return {
            port: numbers[:done].reshape(done, *value.shape)
            for port, value, numbers in zip(report, values, found, strict=False)
        }

    def _rows(self, value: Value, values: Array) -> Array:
        dense = np.ascontiguousarray(values, np.float32)
        return dense.reshape(len(dense), element_count(value.shape))

    def release(self) -> None:
        """Free the memory on the device; the program cannot be used any more."""
        self._release()


class _Held:
    """What a program holds on its device: an object of its own, which outlives the program."""

    def __init__(self, device: Device, residents: Residents) -> None:
        self._device = device
        self._residents = residents
        self.buffers: list[int] = []
        self.lists: list[int] = []
        self.parameters: dict[Value, Resident] = {}

    def release(self) -> None:
        for recorded in self.lists:
            self._device.forget(recorded)
        for buffer in self.buffers:
            self._device.destroy_buffer(buffer)
        self._residents.release(self.parameters.values())


def _bound(dispatch: Dispatch, bindings: Sequence[Binding]) -> BoundDispatch:
    constants = tuple(sorted((name, float(value)) for name, value in dispatch.constants.items()))
    return BoundDispatch(
        dispatch.shader, dispatch.entry, constants, tuple(bindings), dispatch.workgroups
    )
