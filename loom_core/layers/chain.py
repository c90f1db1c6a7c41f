"""Layers one after the other: the walk that the network and Sequential share.

The values between layers are kept (``trail[k]`` is the input of layer k), so that a layer can
add an earlier one: that is a residual connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from loom_core.arrays import Shape, element_count
from loom_core.errors import LoomError, ShapeError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.layers.sample_shapes import features


def complete_chain(
    layers: Sequence[Layer], shape: Shape | None, name: Callable[[int], str]
) -> list[Shape | None]:
    """Infer sizes that were left out; return the shape of each layer's output sample.

    Raises:
        ShapeError, LimitError: A layer does not fit; ``name(index)`` says which.
    """
    trail: list[Shape | None] = [shape]
    for index, layer in enumerate(layers):
        if not layer.disabled:
            try:
                shape = complete_layer(layer, shape)
                _require_equal_widths(layer, index, trail, shape)
            except LoomError as error:
                raise error.at(name(index)) from error
        trail.append(shape)
    return trail[1:]


def complete_layer(layer: Layer, shape: Shape | None) -> Shape | None:
    """Let one layer infer its sizes; return the shape that it passes on."""
    if layer.disabled:
        return shape
    layer.complete(shape)
    computed = layer.output_shape(shape)
    return (0,) if layer.silent else computed


def lower_layer(graph: GraphBuilder, layer: Layer, x: Value, added: Value | None = None) -> Value:
    """Emit one layer, or what stands for it where it is disabled or silent.

    Args:
        graph: Where to.
        layer: Any.
        x: Its input.
        added: An earlier value of the chain that a residual connection adds, or None.
    """
    if layer.disabled:
        return x
    if added is not None and layer.skip_before:
        x, added = _add(graph, x, added), None
    with graph.inside_layer(frozen=layer.frozen):
        y = _lower_silence(graph, x) if layer.silent else layer.lower(graph, x)
    if added is not None:
        y = _add(graph, y, added)
    graph.lowered.append((x, y))
    return y


def _lower_silence(graph: GraphBuilder, x: Value) -> Value:
    """Emit what gives no numbers at all."""
    flat = graph.reshape(x, (x.shape[0], element_count(x.shape[1:])))
    return graph.emit("slice_axis", flat, axis=1, start=0, size=0)


def chain_input_features(layers: Sequence[Layer]) -> int | None:
    """Return how many numbers a sample needs for the first layer that cares; None: any."""
    for layer in layers:
        if layer.disabled:
            continue
        count = layer.input_features()
        if count is not None or not layer.keeps_width:
            return count
    return None


def _require_equal_widths(
    layer: Layer, index: int, trail: Sequence[Shape | None], output: Shape | None
) -> None:
    source = layer.skip_source(index)
    if source is None:
        return
    added, onto = features(trail[source]), features(output)
    if added is not None and onto is not None and added != onto:
        raise ShapeError(
            f"the residual connection adds {added} numbers to {onto}",
            hint="Both ends of a residual connection need the same width.",
        )


def lower_chain(
    graph: GraphBuilder,
    layers: Sequence[Layer],
    x: Value,
    segment: Callable[[int], AbstractContextManager[None]] = lambda index: nullcontext(),
) -> Value:
    """Emit layers in order; disabled ones pass their input through."""
    return lower_trail(graph, layers, x, segment)[-1]


def lower_trail(
    graph: GraphBuilder,
    layers: Sequence[Layer],
    x: Value,
    segment: Callable[[int], AbstractContextManager[None]] = lambda index: nullcontext(),
) -> list[Value]:
    """Emit layers in order and return the input, then the output of each layer."""
    trail = [x]
    for index, layer in enumerate(layers):
        if not layer.disabled:
            with segment(index):
                source = layer.skip_source(index)
                added = None if source is None else trail[source]
                x = lower_layer(graph, layer, x, added)
        trail.append(x)
    return trail


def _add(graph: GraphBuilder, x: Value, earlier: Value) -> Value:
    return graph.emit("add", x, graph.reshape(earlier, x.shape))
