"""What a network that runs tick by tick holds between two ticks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core import limits
from loom_core.arrays import F32, FloatData, Shape, element_count, to_float32
from loom_core.errors import ShapeError, SpecError
from loom_core.public import public, public_class

Trail = tuple[F32 | None, ...]
"""The values at the places 0 (a network's input) to k (the output of its layer k - 1) that came
from one input; the last is the one at k. None stands where a value is not needed any more, and
before anything came through."""


@public_class
class StepState:
    """The present value at each place of a network: its input, and the output of every layer.

    Made by InitStepState. All values are zero at first, and flow one layer on at each tick: what
    stands at place k came from the input of k ticks ago. A value brings those along that it came
    from, so that a residual connection adds what belongs to the same input, and a backward pass
    starts from the input that the output came from.

    Args:
        shapes: Shape of the value at each place, the batch first.
        sources: Places whose values later layers add.

    Raises:
        LimitError: The values would need more memory than a plan may have.
    """

    def __init__(self, shapes: Sequence[Shape], sources: set[int]) -> None:
        self.shapes = tuple(shapes)
        self._kept = {0, *sources}
        floats = sum(element_count(shape) for shape in shapes)
        limits.require_within(
            4 * floats * (1 + len(self._kept)), limits.PLAN_BYTES, "memory of a step state in bytes"
        )
        self.step_count = 0
        self.trails: list[Trail] = [
            (*(None for _ in range(place)), np.zeros(shape, np.float32))
            for place, shape in enumerate(self.shapes)
        ]

    def value(self, place: int) -> F32:
        """Return the present value at a place, in its shape."""
        present = self.trails[place][-1]
        return np.zeros(self.shapes[place], np.float32) if present is None else present

    def earlier(self, place: int, source: int) -> F32:
        """Return the value at ``source`` that the one at ``place`` came from; zeros for none."""
        found = self.trails[place][source]
        return np.zeros(self.shapes[source], np.float32) if found is None else found

    def followed(self, place: int, y: F32) -> Trail:
        """Return the trail of a value that a layer made from the present one at ``place``."""
        *before, present = self.trails[place]
        return (*before, present if place in self._kept else None, y)

    @public("SetInput")
    def set_input(self, input: FloatData) -> None:
        """Set what the first layer reads from the next tick on; it stays until it is set again.

        Args:
            input: As many numbers as the state was made for.

        Raises:
            ShapeError: Another number of numbers.
        """
        data = to_float32(input, "the input")
        expected = element_count(self.shapes[0])
        if data.size != expected:
            raise ShapeError(
                f"the input has {data.size} numbers, the step state was made for {expected}",
                hint="Make a state for another size with InitStepState.",
            )
        self.trails[0] = (np.array(data, np.float32).reshape(self.shapes[0]),)

    @public("GetOutput")
    def get_output(self) -> F32:
        """Return a copy of what the last layer gave, (B * O,)."""
        return self.value(len(self.shapes) - 1).flatten()

    @public("GetLayerOutput")
    def get_layer_output(self, layer_idx: int) -> F32:
        """Return a copy of the value at a place, flat.

        Args:
            layer_idx: 0 for the input, k for the output of layer k - 1.

        Raises:
            SpecError: There is no such place.
        """
        if not 0 <= layer_idx < len(self.shapes):
            raise SpecError(
                f"there is no place {layer_idx} in a network of {len(self.shapes) - 1} layers",
                hint="0 is the input, 1 the output of the first layer.",
            )
        return self.value(layer_idx).flatten()

    @public("GetLayerData")
    def get_layer_data(self) -> list[F32]:
        """Return copies of the input and of every layer's output, flat."""
        return [self.value(place).flatten() for place in range(len(self.shapes))]

    @public("GetStepCount")
    def get_step_count(self) -> int:
        """Return how many ticks StepForward has made."""
        return self.step_count
