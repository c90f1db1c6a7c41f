"""Kernels over time: shaders/rnn.wgsl, lstm.wgsl and gru.wgsl (with pack.wgsl), rope, shaping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import element_count
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
    grid_1d,
)
from loom_core.backends.webgpu.kernels.grids import CELL_GROUP, cell_grid
from loom_core.backends.webgpu.kernels.shaping import window
from loom_core.graph.op import Attributes
from loom_core.graph.ops.sequences import rope_angles

_BLOCK = 4
"""Samples, and results of a product, that an invocation computes together."""

_CACHED_WEIGHTS = 2**18
"""Numbers of a recurrent kernel (1 MB) that a GPU's cache holds while all steps run."""

_STATES, _PACKED, _LATER = (Operand("temporary", i) for i in range(3))


@dataclass(frozen=True, slots=True)
class _Scan:
    """How a scan multiplies and what it binds.

    Args:
        shader: File name; the entry is the op's name.
        arrays: After the states and the packed weights.
        backward: The product is with the transposed weights.
        gates: A group of 4 results is the gates of one unit (3 or 4), not 4 units.
    """

    shader: str
    arrays: tuple[Operand, ...]
    backward: bool = False
    gates: bool = False


def _inputs(count: int) -> tuple[Operand, ...]:
    return tuple(Operand("input", i) for i in range(count))


def _outputs(count: int) -> tuple[Operand, ...]:
    return tuple(Operand("output", i) for i in range(count))


_SCANS: Mapping[str, _Scan] = {
    "rnn_scan": _Scan("rnn", (*_inputs(1), *_outputs(1))),
    "rnn_scan_du": _Scan("rnn", (*_inputs(2), *_outputs(1)), backward=True),
    "lstm_scan": _Scan("lstm", (*_inputs(1), *_outputs(3)), gates=True),
    "lstm_scan_du": _Scan("lstm", (*_inputs(3), *_outputs(1), _LATER), backward=True),
    "gru_scan": _Scan("gru", (*_inputs(2), *_outputs(2)), gates=True),
    "gru_scan_du": _Scan("gru", (*_inputs(3), *_outputs(2), _LATER), backward=True),
}


def _scan(name: str) -> Encoder:
    scan = _SCANS[name]

    def encoder(
        inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
    ) -> Kernel:
        (batch, steps), (rows, hidden) = inputs[0][:2], inputs[-1]
        if batch * steps * hidden == 0:
            return Kernel([])
        results, depth = (hidden, rows) if scan.backward else (rows, hidden)
        groups = hidden if scan.gates else -(-results // _BLOCK)
        blocks = -(-batch // _BLOCK)
        pack = Dispatch(
            "pack",
            "pack",
            (Operand("input", len(inputs) - 1), _PACKED),
            parameters=(
                *(groups, depth, results),
                *((1, hidden) if scan.gates else (_BLOCK, 1)),
                *((1, hidden) if scan.backward else (hidden, 1)),
            ),
            workgroups=cell_grid(depth * groups, adapter),
        )
        whole = not adapter.software and rows * hidden <= _CACHED_WEIGHTS
        together = 16 if adapter.software else CELL_GROUP
        spans = [(0, steps)] if whole else [(t, t + 1) for t in range(steps)]
        stages = [
            Dispatch(
                scan.shader,
                name,
                (_STATES, _PACKED, *scan.arrays),
                parameters=(batch, steps, hidden, groups, depth, *span),
                constants={"WHOLE": int(whole), "TOGETHER": together},
                workgroups=grid_1d(blocks, 1) if whole else grid_1d(blocks * groups, together),
            )
            for span in spans
        ]
        vectors = (2 * blocks * depth, depth * groups, blocks * hidden)
        return Kernel([pack, *stages], temporaries=[_BLOCK * count for count in vectors])

    return encoder


def _shift_time(
    inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
) -> Kernel:
    batch, steps, width = inputs[0]
    row = steps * width
    return Kernel(window((batch, row), row, row, adapter, shift=width))


def _rope(inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter) -> Kernel:
    _, steps, heads, width = inputs[0]
    rows = element_count(inputs[0][:-1])
    if rows * width == 0:
        return Kernel([])
    angles = rope_angles(steps, width, attributes)
    turns = np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)
    dispatch = Dispatch(
        "rope",
        "rope",
        (Operand("input"), Operand("constant"), Operand("output")),
        parameters=(rows, steps, heads, width),
        workgroups=cell_grid(rows * (width - width // 2), adapter),
    )
    return Kernel([dispatch], constants=[turns])


ENCODERS: dict[str, Encoder] = {
    **{name: _scan(name) for name in _SCANS},
    "shift_time": _shift_time,
    "rope": _rope,
}
