"""Softmax as functions of tensors."""

from __future__ import annotations

from loom_core.checks import positive
from loom_core.errors import ShapeError
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph, require_tensor
from loom_core.graph.op import Value
from loom_core.layers import Softmax
from loom_core.public import public


@public("ApplySoftmax")
def apply_softmax(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Return ``exp(x / T) / sum(exp(x / T))`` along the last axis.

    Args:
        logits: x, of any shape with at least one number.
        temperature: T > 0.

    Raises:
        SpecError: Not a tensor, or T is not positive.
        ShapeError: There are no numbers.
    """
    with TensorGraph("ApplySoftmax", logits) as graph:
        y = _softmax(graph, logits, Softmax(temperature), _last_axis(logits))
        return graph.run(graph.builder.reshape(y, logits.shape))[0]


@public("ApplySoftmaxGrid")
def apply_softmax_grid(logits: Tensor, rows: int, cols: int, temperature: float = 1.0) -> Tensor:
    """Return the softmax of each of ``rows`` blocks of ``cols`` numbers, in the logits' shape.

    Args:
        logits: rows * cols numbers, or several times as many.
        rows: Blocks of one sample.
        cols: Numbers of one block.
        temperature: T > 0.

    Raises:
        SpecError: A size below 1, or T is not positive.
        ShapeError: The logits are no multiple of rows * cols.
    """
    with TensorGraph("ApplySoftmaxGrid", logits) as graph:
        width = positive(rows, "rows") * positive(cols, "cols")
        layer = Softmax(temperature, variant="grid", rows=rows, cols=cols)
        y = _softmax(graph, logits, layer, width)
        return graph.run(graph.builder.reshape(y, logits.shape))[0]


@public("SoftmaxBackward")
def softmax_backward(
    grad_output: Tensor,
    output: Tensor,
    softmax_rows: int = 0,
    softmax_cols: int = 0,
    temperature: float = 1.0,
) -> Tensor:
    """Return the gradient of the logits, ``y (dy - sum(dy y)) / T`` in each distribution.

    Args:
        grad_output: dy.
        output: y, as ApplySoftmax or ApplySoftmaxGrid gave it.
        softmax_rows: Blocks of a grid; 0 for distributions along the last axis.
        softmax_cols: Numbers of a block; 0 likewise.
        temperature: T of the forward.

    Raises:
        SpecError: A size below 0, only one of the two sizes, or T is not positive.
        ShapeError: Tensors of different sizes, or no multiple of rows * cols.
    """
    with TensorGraph("SoftmaxBackward", grad_output) as graph:
        require_tensor(output, "output")
        if softmax_rows or softmax_cols:
            rows, cols = positive(softmax_rows, "rows"), positive(softmax_cols, "cols")
            layer = Softmax(temperature, variant="grid", rows=rows, cols=cols)
            width = rows * cols
        else:
            layer, cols = Softmax(temperature), _last_axis(output)
            width = cols
        batch = _samples(output, width)
        x = graph.builder.input("logits", (batch, width))
        y = layer.lower(graph.builder, x)
        known = graph.input(output, "output", (output.size() // cols, cols))
        graph.replay(y, known)
        dy = graph.input(grad_output, "gradOutput", known.shape)
        (dx,) = graph.gradients(known, dy, [x])
        return graph.run(graph.builder.reshape(dx, output.shape))[0]


def _last_axis(tensor: Tensor) -> int:
    shape = require_tensor(tensor, "the tensor").shape
    return shape[-1] if shape else 1


def _samples(tensor: Tensor, width: int) -> int:
    if tensor.size() == 0 or tensor.size() % width:
        raise ShapeError(f"softmax needs a multiple of {width or 1} numbers, got {tensor.size()}")
    return tensor.size() // width


def _softmax(graph: TensorGraph, logits: Tensor, layer: Softmax, width: int) -> Value:
    x = graph.input(logits, "logits", (_samples(logits, width), width))
    return layer.lower(graph.builder, x)
