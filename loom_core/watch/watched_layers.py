"""The layers of a network in the order in which a plan shows them, with their observers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loom_core.layers import Layer, Parallel
from loom_core.observers.observer import LayerObserver


@dataclass(frozen=True, slots=True)
class WatchedLayer:
    """A layer in its place.

    Args:
        layer: The layer.
        index: Its index in the grid, or that of the layer of the grid that it is inside of.
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
    """Yield the layers that run, in the order of ``GraphBuilder.lowered``: inner ones first.

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
    for layer in layers:  # faster than any(): every forward pass calls this
        if layer.observer is not None or (layer.children and anyone_listens(layer.children)):
            return True
    return False
