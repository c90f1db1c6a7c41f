"""Sequential as functions of tensors and layers."""

from __future__ import annotations

from collections.abc import Sequence

from loom_core.generic.containers import (
    ContainerGradients,
    ContainerOutput,
    container_gradients,
    container_graph,
    input_batch,
    samples_of,
)
from loom_core.generic.layer_weights import prepare_layers
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.graph.op import Value
from loom_core.layers import Layer
from loom_core.layers.chain import lower_trail
from loom_core.public import documented_like, public


@public("SequentialForward")
def sequential_forward(input: Tensor, layers: Sequence[Layer], batch_size: int) -> ContainerOutput:
    """Return the output of layers one after the other, and of each of them.

    Args:
        input: (B, ...).
        layers: Layers of any type, in their order; weights that they lack are drawn with the seed
            0.
        batch_size: B.

    Raises:
        SpecError: A size below 1, or no layers.
        ShapeError: The layers do not fit the input or each other.
    """
    with container_graph("SequentialForward", input) as graph:
        trail = _lowered(graph, input, layers, batch_size)
        *intermediates, output = graph.run(*trail[1:], trail[-1])
        return ContainerOutput(output, intermediates)


@public("SequentialBackward")
@documented_like(sequential_forward)
def sequential_backward(
    grad_output: Tensor,
    input: Tensor,
    layers: Sequence[Layer],
    intermediates: Sequence[Tensor] = (),
    batch_size: int | None = None,
) -> ContainerGradients:
    """Return the gradients of ``sum(output * grad_output)`` for SequentialForward.

    The other parameters are those of :func:`sequential_forward`.

    Args:
        grad_output: In the shape of the output.
        intermediates: Not used: Loom's call has them, and here the forward is computed anew.
        batch_size: B; the first size of ``grad_output`` when left out.

    Raises:
        SpecError, ShapeError: See :func:`sequential_forward`.
    """
    with container_graph("SequentialBackward", grad_output) as graph:
        x, *_, y = _lowered(graph, input, layers, samples_of(grad_output, batch_size))
        return container_gradients(graph, grad_output, input, x, y, layers)


def _lowered(
    graph: TensorGraph, input: Tensor, layers: Sequence[Layer], batch_size: int
) -> list[Value]:
    """Return the input and the output of each layer."""
    x = input_batch(graph, input, batch_size)
    prepare_layers(layers, x.shape[1])
    return lower_trail(graph.builder, layers, x)
