"""The shape of one sample, as layers check it and see it."""

from __future__ import annotations

from loom_core.arrays import Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value


def features(shape: Shape | None) -> int | None:
    """Return how many numbers one sample of that shape holds; None when unknown."""
    return None if shape is None else element_count(shape)


def require_features(shape: Shape | None, expected: int, what: str, given: str) -> None:
    """Raise :class:`ShapeError` unless a sample of ``shape`` holds ``expected`` numbers."""
    count = features(shape)
    if count is not None and count != expected:
        raise ShapeError(
            f"{what} expects {expected} inputs ({given}), but receives {count}",
            hint="Change the sizes of this layer, or of the one before it.",
        )


def require_rows(shape: Shape | None, width: int, what: str) -> int | None:
    """Return how many rows of ``width`` a sample of ``shape`` holds, or None when unknown.

    Raises:
        ShapeError: It is not a whole number of at least 1.
    """
    count = features(shape)
    if count is None:
        return None
    if count == 0 or count % width:
        raise ShapeError(
            f"{what} expects rows of {width} numbers, but receives {count}",
            hint="Change the sizes of this layer, or of the one before it.",
        )
    return count // width


def token_shape(shape: Shape | None, width: int, what: str) -> Shape | None:
    """Return a sample's shape with flat numbers seen as tokens of ``width``: (T, width).

    Raises:
        ShapeError: They are not a whole number of tokens.
    """
    tokens = require_rows(shape, width, what)
    return (tokens, width) if tokens is not None and tokens > 1 and len(shape or ()) == 1 else shape


def as_rows(graph: GraphBuilder, x: Value, width: int) -> Value:
    """Show the whole batch as rows of ``width`` numbers."""
    return graph.reshape(x, (element_count(x.shape) // width, width))
