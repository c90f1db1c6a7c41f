"""What Sequential and Parallel have in common as functions of tensors and layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loom_core.checks import positive
from loom_core.errors import ShapeError
from loom_core.generic.layer_weights import TensorGradients, WantedGradients
from loom_core.generic.numeric import checked_scale
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import StoredWeightsBuilder, TensorGraph, require_tensor
from loom_core.graph.op import Value
from loom_core.layers import Layer
from loom_core.public import result_record


@result_record
@dataclass
class ContainerOutput:
    """Output of layers that stand together.

    Args:
        output: (B, ...).
        intermediates: The output of each layer, (B, ...).
    """

    output: Tensor
    intermediates: list[Tensor]


@result_record
@dataclass
class ContainerGradients:
    """Gradients of layers that stand together.

    Args:
        grad_input: Of the input.
        weight_gradients: For each layer its weights' gradients by name, ``0.kernel`` being the
            kernel of its child 0; none for a layer that is frozen or disabled.
        gate_gradients: Those of the gate; none without a gate.
    """

    grad_input: Tensor
    weight_gradients: list[TensorGradients]
    gate_gradients: TensorGradients


def container_graph(name: str, like: Tensor) -> TensorGraph:
    """Return a graph in which layers have their weights in the tensor's type."""
    dtype = require_tensor(like, "the first tensor", name).data.dtype
    return TensorGraph(name, like, builder=StoredWeightsBuilder(dtype, checked_scale(None, dtype)))


def samples_of(grad_output: Tensor, batch_size: int | None) -> int:
    """Return the batch size, that of the output's gradient when it is left out."""
    if batch_size is not None:
        return batch_size
    return grad_output.shape[0] if len(grad_output.shape) > 1 else 1


def input_batch(graph: TensorGraph, input: Tensor, batch_size: int) -> Value:
    """Declare the input as (B, numbers of a sample)."""
    batch, size = positive(batch_size, "batch_size"), require_tensor(input, "input").size()
    if size == 0 or size % batch:
        raise ShapeError(f"input needs {batch} samples of equal size, got {size} numbers")
    return graph.input(input, "input", (batch, size // batch))


def container_gradients(
    graph: TensorGraph,
    grad_output: Tensor,
    input: Tensor,
    x: Value,
    y: Value,
    layers: Sequence[Layer],
    gate: Layer | None = None,
) -> ContainerGradients:
    """Return the gradients of ``sum(y * grad_output)`` in the form that all containers give.

    Args:
        graph: Where the layers were lowered.
        grad_output: dy.
        input: The tensor that ``x`` shows, for its shape.
        x: The input.
        y: The output.
        layers: Whose weights' gradients are wanted.
        gate: Another one, whose gradients stand apart.
    """
    dy = graph.input(grad_output, "gradOutput", y.shape)
    wanted = WantedGradients(graph, layers if gate is None else [*layers, gate])
    dx, *found = graph.gradients(y, dy, [x, *wanted.values])
    grad_input, *tensors = graph.run(graph.builder.reshape(dx, input.shape), *found)
    by_layer = wanted.by_layer(tensors)
    gate_gradients = {} if gate is None else by_layer.pop()
    return ContainerGradients(grad_input, by_layer, gate_gradients)
