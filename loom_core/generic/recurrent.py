"""What RNN and LSTM as functions of tensors have in common: sequences of states."""

from __future__ import annotations

from loom_core.checks import positive
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.graph.op import Value


def step_shape(batch: int, steps: int, width: int) -> tuple[int, int, int]:
    """Return (B, T, I) after checking the first two."""
    return positive(batch, "batch_size"), positive(steps, "seq_length"), width


def take(graph: TensorGraph, x: Value, axis: int, start: int, size: int) -> Value:
    """Return ``size`` cells from ``start`` along an axis."""
    return graph.builder.emit("slice_axis", x, axis=axis, start=start, size=size)


def with_start(graph: TensorGraph, states: Value) -> Value:
    """Put the zero state in front: (B, T, H) to (B, T + 1, H)."""
    return graph.builder.emit("pad_axis", states, axis=1, start=1, size=states.shape[1] + 1)


def without_start(graph: TensorGraph, states: Tensor, what: str, y: Value) -> Value:
    """Take the state before the first step away: (B, T + 1, H) to (B, T, H)."""
    batch, steps, width = y.shape
    kept = graph.input(states, what, (batch, steps + 1, width))
    return take(graph, kept, 1, 1, steps)
