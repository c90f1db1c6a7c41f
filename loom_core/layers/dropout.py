"""Dropout: some numbers are left out while a network trains."""

from __future__ import annotations

from typing import Any

from loom_core.arrays import Shape
from loom_core.checks import finite_number
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.noise import KeepMask
from loom_core.graph.op import Value
from loom_core.layers.base import Layer


class Dropout(Layer):
    """``y = m x / (1 - p)``, each m being 0 with probability p and else 1; y = x in evaluation.

    Train draws m anew for every number of every step. The training's seed names it: the same seed
    gives the same m on every backend, and a training that resumes goes on with it. Everything
    else (ForwardCPU, BackwardCPU, validation, StepForward and TrainWithStepping, whose ticks are
    those of StepForward) is evaluation. The layer has no weights.

    Args:
        rate: p, the share that is left out; at least 0, below 1.
        frozen: Kept for symmetry; there is nothing to train.
        disabled: The layer passes its input through, in training too.

    Raises:
        SpecError: The rate is outside that range.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting"; scaled in training instead of in evaluation ("inverted").
    """

    type_name = "dropout"

    def __init__(self, rate: float = 0.5, *, frozen: bool = False, disabled: bool = False) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.rate = finite_number(rate, "rate", below=1.0)

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the input's shape."""
        return input_shape

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit mul by a mask in training, else nothing."""
        if not graph.training or self.rate == 0:
            return x
        return graph.emit("mul", x, graph.noise(x.shape, KeepMask(self.rate)))

    @classmethod
    def from_fields(cls, fields: Fields) -> Dropout:
        """Read rate."""
        rate = fields.number("rate")
        return cls(0.5 if rate is None else rate, **fields.flags())

    def to_fields(self) -> dict[str, Any]:
        """Write rate."""
        return {"rate": self.rate}
