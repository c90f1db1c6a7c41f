"""What a kernel is told about a node, by its shapes and attributes: one function for each kind."""

from __future__ import annotations

import numpy as np

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import element_count
from loom_core.backends.kernel_shapes import (
    around,
    joined_axes,
    pooling_sizes,
    rows_of,
    strides_of,
)
from loom_core.backends.simd.records import Call, Encoder, Shapes
from loom_core.graph.op import Attributes, integer, integers, number, size_pair
from loom_core.graph.ops.sequences import rope_angles
from loom_core.graph.ops.updates import HYPER

MOST_AXES = 8
"""Axes that the transpose kernel can walk, after neighbours that stay together are joined."""


def count(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many numbers."""
    return Call([element_count(inputs[0])])


def row_wise(*names: str) -> Encoder:
    """Rows, width, and then real attributes."""

    def encoder(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
        return Call([*rows_of(inputs[0]), *(number(attributes, name) for name in names)])

    return encoder


def matmul(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Products in the stack, rows, columns, terms of a sum, and which factor lies turned."""
    turned_a, turned_b = int(bool(attributes["transpose_a"])), int(bool(attributes["transpose_b"]))
    (*lead, m, n), k = outputs[0], inputs[0][-2 if turned_a else -1]
    return Call([element_count(tuple(lead)), m, n, k, turned_a, turned_b])


def channels(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Sizes before, along and after the axis of the channels."""
    return Call(around(inputs[0], integer(attributes, "axis")))


def add_bias(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """What :func:`channels` says, then the activation that follows."""
    function = ACTIVATIONS[str(attributes["function"])].code
    return Call([*around(inputs[0], integer(attributes, "axis")), function])


def batch_norm(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """What :func:`channels` says, then epsilon."""
    return Call([*around(inputs[0], integer(attributes, "axis")), number(attributes, "epsilon")])


def convolution(x: int, w: int, y: int) -> Encoder:
    """Sizes of image, kernel, stride, padding and output; the numbers index inputs + outputs."""

    def encoder(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
        shapes = [*inputs, *outputs]
        filters, _, *kernel = shapes[w]
        cells = shapes[y][2:]
        window = (*strides_of(cells, attributes), *size_pair(attributes, "padding"))
        return Call([*shapes[x], filters, *kernel, *window, *cells])

    return encoder


def pooling(x: int, y: int) -> Encoder:
    """What :func:`pooling_sizes` says of images and pooled ones, by their numbers as above."""

    def encoder(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
        shapes = [*inputs, *outputs]
        return Call(pooling_sizes(shapes[x], shapes[y], attributes))

    return encoder


def scale(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many numbers, and the factor."""
    return Call([element_count(inputs[0]), number(attributes, "factor")])


def activation(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many numbers, and which function."""
    return Call([element_count(inputs[0]), ACTIVATIONS[str(attributes["function"])].code])


def softmax(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Rows, width, rows of a causal mask (0 without one), and temperature."""
    steps = inputs[0][-2] if attributes["causal"] else 0
    return Call([*rows_of(inputs[0]), steps, number(attributes, "temperature")])


def entmax(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Take 1 from alpha before a float has to hold it: a difference below 1e-7 is not lost."""
    excess, temperature = number(attributes, "alpha") - 1, number(attributes, "temperature")
    return Call([*rows_of(inputs[0]), excess, temperature])


def scan(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Batch, steps, hidden units, and the rows of all gates."""
    gates, hidden = inputs[-1]
    return Call([*inputs[0][:2], hidden, gates])


def all_sizes(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """The sizes of the first input."""
    return Call(inputs[0])


def rope(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """The sizes; beside them cosine and sine of each angle."""
    _, steps, _, width = inputs[0]
    angles = rope_angles(steps, width, attributes)
    return Call(inputs[0], [turn(angles).astype(np.float32) for turn in (np.cos, np.sin)])


def gather(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Rows and width of the table, and how many rows are taken."""
    return Call([*inputs[0], element_count(inputs[1])])


def scatter(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Rows and width of the table, and how many rows are added."""
    return Call([*outputs[0], element_count(inputs[1])])


def transpose(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call | None:
    """Sizes of the output and distances in the input, neighbours that stay together joined."""
    joined = joined_axes(inputs[0], integers(attributes, "axes"))
    if len(joined) > MOST_AXES:
        return None
    return Call([len(joined), *(size for size, _ in joined), *(step for _, step in joined)])


def concat(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many runs, then the length of each input's run."""
    axis = integer(attributes, "axis")
    outer = element_count(inputs[0][:axis])
    return Call([outer, *(element_count(shape[axis:]) for shape in inputs)])


def slice_axis(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many runs, their length, where the part of each starts, and the part's length."""
    outer, along, inner = around(inputs[0], integer(attributes, "axis"))
    start, size = integer(attributes, "start"), integer(attributes, "size")
    return Call([outer, along * inner, start * inner, size * inner])


def pad_axis(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many runs, their padded length, where the data of each starts, and the data's length."""
    outer, along, inner = around(inputs[0], integer(attributes, "axis"))
    start, size = integer(attributes, "start"), integer(attributes, "size")
    return Call([outer, size * inner, start * inner, along * inner])


def permute(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Rows and width; beside them the order of the columns."""
    return Call(rows_of(inputs[0]), [np.array(integers(attributes, "order"), np.int32)])


def counts(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many numbers each input has."""
    return Call([element_count(shape) for shape in inputs])


def norms(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """How many norms."""
    return Call([element_count(inputs[1])])


def update(*flags: str) -> Encoder:
    """Count, whether weights decay, and then further switches."""

    def encoder(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
        switches = [int(bool(attributes[name])) for name in ("decay", *flags)]
        return Call([element_count(inputs[0]), *switches])

    return encoder


def running_mean(inputs: Shapes, outputs: Shapes, attributes: Attributes) -> Call:
    """Count, and which number of the step says how much is taken up."""
    return Call([element_count(inputs[0]), HYPER.index(str(attributes["share"]))])
