"""A whole network on tensors of any numeric type: forward and backward."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from loom_core.arrays import element_count
from loom_core.checks import require_type
from loom_core.errors import SpecError
from loom_core.generic.backend import Backend
from loom_core.generic.cpu_backend import required_engine
from loom_core.generic.layer_weights import (
    TensorGradients,
    WantedGradients,
)
from loom_core.generic.numeric import checked_scale
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import StoredWeightsBuilder, TensorGraph, require_tensor
from loom_core.graph.op import Value
from loom_core.layers.base import is_bias
from loom_core.layers.chain import lower_trail
from loom_core.network.network import Network
from loom_core.public import documented_like, public, result_record


@result_record
@dataclass
class GenericForwardResult:
    """What a forward pass gives.

    Args:
        output: (B, O).
        activations: The input, then the output of each layer, (B, ...).
        duration: Seconds.
    """

    output: Tensor
    activations: list[Tensor]
    duration: float


@result_record
@dataclass
class GenericNetworkGradients:
    """What a backward pass gives.

    Args:
        grad_input: Of the input.
        kernel_grads: For each layer the gradients of its weights that are no bias, by name;
            ``0.kernel`` is the kernel of child 0. None for a layer that is frozen or disabled.
        bias_grads: Those of its biases likewise.
        duration: Seconds.
    """

    grad_input: Tensor
    kernel_grads: list[TensorGradients]
    bias_grads: list[TensorGradients]
    duration: float


@public("GenericForwardPass")
def generic_forward_pass(
    network: Network, input: Tensor, backend: Backend | None = None
) -> GenericForwardResult:
    """Return a network's output, and that of each layer, in the input's numeric type.

    The layers have their weights as far as the type holds them (integers at the scale 0.01);
    between the layers numbers stay wide, and are rounded where they are given out.

    Args:
        network: Any; weights that it lacks are drawn.
        input: One sample or several, with the batch first where there are more axes than one.
        backend: What runs it, of the input's type; NumPy when left out.

    Raises:
        SpecError: A backend of another type.
        ShapeError: The input is no whole number of samples, or layers do not fit.
    """
    start = time.perf_counter()
    with network_graph("GenericForwardPass", network, input, backend) as graph:
        trail = lower_network(graph, network, input)
        output, *found = graph.run(flat_output(graph, trail[-1]), *trail[1:])
        return GenericForwardResult(output, [input, *found], time.perf_counter() - start)


@public("GenericBackwardPass")
@documented_like(generic_forward_pass)
def generic_backward_pass(
    network: Network,
    grad_output: Tensor,
    activations: Sequence[Tensor],
    backend: Backend | None = None,
) -> GenericNetworkGradients:
    """Return the gradients of ``sum(output * grad_output)`` for GenericForwardPass.

    The other parameters are those of :func:`generic_forward_pass`.

    Args:
        grad_output: (B, O).
        activations: As the forward gave them. The first, the input, is what is used: the others
            are computed anew, unrounded.

    Raises:
        SpecError: No activations, or see :func:`generic_forward_pass`.
        ShapeError: ``grad_output`` has another size than the output.
    """
    start = time.perf_counter()
    with network_graph("GenericBackwardPass", network, grad_output, backend) as graph:
        if not isinstance(activations, Sequence) or not activations:
            raise SpecError("activations must be the list that GenericForwardPass gave")
        input = require_tensor(activations[0], "activations[0]")
        trail = lower_network(graph, network, input)
        dy = graph.input(grad_output, "gradOutput", trail[-1].shape)
        wanted = WantedGradients(graph, network.layers)
        dx, *found = graph.gradients(trail[-1], dy, [trail[0], *wanted.values])
        grad_input, *tensors = graph.run(graph.builder.reshape(dx, input.shape), *found)
        by_layer = wanted.by_layer(tensors)
    kernels = [{k: g for k, g in layer.items() if not is_bias(k)} for layer in by_layer]
    biases = [{k: g for k, g in layer.items() if is_bias(k)} for layer in by_layer]
    return GenericNetworkGradients(grad_input, kernels, biases, time.perf_counter() - start)


def network_graph(
    name: str,
    network: Network,
    like: Tensor,
    backend: Backend | None,
    *,
    training: bool = False,
) -> TensorGraph:
    """Return a graph in which layers have their weights in the tensor's type."""
    require_type(network, Network, "network", name)
    dtype = require_tensor(like, "the first tensor", name).data.dtype
    builder = StoredWeightsBuilder(dtype, checked_scale(None, dtype), training=training)
    return TensorGraph(name, like, builder=builder, engine=required_engine(backend, like))


def lower_network(graph: TensorGraph, network: Network, input: Tensor) -> list[Value]:
    """Return the input (B, I) and each layer's output."""
    network.require_weights()
    batch, width = network.split_batch(input.array, "the input")
    x = graph.input(input, "input", (batch, width))
    return lower_trail(graph.builder, network.layers, x)


def flat_output(graph: TensorGraph, y: Value) -> Value:
    """Show the network's output as (B, O)."""
    return graph.builder.reshape(y, (y.shape[0], element_count(y.shape[1:])))
