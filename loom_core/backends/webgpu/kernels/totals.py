"""The second stage of long sums: shaders/totals.wgsl."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core.arrays import Array
from loom_core.backends.webgpu.dispatch import Adapter, Dispatch, Operand
from loom_core.backends.webgpu.kernels.grids import row_grid


def totals(
    x: Operand, y: Operand, counts: Sequence[int], factor: float, adapter: Adapter
) -> tuple[Dispatch, Array]:
    """Return the dispatch that adds each of several neighbouring segments, and its constant.

    Args:
        x: The parts, segment after segment.
        y: One sum for each segment.
        counts: Parts of each segment.
        factor: Of every sum.
        adapter: The device.
    """
    starts = np.cumsum([0, *counts])[:-1]
    grid = row_grid(len(counts), max(counts), adapter)
    dispatch = Dispatch(
        "totals",
        "totals",
        (x, Operand("constant"), y),
        parameters=(len(counts), factor),
        constants=grid.constants,
        workgroups=grid.workgroups,
    )
    return dispatch, np.array([starts, counts], np.uint32).T.copy()
