"""What training changes: each weight with its place in the network, by which state is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loom_core.arrays import F32
from loom_core.errors import SpecError
from loom_core.layers import Layer


@dataclass(frozen=True, slots=True, eq=False)
class TrainedWeight:
    """A weight that training changes.

    Args:
        index: Flat index of the layer in the grid that it belongs to, directly or by a child.
        place: Layer index, child numbers and weight name: ``"0.kernel"``, ``"3.1.bias"``.
        name: The weight's name in its own layer.
        array: The layer's own array.
    """

    index: int
    place: str
    name: str
    array: F32

    @property
    def decays(self) -> bool:
        """Whether weight decay pulls on it: on matrices and kernels, not on biases and gains."""
        return self.array.ndim > 1


def trained_weights(layers: Sequence[Layer]) -> list[TrainedWeight]:
    """Return what training changes, in order; a weight that layers share stands with the first."""
    found: dict[int, TrainedWeight] = {}
    for index, layer in enumerate(layers):
        paths = dict(_paths(layer, str(index)))
        for owner, name in layer.trained_weights():
            array = owner.weights[name]
            place = f"{paths[id(owner)]}.{name}"
            found.setdefault(id(array), TrainedWeight(index, place, name, array))
    return list(found.values())


def require_trained_weights(layers: Sequence[Layer]) -> None:
    """Raise :class:`SpecError` where training would change nothing."""
    if not any(True for layer in layers for _ in layer.trained_weights()):
        raise SpecError(
            "there is nothing to train: no layer has weights that are neither frozen nor disabled",
            hint="Call SetFrozen(false) on a layer, or set one that has weights.",
        )


def _paths(layer: Layer, path: str) -> Iterator[tuple[int, str]]:
    yield id(layer), path
    for number, child in enumerate(layer.children):
        yield from _paths(child, f"{path}.{number}")
