"""What graphs are made of: values, nodes, and ops, each of which is one row of the op table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from loom_core.arrays import Array, Shape
from loom_core.graph.noise import Noise

Attribute: TypeAlias = bool | int | float | str | tuple[int, ...]
Attributes: TypeAlias = Mapping[str, Attribute]

ShapeRule: TypeAlias = Callable[[Sequence[Shape], Attributes], tuple[Shape, ...]]
"""Input shapes and attributes to output shapes; raises ShapeError when they do not fit."""

Compute: TypeAlias = Callable[[Sequence[Array], Sequence[Array], Attributes], None]
"""The NumPy definition of the op: reads the inputs, writes every output completely."""

Gradients: TypeAlias = "tuple[Callable[[], Value] | None, ...]"

GradientRule: TypeAlias = "Callable[[Emitter, Node, Value], Gradients]"
"""Given the gradient of the (first) output, one entry per input: a function that emits the ops
of that input's gradient, or None where no gradient exists. Functions, so that a gradient that
nobody wants costs nothing."""

Cost: TypeAlias = Callable[[Sequence[Shape], Sequence[Shape], Attributes], int]
"""Input shapes, output shapes and attributes to a number: of floating-point operations of one run,
a fused multiply-add counted as two; or of numbers held meanwhile."""


@dataclass(frozen=True, slots=True)
class NoGradient:
    """Stands in the gradient column of an op that is never differentiated, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Op:
    """One row of the op table: all that a graph needs to know, and the NumPy definition.

    Args:
        name: The word for this op in every language and file.
        inputs: Input names with shapes, for readers and error messages.
        outputs: Output names with shapes.
        shapes: Shape rule.
        compute: NumPy definition, any float dtype.
        gradient: Gradient rule, or why there is none.
        flops: Cost of one run.
        attributes: Attribute names with their defaults; a graph may use no others.
        in_place: The output may lie in the memory of the first input.
        updates: Indices of the inputs that the op changes (optimizer updates).
        variadic: Any number of inputs of at least one; ``inputs`` describes each.
        workspace: Numbers that the NumPy definition holds beside inputs and outputs, for ops where
            these may be many times more.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shapes: ShapeRule
    compute: Compute
    gradient: GradientRule | NoGradient
    flops: Cost
    attributes: Attributes = field(default_factory=dict)
    in_place: bool = False
    updates: tuple[int, ...] = ()
    variadic: bool = False
    workspace: Cost | None = None


ValueKind = Literal["input", "parameter", "computed"]
Phase = Literal["forward", "loss", "backward", "update"]


@dataclass(frozen=True, slots=True)
class Segment:
    """What a run of nodes belongs to: a phase of the step, and a layer (flat index) or None."""

    phase: Phase
    layer: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor in the graph. Identity is what counts: two values are never equal.

    Args:
        shape: All sizes, batch first.
        kind: Given by the caller at each run, owned by a layer, or computed by a node.
        name: For readers of a printed graph.
        array: The layer's own array, for parameters.
        base: The value whose memory this one shows under another shape, or None.
        noise: What an input is drawn from before each run, where it is noise.
    """

    shape: Shape
    kind: ValueKind
    name: str = ""
    array: Array | None = None
    base: Value | None = None
    noise: Noise | None = None

    @property
    def root(self) -> Value:
        """The value that owns the memory."""
        return self if self.base is None else self.base.root


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One op applied to values, in a segment.

    Args:
        op: Which.
        inputs: What it reads.
        outputs: What it writes.
        attributes: All of the op's.
        segment: What it belongs to.
        region: Shared by nodes that the backward pass computes once more; None for others.
    """

    op: Op
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attributes: Attributes
    segment: Segment
    region: object | None = None


@dataclass(slots=True)
class Graph:
    """Nodes in an order in which they can run."""

    nodes: list[Node] = field(default_factory=list)


class Emitter(Protocol):
    """What a gradient rule may do to a graph: :class:`~loom_core.graph.builder.GraphBuilder`."""

    def emit(self, name: str, *inputs: Value, **attributes: Attribute) -> Value:
        """Append a node and return its only output."""

    def emit_all(self, name: str, *inputs: Value, **attributes: Attribute) -> tuple[Value, ...]:
        """Append a node and return all its outputs."""

    def reshape(self, x: Value, shape: Shape) -> Value:
        """Show a value under another shape of the same size."""

    def constant(self, array: Array) -> Value:
        """Declare an array that never changes."""


def integer(attributes: Attributes, name: str) -> int:
    """Return an integer attribute, for the type checker's sake."""
    value = attributes[name]
    if not isinstance(value, int):
        raise TypeError(f"internal: attribute {name!r} is {value!r}, not an integer")
    return value


def number(attributes: Attributes, name: str) -> float:
    """Return a numeric attribute as a float."""
    value = attributes[name]
    if not isinstance(value, int | float):
        raise TypeError(f"internal: attribute {name!r} is {value!r}, not a number")
    return float(value)


def size_pair(attributes: Attributes, name: str) -> tuple[int, int]:
    """Return an attribute that holds two sizes."""
    first, second = integers(attributes, name)
    return first, second


def integers(attributes: Attributes, name: str) -> tuple[int, ...]:
    """Return an attribute that holds any number of integers."""
    value = attributes[name]
    if not isinstance(value, tuple):
        raise TypeError(f"internal: attribute {name!r} is {value!r}, not a tuple")
    return value
