"""One layer in a graph over tensors: what the Forward and Backward functions of a pair share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from loom_core.arrays import Shape
from loom_core.generic.results import ActivatedOutput, GenericBackwardResult
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.graph.op import Node, Value
from loom_core.layers import Layer


class LoweredLayer(NamedTuple):
    """A layer with its weights in a graph.

    Args:
        layer: The layer.
        x: Its input.
        y: Its output.
    """

    layer: Layer
    x: Value
    y: Value


def lowered(
    graph: TensorGraph,
    layer: Layer,
    weights: Mapping[str, Tensor | Sequence[Tensor] | None],
    input: Tensor,
    shape: Shape,
) -> LoweredLayer:
    """Give a layer made for this call its weights and its input, and let it lower itself.

    Args:
        graph: Where to.
        layer: Without weights.
        weights: By the layer's names; see :meth:`TensorGraph.lend`.
        input: What the layer reads.
        shape: How it reads that, with the batch first.
    """
    graph.lend(layer, weights)
    x = graph.input(input, "input", shape)
    return LoweredLayer(layer, x, layer.lower(graph.builder, x))


def layer_gradients(
    graph: TensorGraph, lowered: LoweredLayer, grad_output: Tensor, known: Value | None = None
) -> list[Value]:
    """Emit the gradients of ``sum(y * grad_output)`` for the input and each weight, in order.

    Args:
        graph: Where the layer is.
        lowered: The layer.
        grad_output: dy, of the output's size.
        known: y as the caller kept it, where :meth:`TensorGraph.replay` put it into the graph.
    """
    dy = graph.input(grad_output, "gradOutput", lowered.y.shape)
    return graph.gradients(lowered.y if known is None else known, dy, _wanted(graph, lowered))


def activated_output(graph: TensorGraph, lowered: LoweredLayer) -> ActivatedOutput:
    """Return the output of a layer before and after its activation."""
    y = lowered.y
    node = _activation(graph, y)
    before = y if node is None else graph.builder.reshape(node.inputs[0], y.shape)
    return ActivatedOutput(*graph.run(before, y))


def activated_gradients(
    graph: TensorGraph, lowered: LoweredLayer, grad_output: Tensor, pre_activation: Tensor
) -> GenericBackwardResult:
    """Return the gradients of a layer with an activation, taken where its input was kept.

    Args:
        graph: Where the layer is.
        lowered: The layer, with one kernel and one bias.
        grad_output: dy, of the output's size.
        pre_activation: As :func:`activated_output` gave it; not used without an activation.
    """
    y = lowered.y
    dy = graph.input(grad_output, "gradOutput", y.shape)
    node = _activation(graph, y)
    if node is not None:
        kept = graph.input(pre_activation, "preActivation", node.outputs[0].shape)
        known = graph.builder.emit("activate", kept, **node.attributes)
        y, dy = node.inputs[0], graph.gradients(known, dy, [kept])[0]
    return GenericBackwardResult(*graph.run(*graph.gradients(y, dy, _wanted(graph, lowered))))


def _wanted(graph: TensorGraph, lowered: LoweredLayer) -> list[Value]:
    """Return what gradients are asked for: the input and each weight."""
    layer = lowered.layer
    return [lowered.x, *(layer.parameter(graph.builder, name) for name in layer.weights)]


def _activation(graph: TensorGraph, y: Value) -> Node | None:
    """Return the activation that gives ``y``; None where there is none."""
    node = graph.builder.producer(y)
    return node if node is not None and node.op.name == "activate" else None
