"""The plan: a graph with every buffer laid out, ready for a backend.

A plan is for one network, one batch size and one mode. Intermediate values share one arena: two
values may lie in the same place when they are never alive at the same time. Parameters stay in
the layers' own arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loom_core import limits
from loom_core.arrays import element_count
from loom_core.graph.op import Graph, Node, Segment, Value

ALIGNMENT = 64
"""Bytes; one cache line, and enough for every SIMD load."""


@dataclass(frozen=True, slots=True)
class Run:
    """The plan's nodes from ``start`` to before ``stop``, all of one segment."""

    segment: Segment
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backend needs to execute.

    Args:
        nodes: In running order.
        runs: The nodes grouped by segment, in order.
        offsets: Byte offset in the arena of each memory root that is not a parameter.
        roots: For each computed value, the value whose memory it lies in (in-place ops).
        arena_bytes: Size of the arena.
        ports: Values the caller reads or writes, by name.
        dtype: Of every value.
    """

    nodes: tuple[Node, ...]
    runs: tuple[Run, ...]
    offsets: Mapping[Value, int]
    roots: Mapping[Value, Value]
    arena_bytes: int
    ports: Mapping[str, Value]
    dtype: np.dtype[np.generic]

    @property
    def flops(self) -> int:
        """Floating-point operations of one run of the whole plan."""
        return sum(
            node.op.flops(
                [x.shape for x in node.inputs], [y.shape for y in node.outputs], node.attributes
            )
            for node in self.nodes
        )

    @property
    def halted(self) -> Value | None:
        """What a step sets when it refuses to change weights; None in a plan without updates."""
        guards = (node for node in self.nodes if node.op.name == "step_scale")
        return next((node.inputs[3].root for node in guards), None)

    def memory_of(self, value: Value) -> Value:
        """Return the value whose offset (or own array) holds ``value``."""
        root = value.root
        return self.roots.get(root, root)


def make_plan(
    graph: Graph, ports: Mapping[str, Value], dtype: type[np.floating] = np.float32
) -> Plan:
    """Lay out a graph.

    Args:
        graph: From a :class:`~loom_core.graph.builder.GraphBuilder`.
        ports: Inputs to write and values to read after a run. Ports keep their memory for the
            whole plan; nodes that neither feed a port nor update a parameter are dropped.
        dtype: float32, or float64 for checks.

    Raises:
        LimitError: The arena would be larger than :data:`loom_core.limits.PLAN_BYTES`.
    """
    item = np.dtype(dtype)
    nodes = _without_dead_nodes(graph.nodes, ports.values())
    nodes = _fuse_activations(nodes, ports.values())
    roots = _share_in_place(nodes, ports.values())
    spans = lifetimes(nodes, roots, ports.values())
    sizes = {root: element_count(root.shape) * item.itemsize for root in spans}
    offsets, arena_bytes = _place(spans, sizes)
    limits.require_within(arena_bytes, limits.PLAN_BYTES, "working memory of a plan in bytes")
    return Plan(tuple(nodes), tuple(_group(nodes)), offsets, roots, arena_bytes, dict(ports), item)


def _without_dead_nodes(nodes: Iterable[Node], kept: Iterable[Value]) -> list[Node]:
    """Drop what feeds neither a kept value nor an update."""
    live = {value.root for value in kept}
    alive: list[Node] = []
    for node in reversed(list(nodes)):
        if node.op.updates or any(y in live for y in node.outputs):
            alive.append(node)
            live.update(x.root for x in node.inputs)
    return alive[::-1]


def _fuse_activations(nodes: list[Node], kept: Iterable[Value]) -> list[Node]:
    """Let add_bias apply the activation that alone reads its output: one pass over memory less."""
    uses = Counter(x.root for node in nodes for x in node.inputs)
    uses.update(value.root for value in kept)
    biased = {
        node.outputs[0]: at
        for at, node in enumerate(nodes)
        if node.op.name == "add_bias"
        and node.attributes["function"] == "linear"
        and uses[node.outputs[0]] == 1
    }
    fused: list[Node | None] = list(nodes)
    for at, node in enumerate(nodes):
        if node.op.name != "activate" or node.inputs[0] not in biased:
            continue
        source = biased[node.inputs[0]]
        before = nodes[source]
        attributes = {**before.attributes, "function": node.attributes["function"]}
        fused[source] = replace(before, outputs=node.outputs, attributes=attributes)
        fused[at] = None
    return [node for node in fused if node is not None]


def _share_in_place(nodes: list[Node], ports: Iterable[Value]) -> dict[Value, Value]:
    """Let an in-place op write over its first input where that input dies there."""
    pinned = {value.root for value in ports}
    last_use = {x.root: i for i, node in enumerate(nodes) for x in node.inputs}
    roots: dict[Value, Value] = {}
    for i, node in enumerate(nodes):
        roots.update((y, y) for y in node.outputs)
        if not node.op.in_place:
            continue
        x = node.inputs[0].root
        dies_here = last_use[x] == i and all(other.root is not x for other in node.inputs[1:])
        if x in roots and x not in pinned and dies_here:
            roots[node.outputs[0]] = roots[x]
    return roots


def lifetimes(
    nodes: Sequence[Node], roots: Mapping[Value, Value], ports: Iterable[Value]
) -> dict[Value, tuple[int, int]]:
    """Return the first and last node index at which each memory root is in use.

    Args:
        nodes: In running order.
        roots: The value whose memory another lies in, where that is not its own.
        ports: Kept to the end; those written from outside exist from before the start, -1.
    """
    spans: dict[Value, tuple[int, int]] = {}

    def touch(value: Value, at: int) -> None:
        root = roots.get(value.root, value.root)
        if root.kind == "parameter":
            return
        first, last = spans.get(root, (at, at))
        spans[root] = (min(first, at), max(last, at))

    for i, node in enumerate(nodes):
        for value in (*node.inputs, *node.outputs):
            touch(value, i)
    for value in ports:
        if value.kind == "input":
            touch(value, -1)
        touch(value, len(nodes))
    return spans


def _place(
    spans: Mapping[Value, tuple[int, int]], sizes: Mapping[Value, int]
) -> tuple[dict[Value, int], int]:
    """Give each root the lowest offset free during its lifetime, largest roots first."""
    offsets: dict[Value, int] = {}
    placed: list[tuple[int, int, int, int]] = []  # first, last, start, end
    order = sorted(spans, key=lambda root: (-sizes[root], spans[root]))
    for root in order:
        first, last = spans[root]
        size = -(-sizes[root] // ALIGNMENT) * ALIGNMENT
        busy = sorted(
            (at, end)
            for other_first, other_last, at, end in placed
            if other_first <= last and first <= other_last
        )
        start = 0
        for other_start, other_end in busy:
            if start + size <= other_start:
                break
            start = max(start, other_end)
        offsets[root] = start
        placed.append((first, last, start, start + size))
    return offsets, max((end for *_, end in placed), default=0)


def _group(nodes: list[Node]) -> Iterable[Run]:
    start = 0
    for i in range(1, len(nodes) + 1):
        if i == len(nodes) or nodes[i].segment != nodes[start].segment:
            yield Run(nodes[start].segment, start, i)
            start = i
