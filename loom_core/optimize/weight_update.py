"""What an optimizer emits the update of one weight with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value


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


@dataclass(frozen=True, slots=True)
class WeightUpdate:
    """The update of one weight, as an optimizer puts it together.

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
        self.step.graph.emit_update(
            op, self.w, self.dw, *self.states, *numbers, decay=self.decay, **attributes
        )
