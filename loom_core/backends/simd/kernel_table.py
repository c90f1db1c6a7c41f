"""The one table of kernels: which ops have one, what it is told, and its working memory.

``kernels.inc``, from which the library makes its own table, is written from this one by
``python3 web/build types``: a record names a kernel by its place here.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loom_core.activations import ACTIVATIONS
from loom_core.backends.simd import encoders
from loom_core.backends.simd.records import LAYOUT, Call, Encoder, lay_out
from loom_core.graph.op import Node


@dataclass(frozen=True, slots=True)
class Kernel:
    """The kernel of an op, which is ``run_<op>`` in the library.

    Args:
        encode: What it is told about a node.
        scratch: The library's function that counts the floats of working memory a node needs.
    """

    encode: Encoder
    scratch: str = "no_scratch"


KERNELS: Mapping[str, Kernel] = {
    "matmul": Kernel(encoders.matmul, scratch="matmul_scratch"),
    "add_bias": Kernel(encoders.add_bias),
    "mul_channels": Kernel(encoders.channels),
    "sum_to_axis": Kernel(encoders.channels),
    "conv2d": Kernel(encoders.convolution(x=0, w=1, y=2), scratch="convolution_scratch"),
    "conv2d_dx": Kernel(encoders.convolution(x=2, w=1, y=0), scratch="convolution_scratch"),
    "conv2d_dw": Kernel(encoders.convolution(x=0, w=2, y=1), scratch="convolution_scratch"),
    "max_pool2d": Kernel(encoders.pooling(x=0, y=1)),
    "max_pool2d_dx": Kernel(encoders.pooling(x=1, y=0)),
    "avg_pool2d": Kernel(encoders.pooling(x=0, y=1)),
    "avg_pool2d_dx": Kernel(encoders.pooling(x=1, y=0)),
    "add": Kernel(encoders.count),
    "mul": Kernel(encoders.count),
    "scale": Kernel(encoders.scale),
    "div": Kernel(encoders.count),
    "sqrt": Kernel(encoders.count),
    "sign": Kernel(encoders.count),
    "activate": Kernel(encoders.activation),
    "activate_dx": Kernel(encoders.activation),
    "softmax": Kernel(encoders.softmax),
    "softmax_dx": Kernel(encoders.row_wise("temperature")),
    "entmax": Kernel(encoders.entmax, scratch="sort_scratch"),
    "entmax_dx": Kernel(encoders.entmax),
    "loom_entmax": Kernel(encoders.row_wise("alpha"), scratch="sort_scratch"),
    "loom_entmax_dx": Kernel(encoders.row_wise("alpha"), scratch="sort_scratch"),
    "layer_norm": Kernel(encoders.row_wise("epsilon")),
    "layer_norm_dx": Kernel(encoders.row_wise()),
    "rms_norm": Kernel(encoders.row_wise("epsilon")),
    "rms_norm_dx": Kernel(encoders.row_wise()),
    "batch_norm": Kernel(encoders.batch_norm),
    "batch_norm_dx": Kernel(encoders.channels),
    "rnn_scan": Kernel(encoders.scan, scratch="scan_scratch"),
    "rnn_scan_du": Kernel(encoders.scan, scratch="scan_scratch"),
    "lstm_scan": Kernel(encoders.scan, scratch="scan_scratch"),
    "lstm_scan_du": Kernel(encoders.scan, scratch="scan_scratch"),
    "gru_scan": Kernel(encoders.scan, scratch="scan_scratch"),
    "gru_scan_du": Kernel(encoders.scan, scratch="scan_scratch"),
    "shift_time": Kernel(encoders.all_sizes),
    "rope": Kernel(encoders.rope),
    "gather_rows": Kernel(encoders.gather),
    "scatter_add_rows": Kernel(encoders.scatter),
    "transpose": Kernel(encoders.transpose),
    "concat": Kernel(encoders.concat),
    "slice_axis": Kernel(encoders.slice_axis),
    "pad_axis": Kernel(encoders.pad_axis),
    "permute_columns": Kernel(encoders.permute),
    "mse": Kernel(encoders.row_wise()),
    "cross_entropy": Kernel(encoders.row_wise()),
    "softmax_cross_entropy": Kernel(encoders.row_wise("temperature")),
    "squared_norms": Kernel(encoders.counts),
    "step_scale": Kernel(encoders.norms),
    "running_mean": Kernel(encoders.running_mean),
    "descend": Kernel(encoders.update()),
    "sgd": Kernel(encoders.update()),
    "momentum": Kernel(encoders.update("nesterov")),
    "adamw": Kernel(encoders.update()),
    "rmsprop": Kernel(encoders.update()),
    "rmsprop_momentum": Kernel(encoders.update()),
}
"""By the op's name. :mod:`loom_core.backends.missing_kernels` says why an op is not here."""

_CODES = {name: code for code, name in enumerate(KERNELS)}


def record_format() -> int:
    """Return a number made of all that a library has to agree on: layout, kernels, activations."""
    functions = (f"{row.name}={row.code}" for row in ACTIVATIONS.values())
    return zlib.crc32(" ".join([str(LAYOUT), *KERNELS, *functions]).encode()) >> 1


RECORD_FORMAT = record_format()
"""A library that says another number is refused."""


def call_of(node: Node) -> Call | None:
    """Return what the kernel of a node is told; None where no kernel can do it."""
    kernel = KERNELS.get(node.op.name)
    shapes = [x.shape for x in node.inputs], [y.shape for y in node.outputs]
    return kernel.encode(*shapes, node.attributes) if kernel else None


def encode(node: Node, call: Call, addresses: Sequence[int]) -> NDArray[np.int32]:
    """Return a node's record.

    Args:
        node: Names the kernel.
        call: What :func:`call_of` returned for it.
        addresses: Of inputs, outputs and constants.
    """
    return lay_out(_CODES[node.op.name], addresses, call.parameters)


def table_of_the_library() -> str:
    """Return the content of ``kernels.inc``."""
    rows = [f"KERNEL({name}, {kernel.scratch})" for name, kernel in KERNELS.items()]
    return "\n".join(
        [
            "/* Generated from kernel_table.py by `python3 web/build types`: do not edit. */",
            "",
            f"#define RECORD_FORMAT {RECORD_FORMAT}",
            "",
            *rows,
            "",
        ]
    )
