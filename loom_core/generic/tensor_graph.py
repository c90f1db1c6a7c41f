"""How every function on tensors runs: tensors in, a graph of ops, tensors out.

A function builds the layer that it names, lets it lower itself, and asks for values or for
gradients; the mathematics is that of the ops and of their gradient rules, nothing is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from loom_core import limits
from loom_core.arrays import Array, Shape, element_count
from loom_core.backends.base import Backend as PlanBackend
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.checks import require_type
from loom_core.errors import LimitError, LoomError, ShapeError, SpecError
from loom_core.generic.numeric import compute_dtype, read_numbers, store_numbers
from loom_core.generic.tensor import Tensor
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Node, Value
from loom_core.graph.plan import make_plan
from loom_core.layers.base import Layer
from loom_core.random_stream import RandomStream

if TYPE_CHECKING:
    from typing import Self

EXACT_FLOAT32 = 2**24
"""Whole numbers up to here are exact in float32."""


class StoredWeightsBuilder(GraphBuilder):
    """A graph in which a layer's own float32 weights are what a tensor type can hold of them.

    Args:
        dtype: The tensor type. float32 takes the layer's arrays themselves.
        scale: Value of one step of an integer type.
        training: See :class:`~loom_core.graph.builder.GraphBuilder`.
    """

    def __init__(self, dtype: np.dtype[Any], scale: float, *, training: bool = False) -> None:
        super().__init__(training=training)
        self._dtype = dtype
        self._scale = scale
        self._stored: dict[int, Array] = {}

    def parameter(self, array: Array, name: str) -> Value:
        """Declare a layer's own array, rounded to the tensor type."""
        if id(array) not in self._stored:
            stored = store_numbers(array, self._dtype, self._scale)
            self._stored[id(array)] = read_numbers(stored, self._scale)
        return super().parameter(self._stored[id(array)], name)


class TensorGraph:
    """A graph over tensors of one type, run once. Used in a ``with`` block.

    Args:
        name: Public name of the function, said first in errors that leave the block.
        like: The tensor whose type and scale all results have.
        builder: Where ops are emitted; a plain one when left out.
        engine: What runs the plan.
    """

    def __init__(
        self,
        name: str,
        like: Tensor,
        *,
        builder: GraphBuilder | None = None,
        engine: PlanBackend | None = None,
    ) -> None:
        tensor = require_tensor(like, "the first tensor", name)
        self.name = name
        self.dtype = tensor.data.dtype
        self.scale = tensor.scale
        self.compute = compute_dtype(self.dtype)
        self.builder = builder or GraphBuilder()
        self._engine = engine or NumpyBackend()
        self._inputs: dict[str, tuple[Value, Array]] = {}
        self._replayed: list[Node] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say the function's name first in an error."""
        if isinstance(error, LoomError):
            raise error.at(self.name) from error

    # Into the graph

    def values(self, tensor: Tensor, what: str, size: int) -> Array:
        """Return a tensor's values after checking its type and size.

        Raises:
            SpecError: No tensor, or one of another type.
            ShapeError: Another number of elements.
        """
        self._require(tensor, what, size)
        if tensor.data.dtype != self.dtype:
            raise SpecError(
                f"{what} is {tensor.dtype}, but the first tensor is {self.dtype.name}",
                hint="Convert one of them: all tensors of a call have one type.",
            )
        return np.ascontiguousarray(tensor.values)

    def _require(self, tensor: Tensor, what: str, size: int) -> None:
        require_tensor(tensor, what)
        if tensor.size() != size or size == 0:
            raise ShapeError(
                f"{what} needs {size} numbers, got {tensor.size()} (shape {tensor.shape})"
            )

    def input(self, tensor: Tensor, what: str, shape: Shape) -> Value:
        """Declare a tensor as an input of that shape."""
        return self.write(self.values(tensor, what, element_count(shape)), shape)

    def numbers(self, tensor: Tensor, what: str) -> Value:
        """Declare a tensor of any type whose stored numbers count things (token numbers)."""
        require_tensor(tensor, what)
        self._require(tensor, what, tensor.size())
        stored = tensor.array.reshape(-1)
        if self.compute is np.float32 and stored.dtype.itemsize > 2:
            finite = stored[np.isfinite(stored)]
            if finite.size and float(np.abs(finite.astype(np.float64)).max()) > EXACT_FLOAT32:
                raise LimitError(f"{what} holds numbers above {EXACT_FLOAT32}, inexact in float32")
        return self.write(stored.astype(self.compute), stored.shape)

    def write(self, array: Array, shape: Shape) -> Value:
        """Declare an input with its values."""
        value = self.builder.input(f"input.{len(self._inputs)}", shape)
        self._inputs[value.name] = (value, array)
        return value

    def lend(self, layer: Layer, tensors: Mapping[str, Tensor | Sequence[Tensor] | None]) -> None:
        """Give a layer made for this call its weights, in the compute type.

        A list of tensors is joined along the first axis; None is zero.
        """
        arrays: dict[str, Array] = {}
        for name, shape in layer.weight_shapes().items():
            given = tensors[name]
            what, size = f"the weight {name!r}", element_count(shape)
            if given is None:
                limits.require_within(size, limits.PARAMETERS, f"the size of {what}")
                arrays[name] = np.zeros(shape, self.compute)
            elif isinstance(given, Tensor):
                arrays[name] = self.values(given, what, size).reshape(shape)
            elif isinstance(given, Sequence) and not isinstance(given, str):
                share = size // len(given)
                parts = [self.values(part, what, share).reshape(-1) for part in given]
                arrays[name] = np.concatenate(parts).reshape(shape)
            else:
                require_tensor(given, what)
        # Float32 is what set_weights knows; these live as long as the call.
        layer._weights = arrays

    # Gradients

    def replay(self, y: Value, *outputs: Value) -> None:
        """Let the node that computes ``y`` have outputs that are known already.

        Gradient rules use what a node gave out; a Backward function receives that from its caller.
        """
        node = self.builder.producer(y)
        if node is None:
            raise TypeError("internal: nothing computes this value")
        nodes = self.builder.graph.nodes
        known = Node(node.op, node.inputs, outputs, node.attributes, node.segment)
        nodes[nodes.index(node)] = known
        self._replayed.append(known)

    def gradients(self, y: Value, dy: Value, wanted: Sequence[Value]) -> list[Value]:
        """Emit the gradients of ``sum(y dy)``; zeros where y does not depend on a value.

        A plan runs phase by phase: ops on what this returns belong in a ``backward`` segment.
        """
        found = differentiate(self.builder, {y: dy}, wanted)
        nodes = self.builder.graph.nodes
        for node in self._replayed:
            nodes.remove(node)
        return [
            self.builder.reshape(found[value.root], value.shape)
            if value.root in found
            else self.builder.constant(np.zeros(value.shape, self.compute))
            for value in wanted
        ]

    def drawn_noise(self, stream: RandomStream) -> dict[Value, Array]:
        """Return what the noise of the graph holds, drawn in the order in which it was declared."""
        return {
            value: value.noise.numbers(stream.bits(element_count(value.shape))).reshape(value.shape)
            for value in self.builder.noises
            if value.noise is not None
        }

    # Out of the graph

    def arrays(self, *values: Value, given: Mapping[Value, Array] | None = None) -> list[Array]:
        """Run the graph and return values in the compute type.

        Args:
            values: What is wanted.
            given: Further inputs with their values (noise).
        """
        inputs = self._inputs | {
            value.name: (value, array) for value, array in (given or {}).items()
        }
        ports = {name: value for name, (value, _) in inputs.items()}
        ports |= {f"output.{index}": value for index, value in enumerate(values)}
        program = self._engine.prepare(make_plan(self.builder.graph, ports, self.compute))
        for name, (_, array) in inputs.items():
            program.write(name, array)
        program.run()
        return [np.asarray(program.read(f"output.{index}")) for index in range(len(values))]

    def tensor(self, array: Array) -> Tensor:
        """Return values as a tensor of the results' type and scale."""
        stored = store_numbers(array, self.dtype, self.scale)
        return Tensor(np.ascontiguousarray(stored).reshape(array.shape), scale=self.scale)

    def run(self, *values: Value) -> list[Tensor]:
        """Run the graph and return values as tensors."""
        return [self.tensor(array) for array in self.arrays(*values)]


def require_tensor(tensor: object, what: str, where: str = "") -> Tensor:
    """Return ``tensor`` if it is one.

    Raises:
        SpecError: It is something else.
    """
    return require_type(tensor, Tensor, what, where, "Make one with NewTensorFromSlice.")
