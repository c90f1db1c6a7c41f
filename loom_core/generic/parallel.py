"""Parallel as functions of tensors and layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loom_core.arrays import Shape
from loom_core.enums import SoftmaxType
from loom_core.errors import SpecError
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
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers import Layer, Parallel, Sequential, Softmax
from loom_core.layers.chain import complete_layer, lower_layer
from loom_core.public import documented_like, public, result_record


@result_record
@dataclass
class FilteredOutput:
    """Output of branches that a gate weighs.

    Args:
        output: (B, ...).
        branch_outputs: The output of each of N branches, (B, ...).
        gate_weights: (B, N), each row a distribution.
    """

    output: Tensor
    branch_outputs: list[Tensor]
    gate_weights: Tensor


@public("ParallelForward")
def parallel_forward(
    input: Tensor, branches: Sequence[Layer], batch_size: int, combine_mode: str = "concat"
) -> ContainerOutput:
    """Return the combined output of branches that see the same input, and that of each of them.

    Args:
        input: (B, ...).
        branches: Layers of any type; weights that they lack are drawn with the seed 0.
        batch_size: B.
        combine_mode: ``concat``, ``add``, ``avg``, or ``filter`` for equal weights.

    Raises:
        SpecError: A size below 1, no branches, or a mode that is unknown or needs more settings.
        ShapeError: The branches do not fit the input, or their outputs each other.
    """
    with container_graph("ParallelForward", input) as graph:
        tapped = [_TappedBranch(branch) for branch in _checked(branches)]
        _, y = _lowered(graph, input, Parallel(tapped, combine_mode), batch_size)
        output, *outputs = graph.run(y, *(branch.output for branch in tapped))
        return ContainerOutput(output, outputs)


@public("ParallelBackward")
@documented_like(parallel_forward)
def parallel_backward(
    grad_output: Tensor,
    input: Tensor,
    branches: Sequence[Layer],
    branch_intermediates: Sequence[Tensor] = (),
    combine_mode: str = "concat",
    batch_size: int | None = None,
) -> ContainerGradients:
    """Return the gradients of ``sum(output * grad_output)`` for ParallelForward.

    The other parameters are those of :func:`parallel_forward`.

    Args:
        grad_output: In the shape of the output.
        branch_intermediates: Not used: Loom's call has them, and here the forward is computed
            anew.
        batch_size: B; the first size of ``grad_output`` when left out.

    Raises:
        SpecError, ShapeError: See :func:`parallel_forward`.
    """
    with container_graph("ParallelBackward", grad_output) as graph:
        layer = Parallel(_checked(branches), combine_mode)
        x, y = _lowered(graph, input, layer, samples_of(grad_output, batch_size))
        return container_gradients(graph, grad_output, input, x, y, branches)


@public("ParallelForwardFiltered")
def parallel_forward_filtered(
    input: Tensor,
    branches: Sequence[Layer],
    gate_config: Layer,
    softmax_type: str | int = "standard",
    temperature: float = 1.0,
    batch_size: int = 1,
) -> FilteredOutput:
    """Return the sum of the branches' outputs, weighed for each sample by a gate.

    ``sum_i g_i f_i(x)``, shorter outputs padded with zeros, g a softmax of the gate's N outputs.

    Args:
        input: (B, ...).
        branches: N layers of any type; weights that they lack are drawn with the seed 0.
        gate_config: A layer of any type that gives N numbers.
        softmax_type: Name or code; one that needs no further settings.
        temperature: T > 0 of the softmax.
        batch_size: B.

    Raises:
        SpecError: A size below 1, no branches, no gate, or a softmax of unknown or other kind.
        ShapeError: Layers that do not fit.
    """
    with container_graph("ParallelForwardFiltered", input) as graph:
        tapped = [_TappedBranch(branch) for branch in _checked(branches)]
        softmax = _TappedSoftmax(temperature, variant=_variant(softmax_type))
        gate = _checked([gate_config])[0]
        layer = Parallel(tapped, "filter", gate=gate, gate_softmax=softmax)
        _, y = _lowered(graph, input, layer, batch_size)
        outputs = (branch.output for branch in tapped)
        output, weights, *found = graph.run(y, softmax.output, *outputs)
        return FilteredOutput(output, found, weights)


@public("ParallelBackwardFiltered")
@documented_like(parallel_forward_filtered)
def parallel_backward_filtered(
    grad_output: Tensor,
    input: Tensor,
    branches: Sequence[Layer],
    branch_outputs: Sequence[Tensor],
    gate_weights: Tensor | None,
    gate_config: Layer,
    softmax_type: str | int = "standard",
    temperature: float = 1.0,
    batch_size: int | None = None,
) -> ContainerGradients:
    """Return the gradients of ``sum(output * grad_output)`` for ParallelForwardFiltered.

    The other parameters are those of :func:`parallel_forward_filtered`.

    Args:
        grad_output: In the shape of the output.
        branch_outputs: Not used: Loom's call has them, and here the forward is computed anew.
        gate_weights: Not used either.
        batch_size: B; the first size of ``grad_output`` when left out.

    Raises:
        SpecError, ShapeError: See :func:`parallel_forward_filtered`.
    """
    with container_graph("ParallelBackwardFiltered", grad_output) as graph:
        softmax = Softmax(temperature, variant=_variant(softmax_type))
        gate = _checked([gate_config])[0]
        layer = Parallel(_checked(branches), "filter", gate=gate, gate_softmax=softmax)
        x, y = _lowered(graph, input, layer, samples_of(grad_output, batch_size))
        return container_gradients(graph, grad_output, input, x, y, branches, gate)


def _lowered(
    graph: TensorGraph, input: Tensor, layer: Parallel, batch_size: int
) -> tuple[Value, Value]:
    """Return the input and the output."""
    x = input_batch(graph, input, batch_size)
    prepare_layers([layer], x.shape[1])
    return x, lower_layer(graph.builder, layer, x)


class _TappedBranch(Sequential):
    """A branch that lets its output be seen."""

    output: Value

    def __init__(self, branch: Layer) -> None:
        super().__init__([branch])

    def complete(self, input_shape: Shape | None) -> None:
        complete_layer(self.children[0], input_shape)

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        return complete_layer(self.children[0], input_shape)

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        self.output = lower_layer(graph, self.children[0], x)
        return self.output


class _TappedSoftmax(Softmax):
    """A gate's softmax that lets its output be seen."""

    output: Value

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        self.output = super().lower(graph, x)
        return self.output


def _checked(layers: Sequence[Layer]) -> Sequence[Layer]:
    if not isinstance(layers, Sequence) or not all(isinstance(layer, Layer) for layer in layers):
        raise SpecError("branches and gate must be layers")
    return layers


def _variant(softmax_type: str | int) -> str:
    if isinstance(softmax_type, str):
        return softmax_type
    if softmax_type not in tuple(SoftmaxType):
        raise SpecError(f"unknown softmax type {softmax_type!r}", hint="Use a name, or 0 to 9.")
    return SoftmaxType(softmax_type).name.lower()
