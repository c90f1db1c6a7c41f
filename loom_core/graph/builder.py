"""The builder of graphs, that layers lower themselves into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loom_core.arrays import Array, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.noise import Noise
from loom_core.graph.op import Attribute, Graph, Node, Phase, Segment, Value
from loom_core.graph.ops import OPS


@dataclass(frozen=True, slots=True)
class TrackedStatistic:
    """``array += share (observed - array)``, in every training step that changes weights.

    Args:
        array: The layer's own.
        observed: Of its shape, computed in the forward pass.
        share: Above 0, at most 1.
    """

    array: Array
    observed: Value
    share: float


class GraphBuilder:
    """Builds a :class:`Graph` op by op, checking shapes as it goes.

    Args:
        training: Layers that behave otherwise in training (noise) do so.

    Attributes:
        lowered: Input and output of each layer that was lowered, those inside a layer before it.
        gradients: The gradient of each memory root that a backward pass came by.
        frozen: What is lowered now is inside a frozen layer, or one itself.
        tracked: The running statistics that a step moves.
    """

    def __init__(self, *, training: bool = False) -> None:
        self.training = training
        self.noises: list[Value] = []
        self.lowered: list[tuple[Value, Value]] = []
        self.gradients: dict[Value, Value] = {}
        self.frozen = False
        self.tracked: list[TrackedStatistic] = []
        self.graph = Graph()
        self.producers: dict[Value, Node] = {}
        self._segment = Segment("forward")
        self._region: object | None = None
        self._parameters: dict[int, Value] = {}

    @contextmanager
    def segment(self, phase: Phase, layer: int | None = None) -> Iterator[None]:
        """Put the nodes emitted inside the ``with`` block into one segment."""
        outer = self._segment
        self._segment = Segment(phase, layer)
        try:
            yield
        finally:
            self._segment = outer

    @contextmanager
    def recomputed(self) -> Iterator[None]:
        """Let the backward pass compute the nodes emitted inside the ``with`` block once more.

        Their values then need no memory between forward and backward: time for memory, where the
        values are much larger than what they are made of.

        Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".
        """
        outer, self._region = self._region, object()
        try:
            yield
        finally:
            self._region = outer

    @contextmanager
    def inside_layer(self, *, frozen: bool) -> Iterator[None]:
        """Let what is lowered in the ``with`` block know whether a layer around it is frozen."""
        outer, self.frozen = self.frozen, self.frozen or frozen
        try:
            yield
        finally:
            self.frozen = outer

    def track(self, statistic: Array, observed: Value, share: float) -> None:
        """Let a training step move a layer's own array a share of the way to what it observes."""
        self.tracked.append(TrackedStatistic(statistic, observed, share))

    def input(self, name: str, shape: Shape) -> Value:
        """Declare an array that the caller writes before each run."""
        return Value(shape, "input", name)

    def parameter(self, array: Array, name: str) -> Value:
        """Declare a layer's own array; the same array gives the same value (shared weights)."""
        if id(array) not in self._parameters:
            self._parameters[id(array)] = Value(array.shape, "parameter", name, array)
        return self._parameters[id(array)]

    def constant(self, array: Array) -> Value:
        """Declare an array that never changes; it is kept beside the parameters."""
        return Value(array.shape, "parameter", "constant", array)

    def noise(self, shape: Shape, kind: Noise) -> Value:
        """Declare noise of some kind, drawn anew by the training loop before each run."""
        value = Value(shape, "input", f"noise.{len(self.noises)}", noise=kind)
        self.noises.append(value)
        return value

    def reshape(self, x: Value, shape: Shape) -> Value:
        """Show ``x`` under another shape of the same size; no data moves.

        Raises:
            ShapeError: The sizes differ.
        """
        if element_count(shape) != element_count(x.shape):
            raise ShapeError(f"cannot view {x.shape} as {shape}")
        return x if shape == x.shape else Value(shape, x.kind, x.name, base=x)

    def emit(self, name: str, *inputs: Value, **attributes: Attribute) -> Value:
        """Append a node and return its only output (the first, for a loss)."""
        return self.emit_all(name, *inputs, **attributes)[0]

    def emit_all(self, name: str, *inputs: Value, **attributes: Attribute) -> tuple[Value, ...]:
        """Append a node and return all its outputs.

        Raises:
            ShapeError: The inputs do not fit the op's shape rule.
        """
        op = OPS[name]
        unknown = attributes.keys() - op.attributes.keys()
        arity_fits = bool(inputs) if op.variadic else len(inputs) == len(op.inputs)
        if unknown or not arity_fits:
            raise TypeError(f"internal: {name} with {len(inputs)} inputs, attributes {attributes}")
        merged = {**op.attributes, **attributes}
        shapes = op.shapes([x.shape for x in inputs], merged)
        outputs = tuple(Value(shape, "computed", name) for shape in shapes)
        node = Node(op, inputs, outputs, merged, self._segment, self._region)
        self.graph.nodes.append(node)
        for output in outputs:
            self.producers[output] = node
        return outputs

    def emit_update(self, name: str, *inputs: Value, **attributes: Attribute) -> None:
        """Append a node without outputs: it changes some of its inputs."""
        self.emit_all(name, *inputs, **attributes)

    def producer(self, x: Value) -> Node | None:
        """Return the node that computes ``x`` (seen through reshapes), or None."""
        return self.producers.get(x.root)
