"""Numbers on which a wrong kernel shows: signed, none like another, and all that an op decides by.

An op that decides by single numbers is given several sets of inputs, one for each way it can go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from loom_core.arrays import F32, Shape
from loom_core.graph.op import Node, integer

Inputs = list[F32]


def probe_inputs(node: Node) -> list[Inputs]:
    """Return one or more sets of inputs for a node, float32."""
    draw = np.random.default_rng(1)
    kinds = _KINDS.get(node.op.name, _UPDATED if node.op.updates else ())
    inputs = [
        (kinds[i] if i < len(kinds) else _signed)(draw, x.shape) for i, x in enumerate(node.inputs)
    ]
    match node.op.name:
        case "gather_rows":
            inputs[1] = _row_numbers(draw, node.inputs[1].shape, node.inputs[0].shape[0])
        case "scatter_add_rows":
            rows = integer(node.attributes, "rows")
            inputs[1] = _row_numbers(draw, node.inputs[1].shape, rows)
        case name if "_scan" in name:
            inputs[-1] /= np.float32(max(1, *inputs[-1].shape))  # no state grows from step to step
        case "step_scale":
            return _steps(*inputs)
        case "cross_entropy":  # and with what is no probability, which a tangent continues
            return [inputs, [_signed(draw, node.inputs[0].shape), inputs[1]]]
    if node.op.updates:
        *arrays, scale = inputs
        return [inputs, [*arrays, np.full_like(scale, np.nan)]]  # a step, and one that is forbidden
    return [inputs]


def _signed(draw: np.random.Generator, shape: Shape) -> F32:
    """More positive than negative, so that long sums do not come out near 0."""
    return draw.uniform(-0.5, 1.0, shape).astype(np.float32)


def _negative(draw: np.random.Generator, shape: Shape) -> F32:
    """What Loom's own entmax does not make a plain softmax of."""
    return draw.uniform(-1.0, 0.0, shape).astype(np.float32)


def _positive(draw: np.random.Generator, shape: Shape) -> F32:
    return draw.uniform(0.1, 0.9, shape).astype(np.float32)


def _sparse(draw: np.random.Generator, shape: Shape) -> F32:
    """Positive, and 0 in every third column."""
    numbers = _positive(draw, shape)
    numbers[..., 2::3] = 0
    return numbers


def _row_numbers(draw: np.random.Generator, shape: Shape, rows: int) -> F32:
    """Numbers from all over a table: of four neighbours two are equal and one is outside."""
    numbers = draw.integers(0, max(rows, 1), shape).astype(np.float32)
    flat = numbers.reshape(-1)
    flat[1::4] = flat[0::4][: flat[1::4].size]
    flat[3::8], flat[7::8] = rows, -1
    return numbers


def _steps(loss: F32, norms: F32, limit: F32, halted: F32) -> list[Inputs]:
    """Steps that are clipped, not clipped, without a limit, after the last, and not finite."""
    norm = np.sqrt(norms.sum(dtype=np.float32))
    go, halt = np.zeros_like(halted), np.ones_like(halted)

    def limited(share: float) -> F32:
        return np.full_like(limit, share * norm)

    return [
        [loss, norms, limited(0.5), go],
        [loss, norms, limited(2.0), go],
        [loss, norms, limited(0.0), go],
        [loss, norms, limited(0.5), halt],
        [np.full_like(loss, np.nan), norms, limited(0.5), go],
        [loss, np.full_like(norms, np.inf), limited(0.5), go],
    ]


# Quoted: numpy.random is loaded when it is used, not at every start.
_Draw: TypeAlias = "Callable[[np.random.Generator, Shape], F32]"

_UPDATED = (_signed, _signed, *(_positive,) * 4)
"""Weights, gradients, and what an optimizer keeps and is set to."""

_KINDS: Mapping[str, Sequence[_Draw]] = {
    "cross_entropy": (_positive, _positive),
    "softmax_cross_entropy": (_signed, _positive),
    "loom_entmax": (_negative,),
    "loom_entmax_dx": (_signed, _negative),
    "softmax_dx": (_signed, _sparse),
    "entmax_dx": (_signed, _sparse),
    "layer_norm_dx": (_signed, _signed, _positive),
    "rms_norm_dx": (_signed, _signed, _positive),
    "batch_norm_dx": (_signed, _signed, _positive),
    "lstm_scan_du": (_signed, _signed, _positive, _signed),
    "gru_scan_du": (_signed, _signed, _positive, _signed),
    "step_scale": (_signed, _positive),
    "div": (_signed, _positive),
    "sqrt": (_positive,),
}
"""How inputs are drawn where not any number will do."""
