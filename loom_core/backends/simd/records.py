"""What a kernel is told about a node: its record, laid out as record.h says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import Array, Shape, element_count
from loom_core.backends.kernel_shapes import around, joined_axes, rows_of
from loom_core.errors import LimitError
from loom_core.graph.op import Attributes, Node, integer, integers, number, size_pair
from loom_core.graph.ops.sequences import rope_angles

RECORD_FORMAT = 4
"""Of record.h; a library that says another number is refused."""

MOST_AXES = 8
"""Axes that the transpose kernel can walk, after neighbours that stay together are joined."""


@dataclass(frozen=True, slots=True)
class Call:
    """The parameters of one kernel call, and constant arrays that it reads."""

    parameters: Sequence[int | float]
    constants: Sequence[Array] = ()


Shapes = Sequence[Shape]
Encoder = Callable[[Shapes, Shapes, Attributes], Call | None]
"""Input shapes, output shapes and attributes to a call; None where the kernel cannot do it."""


def encode(node: Node, call: Call, addresses: Sequence[int]) -> NDArray[np.int32]:
    """Return a node's record.

    Args:
        node: Names the kernel.
        call: What the encoder of its op returned.
        addresses: Of inputs, outputs and constants.
    """
    return lay_out(_CODES[node.op.name], addresses, call.parameters)


def lay_out(
    code: int, addresses: Sequence[int], parameters: Sequence[int | float]
) -> NDArray[np.int32]:
    """Return a record as record.h says.

    Raises:
        LimitError: A size is more than a word holds, which takes a raised limit to get here.
    """
    bits = [int(np.float32(p).view(np.int32)) if isinstance(p, float) else p for p in parameters]
    halves = [half for address in addresses for half in (address & 0xFFFFFFFF, address >> 32)]
    length = 4 + len(halves) + len(bits)
    head = [code, length, len(addresses), 0]
    words = np.array([*head, *halves], np.uint32).view(np.int32)
    try:
        return np.concatenate([words, np.array(bits, np.int32)])
    except OverflowError as error:
        raise LimitError(
            f"the kernels count to 2^31 - 1, and one of {parameters} is more",
            hint='Use smaller batches, or the backend "numpy".',
        ) from error


def _count(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call([element_count(inputs[0])])


def _row_wise(*names: str) -> Encoder:
    """Rows, width, and then real attributes."""

    def encoder(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
        return Call([*rows_of(inputs[0]), *(number(attributes, name) for name in names)])

    return encoder


def _matmul(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    turned_a, turned_b = int(bool(attributes["transpose_a"])), int(bool(attributes["transpose_b"]))
    (*lead, m, n), k = outputs[0], inputs[0][-2 if turned_a else -1]
    return Call([element_count(tuple(lead)), m, n, k, turned_a, turned_b])


def _channels(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call(around(inputs[0], integer(attributes, "axis")))


def _add_bias(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    function = ACTIVATIONS[str(attributes["function"])].code
    return Call([*around(inputs[0], integer(attributes, "axis")), function])


def _convolution(x: int, w: int, y: int) -> Encoder:
    """Sizes of image, kernel, stride, padding and output; the numbers index inputs + outputs.

    Along an axis with one output cell there is no stride, however large a number says so.
    """

    def encoder(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
        shapes = [*inputs, *outputs]
        filters, _, *kernel = shapes[w]
        cells = shapes[y][2:]
        strides = zip(size_pair(attributes, "stride"), cells, strict=True)
        window = (*(s if n > 1 else 1 for s, n in strides), *size_pair(attributes, "padding"))
        return Call([*shapes[x], filters, *kernel, *window, *cells])

    return encoder


def _scale(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call([element_count(inputs[0]), number(attributes, "factor")])


def _activation(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call([element_count(inputs[0]), ACTIVATIONS[str(attributes["function"])].code])


def _softmax(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    steps = inputs[0][-2] if attributes["causal"] else 0
    return Call([*rows_of(inputs[0]), steps, number(attributes, "temperature")])


def _entmax(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Take 1 from alpha before a float has to hold it: a difference below 1e-7 is not lost."""
    excess, temperature = number(attributes, "alpha") - 1, number(attributes, "temperature")
    return Call([*rows_of(inputs[0]), excess, temperature])


def _scan(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    gates, hidden = inputs[-1]
    return Call([*inputs[0][:2], hidden, gates])


def _all_sizes(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call(inputs[0])


def _rope(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    _, steps, _, width = inputs[0]
    angles = rope_angles(steps, width, attributes)
    return Call(inputs[0], [turn(angles).astype(np.float32) for turn in (np.cos, np.sin)])


def _gather(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call([*inputs[0], element_count(inputs[1])])


def _scatter(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call([*outputs[0], element_count(inputs[1])])


def _transpose(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call | None:
    """Sizes of the output and distances in the input, neighbours that stay together joined."""
    joined = joined_axes(inputs[0], integers(attributes, "axes"))
    if len(joined) > MOST_AXES:
        return None
    return Call([len(joined), *(size for size, _ in joined), *(step for _, step in joined)])


def _concat(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    axis = integer(attributes, "axis")
    outer = element_count(inputs[0][:axis])
    return Call([outer, *(element_count(shape[axis:]) for shape in inputs)])


def _slice(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    outer, along, inner = around(inputs[0], integer(attributes, "axis"))
    start, size = integer(attributes, "start"), integer(attributes, "size")
    return Call([outer, along * inner, start * inner, size * inner])


def _pad(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    outer, along, inner = around(inputs[0], integer(attributes, "axis"))
    start, size = integer(attributes, "start"), integer(attributes, "size")
    return Call([outer, size * inner, start * inner, along * inner])


def _permute(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call(rows_of(inputs[0]), [np.array(integers(attributes, "order"), np.int32)])


def _counts(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call([element_count(shape) for shape in inputs])


def _norms(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    return Call([element_count(inputs[1])])


def _update(*flags: str) -> Encoder:
    """Count, whether weights decay, and then further switches."""

    def encoder(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
        switches = [int(bool(attributes[name])) for name in ("decay", *flags)]
        return Call([element_count(inputs[0]), *switches])

    return encoder


ENCODERS: Mapping[str, Encoder] = {
    "matmul": _matmul,
    "add_bias": _add_bias,
    "mul_channels": _channels,
    "sum_to_axis": _channels,
    "conv2d": _convolution(x=0, w=1, y=2),
    "conv2d_dx": _convolution(x=2, w=1, y=0),
    "conv2d_dw": _convolution(x=0, w=2, y=1),
    "add": _count,
    "mul": _count,
    "scale": _scale,
    "activate": _activation,
    "activate_dx": _activation,
    "softmax": _softmax,
    "softmax_dx": _row_wise("temperature"),
    "entmax": _entmax,
    "entmax_dx": _entmax,
    "loom_entmax": _row_wise("alpha"),
    "loom_entmax_dx": _row_wise("alpha"),
    "layer_norm": _row_wise("epsilon"),
    "layer_norm_dx": _row_wise(),
    "rms_norm": _row_wise("epsilon"),
    "rms_norm_dx": _row_wise(),
    "rnn_scan": _scan,
    "rnn_scan_du": _scan,
    "lstm_scan": _scan,
    "lstm_scan_du": _scan,
    "shift_time": _all_sizes,
    "rope": _rope,
    "gather_rows": _gather,
    "scatter_add_rows": _scatter,
    "transpose": _transpose,
    "concat": _concat,
    "slice_axis": _slice,
    "pad_axis": _pad,
    "permute_columns": _permute,
    "mse": _row_wise(),
    "cross_entropy": _row_wise(),
    "softmax_cross_entropy": _row_wise("temperature"),
    "squared_norms": _counts,
    "step_scale": _norms,
    "sgd": _update(),
    "momentum": _update("nesterov"),
    "adamw": _update(),
    "rmsprop": _update(),
    "rmsprop_momentum": _update(),
}
"""The ops that have a kernel, in the order of kernels.inc."""

_CODES = {name: code for code, name in enumerate(ENCODERS)}
