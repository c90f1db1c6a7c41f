"""The op table: every op of every family by name. Backends implement these and nothing else."""

from __future__ import annotations

from loom_core.graph.op import Op
from loom_core.graph.ops import (
    batch_norm,
    convolution,
    elementwise,
    gru,
    linear,
    loom_entmax,
    losses,
    norms,
    pooling,
    rows,
    sequences,
    shaping,
    tables,
    updates,
)

OPS: dict[str, Op] = {
    op.name: op
    for family in (
        linear,
        convolution,
        pooling,
        elementwise,
        rows,
        loom_entmax,
        norms,
        batch_norm,
        sequences,
        gru,
        tables,
        shaping,
        losses,
        updates,
    )
    for op in family.OPS
}

__all__ = ["OPS"]
