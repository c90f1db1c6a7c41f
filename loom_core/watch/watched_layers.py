"""The layers of a network in the order in which a plan shows them, with who wants to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loom_core.layers import Layer, Parallel
from loom_core.observers.observer import LayerObserver


@dataclass(frozen=True, slots=True)
class WatchedLayer:
    """A layer in its place.

    Args:
        layer: Itself.
        index: Of the layer of the grid that it is, or is inside of.
        path: Numbers of the children on the way to it; empty for a layer of the grid.
        in_parallel: It is a child of a Parallel.
        observer: The nearest one: its own, else that of what it is inside of, else the network's.
    """

    layer: Layer
    index: int
    path: tuple[int, ...]
    in_parallel: bool
    observer: LayerObserver | None


def watched_layers(
    layers: Sequence[Layer], observer: LayerObserver | None
) -> Iterator[WatchedLayer]:
    """Yield what runs, in the order of ``GraphBuilder.lowered``: what is inside a layer before it.

    Args:
        layers: Of the network.
        observer: The network's.
    """
    for index, layer in enumerate(layers):
        yield from _walk(layer, index, (), False, observer)


def _walk(
    layer: Layer,
    index: int,
    path: tuple[int, ...],
    in_parallel: bool,
    observer: LayerObserver | None,
) -> Iterator[WatchedLayer]:
    if layer.disabled:
        return
    observer = layer.observer or observer
    if not layer.silent:
        for number, child in enumerate(layer.children):
            inside = isinstance(layer, Parallel)
            yield from _walk(child, index, (*path, number), inside, observer)
    yield WatchedLayer(layer, index, path, in_parallel, observer)


def anyone_listens(layers: Sequence[Layer]) -> bool:
    """Return whether any layer, or one inside it, has an observer of its own."""
    for layer in layers:  # no generator: every forward pass asks
        if layer.observer is not None or (layer.children and anyone_listens(layer.children)):
            return True
    return False
