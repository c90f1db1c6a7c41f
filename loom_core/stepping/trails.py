"""The values at the places of a network that runs tick by tick, and what each came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from loom_core import limits
from loom_core.arrays import Array, element_count
from loom_core.layers import Layer
from loom_core.stepping.tick_graph import added_places, place_shapes

Trail = tuple[Array | None, ...]
"""The values that came from one input, at the places 0 (that input) to k (the output of layer
k - 1). None stands for a value that is not needed any more, or that was never computed."""


class Trails:
    """The present value at each place, zero at first, and the earlier ones that it came from.

    Values are never changed, only replaced.

    Args:
        layers: Of the network.
        batch: Samples.
        width: Numbers in one sample.
        dtype: Of the values.

    Raises:
        LimitError: The values would need more memory than a plan may have.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        batch: int,
        width: int,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        self.shapes = place_shapes(layers, batch, width)
        self.dtype = dtype
        self._kept = {0, *added_places(layers).values()}
        count = sum(map(element_count, self.shapes)) * (1 + len(self._kept))
        size = np.dtype(dtype).itemsize * count
        limits.require_within(size, limits.PLAN_BYTES, "memory of a step state in bytes")
        self._trails: list[Trail] = [
            (*[None] * place, self._zeros(place)) for place in range(len(self.shapes))
        ]

    def _zeros(self, place: int) -> Array:
        return np.zeros(self.shapes[place], self.dtype)

    def value(self, place: int) -> Array:
        """Return the present value at a place, in its shape."""
        return self.earlier(place, place)

    def earlier(self, place: int, source: int) -> Array:
        """Return the value at ``source`` that the one at ``place`` came from; zeros for none."""
        found = self._trails[place][source]
        return self._zeros(source) if found is None else found

    def origin(self) -> Array | None:
        """Return the input that the present output came from; None until one has come through."""
        return self._trails[-1][0]

    def start(self, x: Array) -> None:
        """Put another input at place 0."""
        self._trails[0] = (np.array(x, self.dtype).reshape(self.shapes[0]),)

    def follow(self, made: Iterable[tuple[int, Array]]) -> None:
        """Take over what layers have computed from the values at their places, all at once."""
        found = []
        for place, y in made:
            *before, present = self._trails[place]
            found.append((*before, present if place in self._kept else None, y))
        for trail in found:
            self._trails[len(trail) - 1] = trail
