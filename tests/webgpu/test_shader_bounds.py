"""No kernel touches an array beyond its end: the devices' own protection is never relied on.

Every index of every storage array is checked by code that is put into the shaders here. What is
beyond an end sets a flag in one buffer more, which all dispatches share.
"""

import functools
import re
from dataclasses import replace

import numpy as np
import pytest
import wgpu

from loom_core.backends.webgpu.shader_files import shader_source
from loom_core.backends.webgpu.wgpu_device import WgpuDevice, find_adapter
from tests.support.kernel_cases import KERNEL_CASES, nodes_with_inputs
from tests.support.op_cases import OpCase, products
from tests.support.update_cases import SCALE_CASES, UPDATE_CASES
from tests.support.webgpu_support import run_node

FLAG_BINDING = 20

CHECK = f"""
@group(0) @binding({FLAG_BINDING}) var<storage, read_write> beyond_an_end: array<u32>;

fn noted_index(index: u32, length: u32) -> u32 {{
    if (index >= length) {{
        beyond_an_end[0] = 1u;
    }}
    return index;
}}
"""


def checked_source(source: str) -> str:
    """Return a shader with a check around each index of its storage arrays."""
    for name in re.findall(r"var<storage, \w+> (\w+): array", source):
        start = 0
        while found := re.compile(rf"\b{name}\[").search(source, start):
            depth, end = 1, found.end()
            while depth:
                depth += {"[": 1, "]": -1}.get(source[end], 0)
                end += 1
            index = source[found.end() : end - 1]
            checked = f"noted_index(u32({index}), arrayLength(&{name}))"
            source = source[: found.end()] + checked + source[end - 1 :]
            start = found.end()
    return source + CHECK


class CheckedDevice(WgpuDevice):
    """A device whose kernels note an index beyond an end."""

    def __init__(self, software, source=shader_source):
        super().__init__(find_adapter())
        self.source = source
        self.adapter = replace(self.adapter, software=software)
        usage = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST
        self.flag = self._device.create_buffer(size=16, usage=usage)

    def _make_module(self, shader):
        return self._device.create_shader_module(code=checked_source(self.source(shader)))

    def _entries(self, dispatch):
        flag = {"binding": FLAG_BINDING, "resource": {"buffer": self.flag}}
        return [*super()._entries(dispatch), flag]

    def flagged(self):
        """Say whether an index was beyond an end since the last call."""
        found = np.frombuffer(self._device.queue.read_buffer(self.flag), np.uint32)[0]
        self._device.queue.write_buffer(self.flag, 0, np.zeros(4, np.uint32))
        return bool(found)


@functools.cache
def checked_device(software):
    return CheckedDevice(software)


SMALL = [case for case in KERNEL_CASES if case.op != "matmul"] + [
    *products(13, 9, 17),
    *products(65, 33, 30, 2),
    *products(16, 12, 20),
    *products(5, 0, 3),
    OpCase("conv2d", ((2, 2, 5, 5), (3, 2, 3, 3)), {"stride": (1, 1), "padding": (4, 3)}),
]
"""All ops; of the products some beside and some beyond a tile, divisible by 4 and not."""

OPS = sorted({case.op for case in SMALL})


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
@pytest.mark.parametrize("op", OPS)
def test_no_index_is_beyond_an_end(op: str, software: bool):
    device = checked_device(software)
    for case in SMALL:
        if case.op == op:
            for node, inputs, _ in nodes_with_inputs(case):
                run_node(node, inputs, device)
                assert not device.flagged(), (case.id, node.op.name)


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
@pytest.mark.parametrize("case", [*UPDATE_CASES, *SCALE_CASES], ids=lambda case: case.id)
def test_no_index_of_an_update_is_beyond_an_end(case, software: bool):
    device = checked_device(software)
    run_node(case.node(), case.inputs(), device)
    assert not device.flagged()


def test_the_check_sees_an_index_beyond_an_end():
    def broken(name):
        source = shader_source(name)
        assert "value = table[row" in source
        return source.replace("value = table[row", "value = 0.0 * table[99999u + row")

    device = CheckedDevice(software=True, source=broken)
    node, inputs, _ = next(nodes_with_inputs(OpCase("gather_rows", ((5, 3), (2, 2)))))
    run_node(node, inputs, device)
    assert device.flagged()
