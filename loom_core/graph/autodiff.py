"""Backward: gradient ops appended to the graph by each op's own rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loom_core.graph.builder import GraphBuilder, Value
from loom_core.graph.op import NoGradient


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

    for node in reversed(forward):
        if not node.outputs or node.outputs[0] not in gradients:
            continue
        if not any(x.root in needs for x in node.inputs):
            continue
        if isinstance(node.op.gradient, NoGradient):
            raise TypeError(f"internal: {node.op.name} has no gradient: {node.op.gradient.reason}")
        with graph.segment("backward", node.segment.layer):
            dy = gradients[node.outputs[0]]
            for x, emit in zip(node.inputs, node.op.gradient(graph, node, dy), strict=True):
                if emit is not None and x.root in needs:
                    accumulate(x, emit())
    graph.gradients.update(gradients)
    return {value: gradients[value] for value in wanted if value in gradients}
