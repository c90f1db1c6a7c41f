"""The graphs behind BackwardCPU: the gradients of a network, and what its layers give out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.ops.updates import HYPER
from loom_core.graph.plan import Plan, make_plan
from loom_core.layers import Layer
from loom_core.layers.chain import lower_trail
from loom_core.optimize.trained_weights import trained_weights
from loom_core.plans.gradient_sums import GradientSums
from loom_core.plans.step_graph import lower_layers
from loom_core.watch.watched_ports import watched_ports


def gradient_plan(
    layers: Sequence[Layer],
    batch: int,
    width: int,
    sums: GradientSums,
    dtype: type[np.floating] = np.float32,
    *,
    watched: bool = False,
) -> Plan:
    """Plan the gradients of ``sum(output * output_gradient)``, the forward pass included.

    Each weight's gradient is added to its array in ``sums``, so that passes accumulate without
    leaving the backend. Layers do what they do in inference: there is no noise.

    Ports: ``input`` (B, I) and ``output_gradient`` (B, O) in; ``output`` (B, O) and
    ``input_gradient`` (B, I) out. The last is missing where it is zero whatever comes in (an
    embedding's numbers are truncated). ``watched``, every layer's as well.
    """
    graph = GraphBuilder()
    x = graph.input("input", (batch, width))
    y = lower_layers(graph, layers, x)
    dy = graph.input("output_gradient", y.shape)
    weights = {
        graph.parameter(weight.array, weight.name): weight for weight in trained_weights(layers)
    }
    gradients = differentiate(graph, {y: dy}, [x, *weights])
    trained = [parameter for parameter in weights if parameter in gradients]
    with graph.segment("update"):
        if watched and trained:
            graph.emit("squared_norms", *(gradients[parameter] for parameter in trained))
        for parameter in trained:
            total = graph.parameter(sums.of(weights[parameter].array), "gradient")
            add_to(graph, total, gradients[parameter], dtype)
    ports = {"input": x, "output_gradient": dy, "output": y}
    if x in gradients:
        ports["input_gradient"] = graph.reshape(gradients[x], x.shape)
    ports |= watched_ports(graph) if watched else {}
    return make_plan(graph.graph, ports, dtype)


def add_to(graph: GraphBuilder, total: Value, term: Value, dtype: type[np.floating]) -> None:
    """Emit ``total := total + term`` in place: gradient descent at the rate -1."""
    rate = np.zeros(len(HYPER), dtype)
    rate[HYPER.index("rate")] = -1
    scale = graph.constant(np.ones((), dtype))
    graph.emit_update("sgd", total, term, graph.constant(rate), scale)


def activations_plan(layers: Sequence[Layer], batch: int, width: int) -> Plan:
    """Plan a forward pass that keeps what flows between the layers.

    Ports: ``input`` (B, I) in; ``activation.0`` (the input again) to ``activation.L`` out.
    """
    graph = GraphBuilder()
    x = graph.input("input", (batch, width))
    trail = lower_trail(graph, layers, x, lambda index: graph.segment("forward", index))
    ports = {f"activation.{place}": value for place, value in enumerate(trail)}
    return make_plan(graph.graph, {"input": x} | ports)
