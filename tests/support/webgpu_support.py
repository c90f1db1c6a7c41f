"""The native WebGPU device that the tests share."""

import functools
import os
import tempfile
from dataclasses import replace

import numpy as np

from loom_core.backends.webgpu.device import Device
from loom_core.backends.webgpu.wgpu_device import open_wgpu_device
from loom_core.backends.webgpu_backend import WebGpuBackend, open_backend
from loom_core.cooperative import finish
from loom_core.graph.op import Node
from tests.support.device_nodes import node_steps

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # else the driver complains


@functools.cache
def backend() -> WebGpuBackend:
    """Return the backend of this process; a machine without an adapter fails the test."""
    return finish(open_backend())


def device() -> Device:
    """Return the device that all tests share."""
    return backend().device


@functools.cache
def device_as(software: bool) -> Device:
    """Return a device that gives itself out as software or hardware."""
    device = open_wgpu_device()
    device.adapter = replace(device.adapter, software=software)
    return device


def run_node(node: Node, inputs: list[np.ndarray], on: Device | None = None) -> list[np.ndarray]:
    """Run one node by its kernel; see :func:`device_nodes.node_steps`.

    Args:
        node: From a graph.
        inputs: Arrays, float32.
        on: Another device than the shared one.
    """
    return finish(node_steps(node, inputs, on or device()))
