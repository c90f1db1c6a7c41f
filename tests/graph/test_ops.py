"""Every op: its value against an independent oracle, its gradient against finite differences."""

import numpy as np
import pytest

from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import NoGradient
from loom_core.graph.ops import OPS
from loom_core.graph.ops.updates import OPS as UPDATES
from tests.support import oracle
from tests.support.finite_differences import assert_close_to_differences, check_op
from tests.support.op_cases import CASES, OpCase


def run_op(name, inputs, attributes, dtype=np.float64):
    """Run one op by its NumPy definition and return all its outputs."""
    op = OPS[name]
    merged = {**op.attributes, **attributes}
    arrays = [np.array(x, dtype) for x in inputs]
    outputs = [np.full(s, np.nan, dtype) for s in op.shapes([a.shape for a in arrays], merged)]
    op.compute(arrays, outputs, merged)
    return outputs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_value_equals_oracle(case: OpCase):
    found = run_op(case.op, case.inputs(), case.attributes)[0]
    expected = oracle.ORACLES[case.op](*case.inputs(), **case.attributes)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_gradient_equals_finite_differences(case: OpCase):
    check_op(case.op, case.inputs(), case.attributes)


@pytest.mark.parametrize("case", [c for c in CASES if OPS[c.op].in_place], ids=lambda c: c.id)
def test_in_place_gives_the_same(case: OpCase):
    apart = run_op(case.op, case.inputs(), case.attributes)[0]
    inputs = case.inputs()
    op = OPS[case.op]
    op.compute(inputs, [inputs[0]], {**op.attributes, **case.attributes})
    np.testing.assert_array_equal(inputs[0], apart)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.op == "batch_norm"], ids=lambda case: case.id
)
def test_moments_of_a_batch_equal_the_oracles(case: OpCase):
    found = run_op(case.op, case.inputs(), case.attributes)
    expected = oracle.batch_norm_with_moments(*case.inputs(), **case.attributes)
    for array, independent in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, independent, rtol=1e-12, atol=1e-13)


def test_a_batch_far_from_0_loses_no_variance_in_float32():
    x = 1000 + np.random.default_rng(2).standard_normal((4000, 2))
    y, _, mean, variance = run_op("batch_norm", [x], {}, np.float32)
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(variance, x.var(axis=0, ddof=1), rtol=1e-3)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-3)


LOSS_CASES = [
    ("mse", (3, 5), {}),
    ("mse", (1, 1), {}),
    ("cross_entropy", (3, 5), {}),
    ("softmax_cross_entropy", (3, 5), {}),
    ("softmax_cross_entropy", (2, 1), {"temperature": 0.5}),
    ("softmax_cross_entropy", (4, 7), {"temperature": 2.0}),
]


@pytest.mark.parametrize(("name", "shape", "attributes"), LOSS_CASES)
def test_loss_value_and_gradient(name, shape, attributes):
    rng = np.random.default_rng(3)
    y = rng.uniform(0.1, 0.9, shape)
    t = rng.uniform(0.0, 1.0, shape)  # soft targets that do not sum to 1
    loss, dy = run_op(name, [y, t], attributes)
    np.testing.assert_allclose(loss, oracle.ORACLES[name](y, t, **attributes), rtol=1e-12)
    assert_close_to_differences(
        lambda: float(run_op(name, [y, t], attributes)[0]), {"y": y}, {"y": dy}
    )


def test_cross_entropy_below_the_floor_keeps_its_slope():
    p = np.array([[1e-12, 0.5, -0.2]])
    t = np.array([[1.0, 0.0, 1.0]])
    loss, dp = run_op("cross_entropy", [p, t], {})
    assert np.isfinite(loss)
    np.testing.assert_allclose(dp, [[-1e7, 0.0, -1e7]])
    assert_close_to_differences(
        lambda: float(run_op("cross_entropy", [p * 1e-7, t], {})[0]), {"p": p}, {"p": dp * 1e-7}
    )


def test_cross_entropy_of_extreme_scores_is_finite_in_float32():
    scores = np.array([[1000.0, -1000.0]])
    loss, dz = run_op("softmax_cross_entropy", [scores, [[0.0, 1.0]]], {}, np.float32)
    assert loss == 2000.0
    np.testing.assert_array_equal(dz, [[1.0, -1.0]])


def test_softplus_and_sigmoid_do_not_overflow_in_float32():
    x = [[800.0, -800.0]]
    (y,) = run_op("activate", [x], {"function": "softplus"}, np.float32)
    np.testing.assert_array_equal(y, [[800.0, 0.0]])
    (y,) = run_op("activate", [x], {"function": "sigmoid"}, np.float32)
    np.testing.assert_array_equal(y, [[1.0, 0.0]])


def test_table_is_complete():
    covered = (
        {case.op for case in CASES} | {name for name, *_ in LOSS_CASES} | {u.name for u in UPDATES}
    )
    without_rule = {op.name for op in OPS.values() if isinstance(op.gradient, NoGradient)}
    backward_only = without_rule - covered  # checked as the gradients of the others
    assert covered | backward_only == set(OPS)
    for name in backward_only:
        assert "only emitted by the gradient rule" in OPS[name].gradient.reason


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("matmul", [(2, 3), (4, 5)], "contract 3 with 4"),
        ("matmul", [(2, 3), (3,)], "two matrices"),
        ("batch_norm", [(0, 3)], "at least one number a channel"),
        ("add_bias", [(2, 3), (4,)], "one number a channel"),
        ("conv2d", [(1, 2, 3, 3), (1, 1, 2, 2)], "equal C"),
        ("conv2d", [(1, 1, 2, 2), (1, 1, 5, 5)], "does not fit"),
        ("add", [(2,), (3,)], "equal shapes"),
        ("mse", [(2, 1), (2, 2)], "the target has shape"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, shapes, message):
    graph = GraphBuilder()
    with pytest.raises(ShapeError, match=message):
        graph.emit(name, *(graph.input("x", shape) for shape in shapes))


def test_costs_count_multiply_adds_twice():
    graph = GraphBuilder()
    graph.emit("matmul", graph.input("a", (2, 3)), graph.input("b", (3, 5)))
    node = graph.graph.nodes[0]
    assert node.op.flops([(2, 3), (3, 5)], [(2, 5)], node.attributes) == 2 * 2 * 3 * 5
    conv = OPS["conv2d"]
    assert conv.flops([(1, 2, 4, 4), (3, 2, 3, 3)], [(1, 3, 2, 2)], {}) == 2 * 12 * 18
