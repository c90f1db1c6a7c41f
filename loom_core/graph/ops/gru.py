"""The recurrence of a gated recurrent unit, whole sequences at once, and its gradient.

The weights of the gates are stacked in the order r (reset), z (update), n (candidate). The input
side u is computed before, as for the other recurrences (:mod:`loom_core.graph.ops.sequences`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value
from loom_core.graph.ops.sequences import recurrent_dw, scan_cost, scan_shapes


def _gru_scan_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    u, b, w = shapes
    h, *_ = scan_shapes(3)((u, w), attributes)
    if b != (w[1],):
        raise ShapeError(f"gru_scan needs b (H,) for w (3H,H), got {b} and {w}")
    return h, (*h[:2], 4 * h[2])


def _gru_scan(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """h_t = (1 - z) n + z h_{t-1}, h_{-1} = 0.

    r, z = sigmoid(u_t + W h_{t-1}), q = W h_{t-1} + b, n = tanh(u_t + r q), each with its own part
    of u and W. What the backward pass needs is kept: r, z, n, q.
    """
    (u, b, w), (h, kept) = inputs, outputs
    width = w.shape[1]
    sigmoid = ACTIVATIONS["sigmoid"].apply
    state = np.zeros((len(u), width), u.dtype)
    for t in range(u.shape[1]):
        carried = state @ w.T
        gates = u[:, t, : 2 * width] + carried[:, : 2 * width]
        sigmoid(gates, gates)
        r, z = gates[:, :width], gates[:, width:]
        q = carried[:, 2 * width :] + b
        n = np.tanh(u[:, t, 2 * width :] + r * q)
        state = n + z * (state - n)
        h[:, t], kept[:, t] = state, np.concatenate([gates, n, q], axis=1)


def _gru_scan_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    _, b, w = node.inputs
    h, kept = node.outputs
    (width,) = b.shape

    @cache
    def both() -> tuple[Value, ...]:
        return graph.emit_all("gru_scan_du", dy, h, kept, w)

    def db() -> Value:
        dq = graph.emit("slice_axis", both()[1], axis=2, start=2 * width, size=width)
        return graph.emit("sum_to_axis", dq, axis=2)

    return lambda: both()[0], db, lambda: recurrent_dw(graph, both()[1], h)


def _gru_scan_du_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    dh, w = shapes[0], shapes[-1]
    du = (dh[0], dh[1], w[0])
    return du, du


def _gru_scan_du(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Backpropagation through time: the gradients of u and of v = W h_{t-1}.

    They differ in the candidate's part, where r stands between; dv there is db too.
    """
    (dh, h, kept, w), (du, dv) = inputs, outputs
    width = w.shape[1]
    later: Array | float = 0.0
    for t in range(dh.shape[1] - 1, -1, -1):
        r, z, n, q = (kept[:, t, k * width : (k + 1) * width] for k in range(4))
        before = h[:, t - 1] if t else np.zeros_like(n)
        now = dh[:, t] + later
        dn = now * (1 - z) * (1 - n * n)
        dr = dn * q * r * (1 - r)
        dz = now * (before - n) * z * (1 - z)
        du[:, t] = np.concatenate([dr, dz, dn], axis=1)
        dv[:, t] = np.concatenate([dr, dz, dn * r], axis=1)
        later = dv[:, t] @ w + now * z


OPS = (
    Op(
        name="gru_scan",
        inputs=("u:(B,T,3H)", "b:(H,)", "w:(3H,H)"),
        outputs=("h:(B,T,H)", "kept:(B,T,4H)"),
        shapes=_gru_scan_shapes,
        compute=_gru_scan,
        gradient=_gru_scan_gradient,
        flops=scan_cost,
    ),
    Op(
        name="gru_scan_du",
        inputs=("dh:(B,T,H)", "h:(B,T,H)", "kept:(B,T,4H)", "w:(3H,H)"),
        outputs=("du:(B,T,3H)", "dv:(B,T,3H)"),
        shapes=_gru_scan_du_shapes,
        compute=_gru_scan_du,
        gradient=NoGradient("only emitted by the gradient rule of gru_scan"),
        flops=scan_cost,
    ),
)
