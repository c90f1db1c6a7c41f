"""What tells two compiled kernels apart, and the smallest node that one of them runs for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TypeAlias

from loom_core.arrays import Shape, element_count
from loom_core.backends.webgpu.dispatch import Adapter, Kernel
from loom_core.backends.webgpu.kernel_table import kernel_of
from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Node
from loom_core.graph.ops import convolution, pooling

Variant: TypeAlias = tuple[object, ...]
"""An op's name, its attributes that are no sizes, and shader, entry and constants of each dispatch
of its kernel; of many alike that follow each other two are named."""

SMALL_WORK = 100_000
"""A node of less costs nothing to try, and is not made smaller."""

_LEAST_SIZES = (20, 5, 2)
"""What sizes are brought down to, by turns while the node is too large: first such as fill more
than a tile, and last what still has a second row."""


def variant_of(node: Node, kernel: Kernel) -> Variant:
    """Return what has to be found right before a node's numbers are used."""
    made_of = [
        (dispatch.shader, dispatch.entry, tuple(sorted(dispatch.constants.items())))
        for dispatch in kernel.dispatches
    ]
    stages = tuple((stage, min(len(list(alike)), 2)) for stage, alike in groupby(made_of))
    modes = ((k, x) for k, x in node.attributes.items() if isinstance(x, bool | float | str))
    return (node.op.name, *sorted(modes), *stages)


def work(node: Node) -> int:
    """Return a node's floating-point operations, or how many numbers it meets if these are more."""
    inputs, outputs = [x.shape for x in node.inputs], [y.shape for y in node.outputs]
    numbers = sum(map(element_count, (*inputs, *outputs)))
    return max(numbers, node.op.flops(inputs, outputs, node.attributes))


def smallest(node: Node, adapter: Adapter) -> Node:
    """Return a node of little work for which a device runs the same variant of the kernel.

    Equal sizes stay equal and others different, so that shapes go on fitting. Where nothing small
    runs that variant (the tiles for large products need large ones, rows that 256 lanes share are
    long, images keep their size, an LSTM and a GRU their width) the sizes that decide it stay.
    """
    variant = variant_of(node, kernel_of(node, adapter))
    for least in _LEAST_SIZES:
        for size in sorted(_free_sizes(node), reverse=True):
            if work(node) <= SMALL_WORK:
                return node
            for smaller in _sizes_between(least, size, _all_sizes(node)):
                found = _resized(node, size, smaller)
                if found and variant_of(found, kernel_of(found, adapter)) == variant:
                    node = found
                    break
    return node


def _all_sizes(node: Node) -> set[int]:
    return {size for x in node.inputs for size in x.shape}


def _free_sizes(node: Node) -> set[int]:
    """Return the sizes that hang together with others by being equal, and in no other way."""
    fixed: set[int] = set()
    if node.op in (*convolution.OPS, *pooling.OPS):
        fixed = {size for x in node.inputs for size in x.shape[2:]}
    elif node.op.name.startswith(("lstm", "gru")):
        fixed = {*node.inputs[-1].shape, *(x.shape[-1] for x in node.inputs)}
    return _all_sizes(node) - fixed


def _sizes_between(least: int, size: int, taken: set[int]) -> Iterator[int]:
    """Yield ever larger sizes that whole vectors of 4 leave the same rest of, none taken yet."""
    while True:
        smaller = least + (size - least) % 4
        while smaller in taken:
            smaller += 4
        if smaller >= size:
            return
        yield smaller
        least = 2 * smaller


def _resized(node: Node, size: int, other: int) -> Node | None:
    """Return the node with one size replaced by another; None where its op does not allow that."""
    graph = GraphBuilder()
    shapes: list[Shape] = [
        tuple(other if extent == size else extent for extent in x.shape) for x in node.inputs
    ]
    inputs = [graph.input(f"x{i}", shape) for i, shape in enumerate(shapes)]
    try:
        graph.emit_all(node.op.name, *inputs, **node.attributes)
    except ShapeError:
        return None
    return graph.graph.nodes[0]
