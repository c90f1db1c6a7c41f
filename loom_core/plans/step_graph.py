"""The graphs of a network: inference, and a whole training step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import element_count
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.plan import Plan, make_plan
from loom_core.layers import Layer
from loom_core.layers.chain import lower_chain
from loom_core.optimize.losses import emit_loss
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizers import SGDOptimizer
from loom_core.optimize.trained_weights import trained_weights
from loom_core.plans.update_graph import emit_updates
from loom_core.watch.watched_ports import watched_ports


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
    optimizer: Optimizer | None = None,
    dtype: type[np.floating] = np.float32,
    *,
    watched: bool = False,
) -> Plan:
    """Plan one whole step: forward, loss, backward, gradient norms, clipping, update.

    A step whose loss or gradients are not finite changes nothing and sets the optimizer's
    ``halted``.

    Ports: ``input`` (B, I), ``target`` (B, O), ``noise.k`` in; ``loss`` () out. Where anything is
    trained, those of :func:`~loom_core.plans.update_graph.emit_updates` too.

    Args:
        layers: Whose weights are trained.
        batch: Samples.
        width: Numbers in one.
        loss: Its name.
        optimizer: Plain gradient descent where left out.
        dtype: float64 for checks.
        watched: Every layer's values are ports too.
    """
    graph = GraphBuilder(training=True)
    x = graph.input("input", (batch, width))
    y = lower_layers(graph, layers, x)
    target = graph.input("target", y.shape)
    with graph.segment("loss"):
        value, seeds = emit_loss(graph, loss, y, target)
    trained = {graph.parameter(w.array, w.name): w for w in trained_weights(layers)}
    gradients = differentiate(graph, seeds, trained)
    ports = {"input": x, "target": target, "loss": value}
    if gradients:
        changes = {trained[w]: gradient for w, gradient in gradients.items()}
        ports |= emit_updates(graph, optimizer or SGDOptimizer(), changes, value)
    ports |= {noise.name: noise for noise in graph.noises}
    ports |= watched_ports(graph) if watched else {}
    return make_plan(graph.graph, ports, dtype)
