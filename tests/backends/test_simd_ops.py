"""Every kernel against the NumPy definition in float32: values, gradients, updates, edges."""

import numpy as np
import pytest

from loom_core.activations import ACTIVATIONS
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.ops import OPS
from tests.support import tolerances
from tests.support.kernel_cases import (
    EDGES,
    KERNEL_CASES,
    arithmetic_at_the_edges,
    channels_far_from_zero,
    maxima_with_ties,
    node_on,
    nodes_with_inputs,
)
from tests.support.op_cases import OpCase
from tests.support.simd_support import GUARD, run_node
from tests.support.update_cases import SCALE_CASES, UPDATE_CASES


@pytest.mark.parametrize("case", KERNEL_CASES, ids=lambda case: case.id)
def test_kernel_equals_numpy_within_its_guard_words(case: OpCase):
    for node, inputs, expected in nodes_with_inputs(case, "simd"):
        tolerances.assert_op_close(node.op.name, run_node(node, inputs), expected)
        # Without guard words a buffer ends where its memory ends: the sanitizer sees every read.
        tolerances.assert_op_close(node.op.name, run_node(node, inputs, guard=0), expected)
        if node.op.in_place:
            found = run_node(node, inputs, in_place=True)
            tolerances.assert_op_close(node.op.name, found, expected)


@pytest.mark.parametrize("case", [*UPDATE_CASES, *SCALE_CASES], ids=lambda case: case.id)
def test_updates_change_what_numpy_changes_within_guard_words(case):
    for guard in (GUARD, 0):
        found = run_node(case.node(), case.inputs(), guard=guard)
        tolerances.assert_op_close(case.op, found, case.expected())


@pytest.mark.parametrize("case", UPDATE_CASES, ids=lambda case: case.id)
def test_a_step_that_must_not_happen_changes_no_bit(case):
    inputs = case.inputs(scale=np.nan)
    for changed, at in zip(run_node(case.node(), inputs), OPS[case.op].updates, strict=True):
        np.testing.assert_array_equal(changed, inputs[at])


def test_norms_of_a_million_numbers_are_exact_to_the_last_places():
    g = np.full(1_000_003, np.float32(0.1))
    graph = GraphBuilder()
    graph.emit("squared_norms", graph.input("g", g.shape))
    (norm,) = run_node(graph.graph.nodes[0], [g])[0]
    assert abs(norm / (g.size * np.float64(g[0]) ** 2) - 1) < 1e-6


def special(name, *arrays, **attributes):
    """Run one op on given numbers by its kernel and by NumPy; compare and return the kernel's."""
    node, inputs, expected = node_on(name, *arrays, **attributes)
    found = run_node(node, inputs)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-44)
    return found


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations_at_the_edges_of_float32(function):
    special("activate", [EDGES], function=function)


def test_arithmetic_at_the_edges_of_float32():
    for node, inputs, expected in arithmetic_at_the_edges():
        tolerances.assert_op_close(node.op.name, run_node(node, inputs), expected)


def test_channels_far_from_zero_are_normalised_all_the_same():
    for node, inputs, (by_numpy, *_), exact in channels_far_from_zero():
        for y in (by_numpy, run_node(node, inputs)[0]):
            np.testing.assert_allclose(y, exact, rtol=0, atol=1e-5)


def test_a_nan_is_never_swallowed():
    for function in ACTIVATIONS:
        (y,) = special("activate", [[1.0, np.nan, -1.0, 2.0, np.nan]], function=function)
        assert np.isnan(y).tolist() == [[False, True, False, False, True]]
    row = [1.0, 2.0, 3.0, 4.0, 5.0, np.nan]
    assert np.isnan(special("softmax", [row])[0]).all()
    target = [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]
    assert np.isnan(special("softmax_cross_entropy", [row], target)[0])
    assert np.isnan(special("cross_entropy", [[0.5, np.nan]], [[0.0, 1.0]])[0])
    assert np.isnan(special("mse", [[0.5, np.nan]], [[0.0, 1.0]])[0])
    special("matmul", [[1.0, np.nan]], [[1.0], [0.0]])


def test_of_equal_numbers_the_first_in_reading_order_takes_the_gradient():
    for node, inputs, expected in maxima_with_ties():
        tolerances.assert_op_close(node.op.name, run_node(node, inputs), expected)


def test_extreme_scores_have_finite_losses():
    special("softmax_cross_entropy", [[1000.0, -1000.0]], [[0.0, 1.0]])
    special("cross_entropy", [[1e-12, 0.5, -0.2]], [[1.0, 0.0, 1.0]])
    special("softmax", [[1e4, -1e4, 1e4]])


def test_numbers_that_name_no_row_give_zeros():
    table = np.arange(1.0, 11.0).reshape(5, 2)
    ids = [[-0.9, 4.9, 5.0, -1.0, np.nan, np.inf, -np.inf, 1e30]]
    (y,) = special("gather_rows", table, ids)
    assert y[0, :2].tolist() == [[1.0, 2.0], [9.0, 10.0]]
    assert not y[0, 2:].any()
