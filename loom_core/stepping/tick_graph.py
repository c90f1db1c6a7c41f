"""The graph of a tick: layers side by side, each with an input and an output of its own."""

from __future__ import annotations

from collections.abc import Sequence

from loom_core.arrays import Shape
from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import Plan, make_plan
from loom_core.layers import Layer
from loom_core.layers.chain import lower_layer, lower_trail


def place_shapes(layers: Sequence[Layer], batch: int, width: int) -> tuple[Shape, ...]:
    """Return the shape of the input, then of each layer's output, the batch first."""
    graph = GraphBuilder()
    trail = lower_trail(graph, layers, graph.input("input", (batch, width)))
    return tuple(value.shape for value in trail)


def added_places(layers: Sequence[Layer]) -> dict[int, int]:
    """Return for each layer that a residual connection leads to where that one starts."""
    found = ((index, layer.skip_source(index)) for index, layer in enumerate(layers))
    return {
        index: source
        for index, source in found
        if source is not None and not layers[index].disabled
    }


def tick_plan(layers: Sequence[Layer], shapes: Sequence[Shape], chosen: Sequence[int]) -> Plan:
    """Plan one tick of some layers, none of which sees what another gives in that tick.

    Args:
        layers: All layers.
        shapes: From :func:`place_shapes`.
        chosen: Indices of the layers that work; disabled ones are left out.

    Ports: for each such layer ``input.k``, ``added.k`` where a residual connection leads to it,
    and ``output.k``.

    Raises:
        ShapeError: The layers give other shapes than those.
    """
    graph = GraphBuilder()
    sources = added_places(layers)
    ports = {}
    for index in chosen:
        layer = layers[index]
        y = x = graph.input(f"input.{index}", shapes[index])
        if not layer.disabled:
            ports[x.name] = x
            added = None
            if index in sources:
                added = graph.input(f"added.{index}", shapes[sources[index]])
                ports[added.name] = added
            with graph.segment("forward", index):
                y = lower_layer(graph, layer, x, added)
                y = graph.emit("scale", y) if y.root.kind == "input" else y
            ports[f"output.{index}"] = y
        if y.shape != shapes[index + 1]:
            raise ShapeError(
                f"layer {index} gives {y.shape}, the step state has room for {shapes[index + 1]}",
                hint="The layers have changed: make a new state with InitStepState.",
            )
    return make_plan(graph.graph, ports)
