"""Backward: gradient ops appended to the graph by each op's own rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Node, NoGradient, Value


def differentiate(
    graph: GraphBuilder, seeds: Mapping[Value, Value], wanted: Iterable[Value]
) -> dict[Value, Value]:
    """Append the backward pass to the graph (reverse mode, one sweep).

    Args:
        graph: Holds the forward nodes.
        seeds: Gradient of the loss with respect to some values, to start from.
        wanted: Values (parameters, inputs) whose gradients are asked for.

    Returns:
        Each wanted value that the seeds depend on, with its gradient. Gradients that nobody
        wants are not computed; those that the pass comes by are kept in ``graph.gradients``.
    """
    wanted = [value.root for value in wanted]
    forward = list(graph.graph.nodes)
    needs = set(wanted)
    for node in forward:
        if any(x.root in needs for x in node.inputs):
            needs.update(node.outputs)

    gradients: dict[Value, Value] = {}

    def accumulate(value: Value, gradient: Value) -> None:
        root = value.root
        gradient = graph.reshape(gradient, root.shape)
        held = gradients.get(root)
        gradients[root] = gradient if held is None else graph.emit("add", held, gradient)

    for value, gradient in seeds.items():
        if value.root in needs:
            accumulate(value, gradient)

    again: dict[Node, Node] = {}

    for node in reversed(forward):
        if not node.outputs or node.outputs[0] not in gradients:
            continue
        if not any(x.root in needs for x in node.inputs):
            continue
        if isinstance(node.op.gradient, NoGradient):
            raise TypeError(f"internal: {node.op.name} has no gradient: {node.op.gradient.reason}")
        with graph.segment("backward", node.segment.layer):
            if node.region is not None and node not in again:
                again.update(_repeat(graph, [n for n in forward if n.region is node.region]))
            dy = gradients[node.outputs[0]]
            rule = node.op.gradient(graph, again.get(node, node), dy)
            for x, emit in zip(node.inputs, rule, strict=True):
                if emit is not None and x.root in needs:
                    accumulate(x, emit())
    graph.gradients.update(gradients)
    return {value: gradients[value] for value in wanted if value in gradients}


def _repeat(graph: GraphBuilder, nodes: Sequence[Node]) -> dict[Node, Node]:
    """Emit nodes once more, so that nothing has to keep what they computed the first time."""
    fresh: dict[Value, Value] = {}

    def present(x: Value) -> Value:
        return graph.reshape(fresh[x.root], x.shape) if x.root in fresh else x

    repeated: dict[Node, Node] = {}
    for node in nodes:
        inputs = tuple(present(x) for x in node.inputs)
        outputs = graph.emit_all(node.op.name, *inputs, **node.attributes)
        fresh.update(zip(node.outputs, outputs, strict=True))
        repeated[node] = replace(node, inputs=inputs, outputs=outputs)
    return repeated
