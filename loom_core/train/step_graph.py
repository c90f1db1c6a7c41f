"""The graphs of a network: inference, and a whole training step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import element_count
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder, Value
from loom_core.graph.ops.updates import HYPER
from loom_core.graph.plan import Plan, make_plan
from loom_core.layers import Layer
from loom_core.layers.chain import lower_chain
from loom_core.observe.watched_ports import watched_ports
from loom_core.train.losses import emit_loss


def lower_layers(graph: GraphBuilder, layers: Sequence[Layer], x: Value) -> Value:
    """Emit every layer's forward, each in a segment of its own; the output is flat, (B, O)."""
    y = lower_chain(graph, layers, x, lambda index: graph.segment("forward", index))
    return graph.reshape(y, (x.shape[0], element_count(y.shape) // x.shape[0]))


def inference_plan(
    layers: Sequence[Layer],
    batch: int,
    width: int,
    dtype: type[np.floating] = np.float32,
    *,
    watched: bool = False,
) -> Plan:
    """Plan ``output = network(input)`` for (batch, width) inputs; ``watched``, every layer's."""
    graph = GraphBuilder()
    x = graph.input("input", (batch, width))
    y = lower_layers(graph, layers, x)
    if y.root is x:  # nothing computes: the output must still be a port of its own
        y = graph.emit("scale", y)
    ports = {"input": x, "output": y} | (watched_ports(graph) if watched else {})
    return make_plan(graph.graph, ports, dtype)


def training_plan(
    layers: Sequence[Layer],
    batch: int,
    width: int,
    loss: str,
    dtype: type[np.floating] = np.float32,
    *,
    watched: bool = False,
) -> Plan:
    """Plan one step of gradient descent: forward, loss, backward, update.

    Ports: ``input`` (B, I), ``target`` (B, O), ``hyper`` (8,), ``limit`` (), ``noise.k`` in;
    ``loss`` () out.
    """
    graph = GraphBuilder(training=True)
    x = graph.input("input", (batch, width))
    y = lower_layers(graph, layers, x)
    target = graph.input("target", y.shape)
    hyper = graph.input("hyper", (len(HYPER),))
    limit = graph.input("limit", ())
    with graph.segment("loss"):
        value, seeds = emit_loss(graph, loss, y, target)
    trained = [
        owner.parameter(graph, name) for layer in layers for owner, name in layer.trained_weights()
    ]
    gradients = differentiate(graph, seeds, trained)
    with graph.segment("update"):
        if gradients:
            norms = graph.emit("squared_norms", *gradients.values())
            halted = graph.constant(np.zeros(1, dtype))
            scale = graph.emit("step_scale", value, norms, limit, halted)
        for parameter, gradient in gradients.items():
            graph.emit_update("sgd", parameter, gradient, hyper, scale)
    ports = {"input": x, "target": target, "hyper": hyper, "limit": limit, "loss": value}
    ports |= {noise.name: noise for noise in graph.noises}
    ports |= watched_ports(graph) if watched else {}
    return make_plan(graph.graph, ports, dtype)
