"""WGSL kernels beyond what one workgroup or one invocation holds, and as they run on hardware."""

import numpy as np
import pytest

from loom_core.activations import ACTIVATIONS
from loom_core.backends.webgpu.kernels import convolution, linear
from tests.support import tolerances
from tests.support.kernel_cases import (
    EDGES,
    KERNEL_CASES,
    LOSSES,
    arithmetic_at_the_edges,
    channels_far_from_zero,
    maxima_with_ties,
    node_on,
    nodes_with_inputs,
)
from tests.support.op_cases import OpCase
from tests.support.update_cases import SCALE_CASES, UPDATE_CASES
from tests.support.webgpu_support import device_as, run_node

ELSEWHERE = linear.ENCODERS.keys() | convolution.ENCODERS.keys()
"""Ops that test_webgpu_products tries in both kinds."""

# Long rows, many rows, many cells, many arrays, many axes.
LARGE = [
    OpCase("activate", ((3, 200_001),), {"function": "tanh"}),
    OpCase("add", ((4_300_001,), (4_300_001,))),
    OpCase("softmax", ((2, 70_000),)),
    OpCase("softmax", ((200_000, 3),)),
    OpCase("softmax", ((2, 3, 40, 50),), {"causal": True}),
    OpCase("softmax", ((0, 5),)),
    *(OpCase("entmax", ((3, 5000),), {"alpha": alpha}) for alpha in (1.001, 1.24, 1.5, 2.0)),
    OpCase("loom_entmax", ((3, 3000),), {"alpha": 1.5}),
    OpCase("layer_norm", ((3, 9001),)),
    OpCase("rms_norm", ((70_000, 2),)),
    OpCase("rnn_scan", ((7, 6, 10), (10, 10))),
    OpCase("lstm_scan", ((5, 3, 280), (280, 70))),
    OpCase("gru_scan", ((5, 3, 210), (70,), (210, 70))),
    OpCase("gather_rows", ((100, 7), (3, 3000))),
    OpCase("transpose", ((300, 701),), {"axes": (1, 0)}),
    OpCase("transpose", ((2,) * 12,), {"axes": tuple(range(11, -1, -1))}),
    *(
        OpCase(name, ((1, 2, 90, 200),), {"kernel": kernel, "stride": (1, 1), "padding": (0, 0)})
        for name in ("max_pool2d", "avg_pool2d")
        for kernel in ((90, 200), (80, 150))
    ),
    OpCase("concat", tuple((3, size) for size in range(1, 13)), {"axis": 1}),
]


def check(node, inputs, expected, software):
    found = run_node(node, inputs, device_as(software))
    tolerances.assert_op_close(node.op.name, found, expected)


@pytest.mark.parametrize("case", KERNEL_CASES, ids=lambda case: case.id)
def test_kernels_for_hardware_equal_numpy(case: OpCase):
    for node, inputs, expected in nodes_with_inputs(case):
        if node.op.name not in ELSEWHERE:
            check(node, inputs, expected, software=False)


@pytest.mark.parametrize("case", [*UPDATE_CASES, *SCALE_CASES], ids=lambda case: case.id)
def test_updates_for_hardware_equal_numpy(case):
    check(case.node(), case.inputs(), case.expected(), software=False)


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.id)
def test_large_shapes_equal_numpy(case: OpCase, software: bool):
    for node, inputs, expected in nodes_with_inputs(case):
        if node.op.name not in ELSEWHERE:
            check(node, inputs, expected, software)


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
@pytest.mark.parametrize("shape", [(20_000, 10), (3, 70_001)])
@pytest.mark.parametrize("name", sorted({case.op for case in LOSSES}))
def test_a_loss_of_many_numbers_is_their_exact_sum(name, shape, software):
    rng = np.random.default_rng(4)
    node, inputs, expected = node_on(name, rng.uniform(size=shape), rng.uniform(size=shape))
    exact = [np.empty(y.shape) for y in node.outputs]
    node.op.compute([x.astype(np.float64) for x in inputs], exact, node.attributes)
    check(node, inputs, [np.float32(exact[0]), expected[1]], software)


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
def test_a_squared_norm_of_many_numbers_is_their_exact_sum(software):
    gradients = [np.full((1500, 1000), 0.1), [1e25, 1.0], [np.nan], np.zeros((0, 2))]
    node, inputs, expected = node_on("squared_norms", *gradients)
    check(node, inputs, expected, software)


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
def test_the_norm_of_large_norms_does_not_overflow(software):
    node, inputs, _ = node_on("step_scale", 0.5, [3e38, 3e38, 1.0], 1.0, [0.0])
    scale, norm, halted = run_node(node, inputs, device_as(software))
    np.testing.assert_allclose(norm, np.sqrt(6e38), rtol=1e-6)
    np.testing.assert_allclose(scale, 1 / np.sqrt(6e38), rtol=1e-6)
    assert halted == [0]


@pytest.mark.parametrize(("rows", "width", "count"), [(1000, 7, 300), (50, 1, 9000), (3, 5, 5000)])
def test_rows_that_many_numbers_name_add_up_as_in_numpy(rows, width, count):
    rng = np.random.default_rng(5)
    ids = np.where(rng.uniform(size=count) < 0.1, -3, rng.integers(0, rows, count))
    node, inputs, expected = node_on(
        "scatter_add_rows", rng.standard_normal((count, width)), ids, rows=rows
    )
    check(node, inputs, expected, software=True)


def test_numbers_that_name_no_row_give_zeros():
    ids = [[-0.9, 4.9, 5.0, -1.0, np.nan, np.inf, -np.inf, 1e30]]
    node, inputs, expected = node_on("gather_rows", np.arange(1.0, 11.0).reshape(5, 2), ids)
    check(node, inputs, expected, software=True)


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
def test_of_equal_numbers_the_first_in_reading_order_takes_the_gradient(software):
    for node, inputs, expected in maxima_with_ties():
        check(node, inputs, expected, software)


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations_at_the_edges_of_float32(function):
    node, inputs, (expected,) = node_on("activate", [EDGES], function=function)
    (found,) = run_node(node, inputs)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2.0**-126)  # or flushed to 0


def test_arithmetic_at_the_edges_of_float32():
    for node, inputs, (expected,) in arithmetic_at_the_edges():
        (found,) = run_node(node, inputs)
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2.0**-126)  # or flushed to 0


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
def test_channels_far_from_zero_are_normalised_all_the_same(software):
    for node, inputs, _, exact in channels_far_from_zero():
        y = run_node(node, inputs, device_as(software))[0]
        np.testing.assert_allclose(y, exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
def test_a_nan_is_never_swallowed(software):
    row, target = [[1.0, 2.0, 3.0, 4.0, 5.0, np.nan]], [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]
    for name in ("softmax", "entmax", "loom_entmax", "layer_norm", "rms_norm"):
        node, inputs, _ = node_on(name, row)
        assert np.isnan(run_node(node, inputs, device_as(software))[0]).all(), name
    for name in ("mse", "cross_entropy", "softmax_cross_entropy"):
        node, inputs, _ = node_on(name, row, np.add(target, 1.0))
        assert np.isnan(run_node(node, inputs, device_as(software))[0]), name


def test_extreme_scores_have_finite_losses():
    for name, given, target in (
        ("softmax_cross_entropy", [[1000.0, -1000.0]], [[0.0, 1.0]]),
        ("cross_entropy", [[1e-12, 0.5, -0.2]], [[1.0, 0.0, 1.0]]),
    ):
        node, inputs, expected = node_on(name, given, target)
        assert np.isfinite(expected[0])
        check(node, inputs, expected, software=True)
