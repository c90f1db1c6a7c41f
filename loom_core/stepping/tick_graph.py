"""The graph of a tick: layers side by side, each with an input and an output of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loom_core.arrays import Shape
from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.plan import Plan, make_plan
from loom_core.layers import Layer
from loom_core.layers.chain import lower_layer, lower_trail
from loom_core.watch.watched_ports import watched_ports


def place_shapes(layers: Sequence[Layer], batch: int, width: int) -> tuple[Shape, ...]:
    """Return the shape of the input, then of each layer's output, the batch first."""
    graph = GraphBuilder()
    trail = lower_trail(graph, layers, graph.input("input", (batch, width)))
    return tuple(value.shape for value in trail)


def added_places(layers: Sequence[Layer]) -> dict[int, int]:
    """Return where each residual connection starts, by the index of the layer that it ends at."""
    found = ((index, layer.skip_source(index)) for index, layer in enumerate(layers))
    return {
        index: source
        for index, source in found
        if source is not None and not layers[index].disabled
    }


def lower_tick(
    graph: GraphBuilder,
    layers: Sequence[Layer],
    shapes: Sequence[Shape],
    chosen: Sequence[int],
    read: Callable[[int, int], Value],
) -> dict[int, Value]:
    """Emit one tick of some layers; no layer sees what another one computes in that tick.

    Args:
        graph: Where to.
        layers: All layers.
        shapes: From :func:`place_shapes`.
        chosen: Indices of the layers that work; disabled ones are left out.
        read: Called with the index k of a layer and a place. Declares the value at that place from
            which the input of layer k was computed; for place k it is that input itself.

    Returns:
        The output of each layer that computes, by index.

    Raises:
        ShapeError: The layers give other shapes than those.
    """
    sources = added_places(layers)
    found = {}
    for index in chosen:
        layer, given = layers[index], shapes[index]
        if not layer.disabled:
            x = read(index, index)
            added = read(index, sources[index]) if index in sources else None
            with graph.segment("forward", index):
                y = lower_layer(graph, layer, x, added)
                found[index] = graph.emit("scale", y) if y.root.kind == "input" else y
            given = y.shape
        if given != shapes[index + 1]:
            raise ShapeError(
                f"layer {index} gives {given}, the step state has room for {shapes[index + 1]}",
                hint="The layers have changed: make a new step state.",
            )
    return found


def tick_plan(
    layers: Sequence[Layer],
    shapes: Sequence[Shape],
    chosen: Sequence[int],
    *,
    watched: bool = False,
) -> Plan:
    """Plan :func:`lower_tick`.

    Ports: for each layer that computes ``value.k.p`` in, the value at place p that layer k reads
    (its input where p is k, else what a residual connection adds), and ``made.k`` out.
    With ``watched`` also what observers are told of: ``input`` (what the first layer reads) and
    those of :func:`~loom_core.watch.watched_ports.watched_ports`.
    """
    graph = GraphBuilder()
    ports: dict[str, Value] = {}

    def read(index: int, place: int) -> Value:
        name = f"value.{index}.{place}"
        return ports.setdefault(name, graph.input(name, shapes[place]))

    found = lower_tick(graph, layers, shapes, chosen, read)
    if watched and ports:
        ports["input"] = next(iter(ports.values()))
    ports |= {f"made.{index}": y for index, y in found.items()}
    return make_plan(graph.graph, ports | (watched_ports(graph) if watched else {}))
