"""Embedding as functions of tensors."""

from __future__ import annotations

from loom_core.checks import positive
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.layers import Embedding
from loom_core.public import documented_like, public


@public("EmbeddingForward")
def embedding_forward(
    token_ids: Tensor, weights: Tensor, vocab_size: int, embedding_dim: int
) -> Tensor:
    """Return a row of the table for each token, (T, D).

    The formulas are those of :class:`loom_core.Embedding`.

    Args:
        token_ids: T token numbers of any numeric type: the stored numbers themselves, truncated
            toward zero, whatever the scale.
        weights: The table, (V, D). The result has its type and scale.
        vocab_size: V, rows of the table.
        embedding_dim: D, numbers in a row.

    Raises:
        SpecError: A size below 1.
        ShapeError: The table has another size, or there are no tokens.
        LimitError: A token number is too large for the type of the computation.
    """
    with TensorGraph("EmbeddingForward", weights) as graph:
        layer = Embedding(vocab_size, embedding_dim)
        graph.lend(layer, {"table": weights})
        ids = graph.numbers(token_ids, "tokenIDs")
        y = layer.lower(graph.builder, graph.builder.reshape(ids, (1, ids.shape[0])))
        return graph.run(graph.builder.reshape(y, (ids.shape[0], embedding_dim)))[0]


@public("EmbeddingBackward")
@documented_like(embedding_forward)
def embedding_backward(
    grad_output: Tensor, token_ids: Tensor, vocab_size: int, embedding_dim: int
) -> Tensor:
    """Return the gradient of the table, (V, D): rows that no token names are zero.

    The other parameters are those of :func:`embedding_forward`.

    Args:
        grad_output: (T, D).

    Raises:
        SpecError, ShapeError: See :func:`embedding_forward`.
        LimitError: The gradient would be larger than the limits allow.
    """
    with TensorGraph("EmbeddingBackward", grad_output) as graph:
        sizes = (positive(vocab_size, "vocab_size"), positive(embedding_dim, "embedding_dim"))
        ids = graph.numbers(token_ids, "tokenIDs")
        # The gradient of a look-up does not depend on the table, which the caller does not give.
        table = graph.builder.input("table", sizes)
        y = graph.builder.emit("gather_rows", table, ids)
        dy = graph.input(grad_output, "gradOutput", y.shape)
        return graph.run(*graph.gradients(y, dy, [table]))[0]
