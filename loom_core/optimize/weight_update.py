"""What an optimizer emits the update of one weight with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loom_core.arrays import element_count
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.ops.updates import HYPER


@dataclass(frozen=True, slots=True)
class StepNumbers:
    """The numbers that all updates of a step share.

    Args:
        graph: Of the step.
        hyper: (8,), in the order of HYPER.
        scale: (), what each gradient is multiplied by; NaN where nothing may change.
    """

    graph: GraphBuilder
    hyper: Value
    scale: Value
    _found: dict[str, Value] = field(default_factory=dict, init=False, repr=False)

    def number(self, name: str) -> Value:
        """Return a number of ``hyper`` by its name, (1,); it is cut out once for all weights."""
        if name not in self._found:
            at = HYPER.index(name)
            self._found[name] = self.graph.emit("slice_axis", self.hyper, axis=0, start=at, size=1)
        return self._found[name]


@dataclass(frozen=True, slots=True)
class WeightUpdate:
    """The update of one weight, as an optimizer puts it together.

    Either out of ops: what is computed may be anything, and only :meth:`update_mean` and
    :meth:`descend` change state and weight. Or as one fused op, which has to have a kernel on every
    backend.

    Args:
        step: The numbers of the step.
        w: The weight.
        dw: The gradient as the backward pass left it, not clipped yet.
        states: The optimizer's state beside the weight, each of its shape.
        decay: Whether weight decay pulls on it.
    """

    step: StepNumbers
    w: Value
    dw: Value
    states: Sequence[Value]
    decay: bool

    def emit_fused(self, op: str, **attributes: bool) -> None:
        """Emit one op that is the whole update."""
        numbers = (self.step.hyper, self.step.scale)
        self.graph.emit_update(
            op, self.w, self.dw, *self.states, *numbers, decay=self.decay, **attributes
        )

    @property
    def graph(self) -> GraphBuilder:
        """Where ops are emitted."""
        return self.step.graph

    def gradient(self) -> Value:
        """Emit the gradient, clipped."""
        return self._with_number("mul_channels", self.dw, self.graph.reshape(self.step.scale, (1,)))

    def times(self, x: Value, number: str) -> Value:
        """Emit the product of an array of the weight's shape and a number of the step."""
        return self._with_number("mul_channels", x, self.step.number(number))

    def plus(self, x: Value, number: str) -> Value:
        """Emit the sum of an array of the weight's shape and a number of the step."""
        return self._with_number("add_bias", x, self.step.number(number))

    def update_mean(self, mean: Value, x: Value, share: str) -> None:
        """Move a running mean a share of the way to ``x``: ``mean += share (x - mean)``.

        Args:
            mean: One of the states. What reads it afterwards reads the new one.
            x: Of the same shape.
            share: Which number of the step says how far.
        """
        numbers = (self.step.hyper, self.step.scale)
        self.graph.emit_update("running_mean", mean, x, *numbers, share=share)

    def descend(self, direction: Value) -> None:
        """Change the weight: ``w -= rate (direction + decay w)``."""
        numbers = (self.step.hyper, self.step.scale)
        self.graph.emit_update("descend", self.w, direction, *numbers, decay=self.decay)

    def _with_number(self, op: str, x: Value, number: Value) -> Value:
        """Emit an op that knows channels, with all of ``x`` as the only one."""
        row = self.graph.reshape(x, (1, element_count(x.shape)))
        return self.graph.reshape(self.graph.emit(op, row, number, axis=0), x.shape)
