"""The sparsemax and entmax of Loom v0.0.7, for models that it saved: not the published ones.

Its threshold counts the sum of the largest scores twice, and its entmax blends that with softmax.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import Array
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value, number
from loom_core.graph.ops.elementwise import elementwise_cost, same_shape


def _parts(x: Array) -> tuple[Array, Array, Array, Array]:
    """Return softmax(x), the doubled sparsemax max(0, x - tau), the k largest, and k.

    k is the longest prefix of the falling scores with x_(i) > (S_i - 1) / i, S_i being the sum of
    the first i; tau = (2 S_k - 1) / k.
    """
    soft = np.exp(x - x.max(axis=-1, keepdims=True))
    soft /= soft.sum(axis=-1, keepdims=True)
    order = np.argsort(-x, axis=-1, kind="stable")
    falling = np.take_along_axis(x, order, axis=-1)
    sums = np.cumsum(falling, axis=-1)
    counts = np.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    prefix = np.logical_and.accumulate(falling * counts > sums - 1, axis=-1)
    k = prefix.sum(axis=-1, keepdims=True)
    tau = (2 * np.take_along_axis(sums, k - 1, axis=-1) - 1) / k
    largest = np.zeros(x.shape, bool)
    np.put_along_axis(largest, order, prefix, axis=-1)
    return soft, np.maximum(x - tau, 0), largest, k


def _blend(x: Array, alpha: float) -> tuple[Array, Array]:
    """Return (1-w) softmax + w doubled with w = alpha - 1, and its sum along each row."""
    soft, sparse, _, _ = _parts(x)
    mixed = (2 - alpha) * soft + (alpha - 1) * sparse
    return mixed, mixed.sum(axis=-1, keepdims=True)


def _loom_entmax(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Y = doubled sparsemax for alpha 2, else the blend scaled to sum 1."""
    (x,), (y,) = inputs, outputs
    alpha = number(attributes, "alpha")
    mixed, total = _blend(x, alpha)
    np.divide(mixed, 1 if alpha == 2 else total, out=y, casting="same_kind")


def _loom_entmax_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    (x,) = node.inputs
    return (lambda: graph.emit("loom_entmax_dx", dy, x, **node.attributes),)


def _loom_entmax_dx(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """The true gradient of the function above, ties aside."""
    (dy, x), (dx,) = inputs, outputs
    alpha = number(attributes, "alpha")
    soft, sparse, largest, k = _parts(x)
    if alpha == 2:
        d_mixed = dy
    else:
        mixed, total = _blend(x, alpha)
        d_mixed = (dy - np.sum(dy * mixed / total, axis=-1, keepdims=True)) / total
    d_soft = soft * (d_mixed - np.sum(d_mixed * soft, axis=-1, keepdims=True))
    inside = np.where(sparse > 0, d_mixed, 0)
    d_sparse = inside - largest * (2 * inside.sum(axis=-1, keepdims=True) / k)
    dx[...] = (2 - alpha) * d_soft + (alpha - 1) * d_sparse


OPS = (
    Op(
        name="loom_entmax",
        inputs=("x:(...,C)",),
        outputs=("y:(...,C)",),
        attributes={"alpha": 2.0},
        shapes=same_shape,
        compute=_loom_entmax,
        gradient=_loom_entmax_gradient,
        flops=elementwise_cost(20),
    ),
    Op(
        name="loom_entmax_dx",
        inputs=("dy:(...,C)", "x:(...,C)"),
        outputs=("dx:(...,C)",),
        attributes={"alpha": 2.0},
        shapes=same_shape,
        compute=_loom_entmax_dx,
        gradient=NoGradient("only emitted by the gradient rule of loom_entmax"),
        flops=elementwise_cost(30),
    ),
)
