"""Where a plan's values lie on the device: one buffer for values that are never alive together.

The plan's in-place sharing is not used: WebGPU forbids a dispatch to read and write one buffer
through two bindings, so an output never lies in the memory of an input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loom_core.arrays import element_count
from loom_core.backends.webgpu.device import padded, require_size
from loom_core.backends.webgpu.dispatch import Adapter, Kernel
from loom_core.graph.op import Value
from loom_core.graph.plan import Plan, lifetimes

WORD = 4
"""Bytes of a number."""

Temporary = tuple[int, int]
"""Working memory of a kernel: the node's index in the plan, and which of its temporaries."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which pooled buffer each value lies in.

    Args:
        sizes: Of the pooled buffers, in bytes.
        places: Number of the pooled buffer of each memory root and each temporary.
    """

    sizes: tuple[int, ...]
    places: dict[Value | Temporary, int]


def value_bytes(value: Value) -> int:
    """Return the size of a float32 value."""
    return element_count(value.shape) * WORD


def host_values(plan: Plan) -> list[Value]:
    """Return the values that lie in arrays of the host: weights, state, constants of the graph."""
    used = [value for node in plan.nodes for value in (*node.inputs, *node.outputs)]
    return [x.root for x in (*used, *plan.ports.values()) if x.root.kind == "parameter"]


def lay_out(plan: Plan, kernels: Sequence[Kernel], adapter: Adapter) -> Layout:
    """Share buffers between values that are never alive together; the largest are placed first.

    Raises:
        BackendError: A value is larger than the device can bind; nothing was allocated.
    """
    for value in host_values(plan):
        require_size(adapter, value_bytes(value), f"{value.name} of shape {value.shape}")
    wanted: list[tuple[int, int, int, Value | Temporary]] = []
    for root, (first, last) in lifetimes(plan.nodes, {}, plan.ports.values()).items():
        require_size(adapter, value_bytes(root), f"the value {root.name} of shape {root.shape}")
        wanted.append((padded(value_bytes(root)), first, last, root))
    for at, kernel in enumerate(kernels):
        for number, words in enumerate(kernel.temporaries):
            op = plan.nodes[at].op.name
            require_size(adapter, words * WORD, f"the working memory of {op}")
            wanted.append((padded(words * WORD), at, at, (at, number)))
    sizes: list[int] = []
    busy: list[list[tuple[int, int]]] = []
    places: dict[Value | Temporary, int] = {}
    for size, first, last, owner in sorted(wanted, key=lambda item: (-item[0], *item[1:3])):
        free = (
            number
            for number, spans in enumerate(busy)
            if all(last < start or end < first for start, end in spans)
        )
        number = next(free, len(sizes))
        if number == len(sizes):
            sizes.append(size)
            busy.append([])
        busy[number].append((first, last))
        places[owner] = number
    return Layout(tuple(sizes), places)
