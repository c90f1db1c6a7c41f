"""The residual connection as functions of tensors."""

from __future__ import annotations

from loom_core.generic.results import ResidualGradients
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.public import public


@public("ResidualForward")
def residual_forward(input: Tensor, skip_input: Tensor) -> Tensor:
    """Return ``input + skip_input``, two tensors of one size, in the shape of the first.

    Args:
        input: x, of any shape.
        skip_input: What is added, of the same size and type.

    Raises:
        SpecError: Tensors of different types.
        ShapeError: Tensors of different sizes.
    """
    with TensorGraph("ResidualForward", input) as graph:
        x = graph.input(input, "input", input.shape)
        skip = graph.input(skip_input, "skipInput", input.shape)
        return graph.run(graph.builder.emit("add", x, skip))[0]


@public("ResidualBackward")
def residual_backward(grad_output: Tensor) -> ResidualGradients:
    """Return the gradients of both inputs of ResidualForward.

    Args:
        grad_output: Gradient of the loss with respect to the output, of its shape.

    Raises:
        SpecError: Not a tensor.
    """
    with TensorGraph("ResidualBackward", grad_output) as graph:
        x = graph.builder.input("x", grad_output.shape)
        skip = graph.builder.input("skip", grad_output.shape)
        y = graph.builder.emit("add", x, skip)
        dy = graph.input(grad_output, "gradOutput", grad_output.shape)
        return ResidualGradients(*graph.run(*graph.gradients(y, dy, [x, skip])))
