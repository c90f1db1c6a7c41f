"""What a network that runs tick by tick holds between two ticks."""

from __future__ import annotations

from loom_core.arrays import F32, FloatData, element_count, to_float32
from loom_core.checks import positive
from loom_core.errors import ShapeError, SpecError
from loom_core.public import public, public_class
from loom_core.stepping.trails import Trails


@public_class
class StepState:
    """The present value at each place of a network: its input, and the output of every layer.

    Made by InitStepState. All values are zero at first. At each tick every value moves one layer
    further: the value at place k came from the input of k ticks ago. With each value the state
    keeps the earlier ones from which it was computed. So a residual connection adds what belongs to
    the same input, and a backward pass starts from the input that the output came from.

    Source: Loom v0.0.7, step_forward.go; there residual connections add up without bound.
    """

    def __init__(self, trails: Trails) -> None:
        self.trails = trails
        self.step_count = 0

    @public("SetInput")
    def set_input(self, input: FloatData) -> None:
        """Set what the first layer reads from the next tick on; it stays until it is set again.

        Args:
            input: As many numbers as the state was made for.

        Raises:
            ShapeError: The input has another size.
        """
        data = to_float32(input, "the input")
        require_input_size(data.size, element_count(self.trails.shapes[0]))
        self.trails.start(data)

    @public("GetOutput")
    def get_output(self) -> F32:
        """Return a copy of what the last layer gave, (B * O,)."""
        return self.trails.value(len(self.trails.shapes) - 1).flatten()

    @public("GetLayerOutput")
    def get_layer_output(self, layer_idx: int) -> F32:
        """Return a copy of the value at a place, flat.

        Args:
            layer_idx: 0 for the input, k for the output of layer k - 1.

        Raises:
            SpecError: There is no such place.
        """
        require_place(layer_idx, self.trails)
        return self.trails.value(layer_idx).flatten()

    @public("GetLayerData")
    def get_layer_data(self) -> list[F32]:
        """Return copies of the input and of every layer's output, flat."""
        return [self.trails.value(place).flatten() for place in range(len(self.trails.shapes))]

    @public("GetStepCount")
    def get_step_count(self) -> int:
        """Return how many ticks StepForward has made."""
        return self.step_count


def require_input_size(size: int, expected: int) -> None:
    """Raise :class:`ShapeError` unless an input has the size that the state was made for."""
    if size != expected:
        raise ShapeError(
            f"the input has {size} numbers, the step state was made for {expected}",
            hint="Make a state for another size.",
        )


def require_place(place: int, trails: Trails) -> None:
    """Raise :class:`SpecError` unless there is such a place."""
    if positive(place, "layer_idx", 0) >= len(trails.shapes):
        raise SpecError(
            f"there is no place {place} in a network of {len(trails.shapes) - 1} layers",
            hint="0 is the input, 1 the output of the first layer.",
        )


def require_layer_count(count: int, expected: int) -> None:
    """Raise :class:`ShapeError` unless a state is one of as many layers as the network has."""
    if count != expected:
        raise ShapeError(
            f"the step state is one of {count} layers, the network has {expected}",
            hint="Make a state of this network.",
        )
