"""Recurrences over time, whole sequences at once, and rotary position embedding.

The input side of a recurrent layer is one matrix product for all time steps, and so are the weight
gradients; only what really depends on the step before is inside a scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import Array, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value, number
from loom_core.graph.ops.elementwise import elementwise_cost


def scan_shapes(gates: int) -> Callable[[Sequence[Shape], Attributes], tuple[Shape, ...]]:
    """Return the shape rule of a scan of u (B,T,G H) with w (G H,H)."""

    def shapes_of(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
        u, w = shapes
        if len(u) != 3 or len(w) != 2 or u[2] != w[0] or w[0] != gates * w[1]:
            raise ShapeError(f"a scan needs u (B,T,{gates}H) and w ({gates}H,H), got {u} and {w}")
        h = (u[0], u[1], w[1])
        return (h,) if gates == 1 else (h, h, u)

    return shapes_of


def _rnn_scan(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """h_t = tanh(u_t + W h_{t-1}), h_{-1} = 0."""
    (u, w), (h,) = inputs, outputs
    state = np.zeros((len(u), len(w)), u.dtype)
    for t in range(u.shape[1]):
        state = np.tanh(u[:, t] + state @ w.T)
        h[:, t] = state


def _rnn_scan_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    _, w = node.inputs
    (h,) = node.outputs
    held: list[Value] = []

    def du() -> Value:
        if not held:
            held.append(graph.emit("rnn_scan_du", dy, h, w))
        return held[0]

    return du, lambda: recurrent_dw(graph, du(), h)


def recurrent_dw(graph: Emitter, du: Value, h: Value) -> Value:
    """Emit dW = sum over samples and steps of du_t h_{t-1}^T, one product."""
    batch, steps, width = du.shape
    before = graph.emit("shift_time", h)
    flat_du = graph.reshape(du, (batch * steps, width))
    flat_h = graph.reshape(before, (batch * steps, h.shape[2]))
    return graph.emit("matmul", flat_du, flat_h, transpose_a=True)


def _rnn_scan_du(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Backpropagation through time: du_t = (1 - h_t^2) (dh_t + W^T du_{t+1})."""
    (dh, h, w), (du,) = inputs, outputs
    later: Array | float = 0.0
    for t in range(dh.shape[1] - 1, -1, -1):
        du[:, t] = (1 - h[:, t] ** 2) * (dh[:, t] + later)
        later = du[:, t] @ w


def _lstm_scan(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Gates i, f, g, o of u_t + W h_{t-1}; c_t = f c_{t-1} + i g; h_t = o tanh(c_t)."""
    (u, w), (h, c, gates) = inputs, outputs
    width = w.shape[1]
    sigmoid = ACTIVATIONS["sigmoid"].apply
    state, cell = np.zeros((len(u), width), u.dtype), 0.0
    for t in range(u.shape[1]):
        z = u[:, t] + state @ w.T
        sigmoid(z[:, : 2 * width], z[:, : 2 * width])
        np.tanh(z[:, 2 * width : 3 * width], out=z[:, 2 * width : 3 * width])
        sigmoid(z[:, 3 * width :], z[:, 3 * width :])
        i, f, g, o = (z[:, k * width : (k + 1) * width] for k in range(4))
        cell = f * cell + i * g
        state = o * np.tanh(cell)
        h[:, t], c[:, t], gates[:, t] = state, cell, z


def _lstm_scan_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    _, w = node.inputs
    h, c, gates = node.outputs
    held: list[Value] = []

    def du() -> Value:
        if not held:
            held.append(graph.emit("lstm_scan_du", dy, c, gates, w))
        return held[0]

    return du, lambda: recurrent_dw(graph, du(), h)


def _lstm_scan_du(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """Backpropagation through time of h; c and the activated gates are kept from the forward."""
    (dh, c, gates, w), (du,) = inputs, outputs
    width = w.shape[1]
    later_h: Array | float = 0.0
    later_c: Array | float = 0.0
    for t in range(dh.shape[1] - 1, -1, -1):
        i, f, g, o = (gates[:, t, k * width : (k + 1) * width] for k in range(4))
        squashed = np.tanh(c[:, t])
        dh_t = dh[:, t] + later_h
        dc = later_c + dh_t * o * (1 - squashed * squashed)
        before = c[:, t - 1] if t else 0.0
        du[:, t] = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * before * f * (1 - f),
                dc * i * (1 - g * g),
                dh_t * squashed * o * (1 - o),
            ],
            axis=1,
        )
        later_c = dc * f
        later_h = du[:, t] @ w


def _first_and_last_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    """Shape of a scan's input: (B, T) of dh, and as wide as the recurrent kernel is high."""
    dh, w = shapes[0], shapes[-1]
    return ((dh[0], dh[1], w[0]),)


def scan_cost(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
    """Count one product with the recurrent kernel a step, and ten operations or so a gate."""
    batch, steps = inputs[0][:2]
    w = inputs[-1]
    return batch * steps * (2 * element_count(w) + 10 * w[0])


def _shift_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    if len(x) != 3:
        raise ShapeError(f"shift_time needs x (B,T,C), got {x}")
    return (x,)


def _shift_time(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """y_t = x_{t-1}, y_0 = 0."""
    (x,), (y,) = inputs, outputs
    y[:, :1] = 0
    y[:, 1:] = x[:, :-1]


def _rope_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    if len(x) != 4:
        raise ShapeError(f"rope needs x (B,T,H,D), got {x}")
    return (x,)


def rope_angles(steps: int, width: int, attributes: Attributes) -> Array:
    """Return the angles (T, D/2) by which rope turns the pairs of heads of D = width, float64."""
    rates = number(attributes, "theta") ** (-2.0 * np.arange(width // 2) / width)
    angles: Array = np.arange(steps)[:, None] * rates * number(attributes, "sign")
    return angles


def _rope(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Rotate the pairs (x_k, x_{k+D/2}) of position t by the angle t theta^(-2k/D).

    D/2 is rounded down; with an odd D the last number stays as it is. Source: Su et al. 2021
    (RoFormer), with the halves paired as in Llama.
    """
    (x,), (y,) = inputs, outputs
    half = x.shape[3] // 2
    angles = rope_angles(x.shape[1], x.shape[3], attributes)
    cos = np.cos(angles).astype(x.dtype)[:, None, :]  # (T, 1, D/2)
    sin = np.sin(angles).astype(x.dtype)[:, None, :]
    a, b = x[..., :half], x[..., half : 2 * half]
    y[..., :half] = a * cos - b * sin
    y[..., half : 2 * half] = b * cos + a * sin
    y[..., 2 * half :] = x[..., 2 * half :]


def _rope_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    """Rotate back: the gradient of a rotation."""
    theta, sign = number(node.attributes, "theta"), number(node.attributes, "sign")
    return (lambda: graph.emit("rope", dy, theta=theta, sign=-sign),)


_BACKWARD_ONLY = NoGradient("only emitted by the gradient rule of a scan")

OPS = (
    Op(
        name="rnn_scan",
        inputs=("u:(B,T,H)", "w:(H,H)"),
        outputs=("h:(B,T,H)",),
        shapes=scan_shapes(1),
        compute=_rnn_scan,
        gradient=_rnn_scan_gradient,
        flops=scan_cost,
    ),
    Op(
        name="rnn_scan_du",
        inputs=("dh:(B,T,H)", "h:(B,T,H)", "w:(H,H)"),
        outputs=("du:(B,T,H)",),
        shapes=_first_and_last_shapes,
        compute=_rnn_scan_du,
        gradient=_BACKWARD_ONLY,
        flops=scan_cost,
    ),
    Op(
        name="lstm_scan",
        inputs=("u:(B,T,4H)", "w:(4H,H)"),
        outputs=("h:(B,T,H)", "c:(B,T,H)", "gates:(B,T,4H)"),
        shapes=scan_shapes(4),
        compute=_lstm_scan,
        gradient=_lstm_scan_gradient,
        flops=scan_cost,
    ),
    Op(
        name="lstm_scan_du",
        inputs=("dh:(B,T,H)", "c:(B,T,H)", "gates:(B,T,4H)", "w:(4H,H)"),
        outputs=("du:(B,T,4H)",),
        shapes=_first_and_last_shapes,
        compute=_lstm_scan_du,
        gradient=_BACKWARD_ONLY,
        flops=scan_cost,
    ),
    Op(
        name="shift_time",
        inputs=("x:(B,T,C)",),
        outputs=("y:(B,T,C)",),
        shapes=_shift_shapes,
        compute=_shift_time,
        gradient=_BACKWARD_ONLY,
        flops=elementwise_cost(0),
    ),
    Op(
        name="rope",
        inputs=("x:(B,T,H,D)",),
        outputs=("y:(B,T,H,D)",),
        attributes={"theta": 10000.0, "sign": 1.0},
        shapes=_rope_shapes,
        compute=_rope,
        gradient=_rope_gradient,
        flops=elementwise_cost(3),
    ),
)
