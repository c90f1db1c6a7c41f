"""What a watched plan shows of each layer: ports on values that are computed anyway.

A watched plan has all nodes of the plain one, so that its numbers are the same to the last bit. It
needs more memory, since values that are shown live to the end of the run. And it computes what the
plain plan drops because nothing reads it: a softmax that is computed together with its loss.
"""

from __future__ import annotations

from collections.abc import Iterator

from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value


def watched_ports(graph: GraphBuilder) -> dict[str, Value]:
    """Return the ports of a graph to which no node will be added.

    ``layer_input.k``, ``output.k`` and ``output_gradient.k``: of the k-th layer in
    ``graph.lowered``; a gradient is left out where the backward pass does not reach.
    ``gradient_norms``: the sum of squares of the gradient of each trained weight, and
    ``trained.i`` the weight that the i-th belongs to.
    """
    ports: dict[str, Value] = {}
    for number, (x, y) in enumerate(graph.lowered):
        ports[f"layer_input.{number}"] = x
        ports[f"output.{number}"] = y
        gradient = _gradient(graph, y)
        if gradient is not None:
            ports[f"output_gradient.{number}"] = graph.reshape(gradient, y.shape)
    return ports | dict(_weight_gradients(graph))


def _gradient(graph: GraphBuilder, y: Value) -> Value | None:
    """Return the gradient of a layer's output.

    A softmax that is computed together with its loss has none; that of its scores is taken instead.
    """
    producer = graph.producer(y)
    if y.root not in graph.gradients and producer is not None and producer.op.name == "softmax":
        return graph.gradients.get(producer.inputs[0].root)
    return graph.gradients.get(y.root)


def _weight_gradients(graph: GraphBuilder) -> Iterator[tuple[str, Value]]:
    norms = next((n for n in graph.graph.nodes if n.op.name == "squared_norms"), None)
    if norms is None:
        return
    gradients = graph.gradients.items()
    owners = {dw.root: w for w, dw in gradients if w.kind == "parameter"}
    yield "gradient_norms", norms.outputs[0]
    for number, gradient in enumerate(norms.inputs):
        yield f"trained.{number}", owners[gradient.root]
