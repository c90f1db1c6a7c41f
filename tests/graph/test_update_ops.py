"""The ops that change parameters against formulas written once more, one number at a time."""

import math

import numpy as np
import pytest

from loom_core.errors import ShapeError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.ops import OPS
from tests.support.update_cases import UPDATE_CASES
from tests.support.weights import assert_same_arrays


def expected_of(case, inputs):
    """Return w and the states after one step, by PyTorch's documented algorithms."""
    w, dw, *state, hyper, scale = (np.asarray(x, np.float64) for x in inputs)
    rate, momentum, fresh, fresh_squares, decay, epsilon, mean_up, root_up = hyper
    decay = decay if case.attributes.get("decay") else 0.0
    rows = []
    for i in range(case.count):
        g = scale * dw[i] + (0.0 if case.op == "adamw" else decay * w[i])
        held = [s[i] for s in state]
        if case.op == "running_mean":
            share = {"fresh": fresh, "fresh_squares": fresh_squares}[case.attributes["share"]]
            rows.append([(1 - share) * w[i] + share * dw[i]])
            continue
        if case.op == "descend":
            rows.append([w[i] - rate * (dw[i] + decay * w[i])])
            continue
        if case.op == "sgd":
            step = g
        elif case.op == "momentum":
            held[0] = momentum * held[0] + fresh * g
            step = g + momentum * held[0] if case.attributes.get("nesterov") else held[0]
        elif case.op == "adamw":
            held[0] = (1 - fresh) * held[0] + fresh * g
            held[1] = (1 - fresh_squares) * held[1] + fresh_squares * g * g
            step = decay * w[i] + held[0] * mean_up / (math.sqrt(held[1]) * root_up + epsilon)
        else:
            held[0] = (1 - fresh_squares) * held[0] + fresh_squares * g * g
            step = g / (math.sqrt(held[0]) + epsilon)
            if case.op == "rmsprop_momentum":
                held[1] = step = momentum * held[1] + step
        rows.append([w[i] - rate * step, *held])
    return list(np.array(rows).T)


@pytest.mark.parametrize("case", UPDATE_CASES, ids=lambda case: case.id)
def test_an_update_is_the_documented_formula(case):
    inputs = [x.astype(np.float64) for x in case.inputs()]
    expected = expected_of(case, inputs)
    op = OPS[case.op]
    op.compute(inputs, [], {**op.attributes, **case.attributes})
    for at, values in zip(op.updates, expected, strict=True):
        np.testing.assert_allclose(inputs[at], values, rtol=1e-13)


@pytest.mark.parametrize("case", UPDATE_CASES, ids=lambda case: case.id)
def test_a_scale_of_nan_changes_nothing(case):
    inputs = case.inputs(scale=np.nan)
    before = [x.copy() for x in inputs]
    op = OPS[case.op]
    op.compute(inputs, [], {**op.attributes, **case.attributes})
    assert_same_arrays(inputs, before)


def step_scale(loss, norms, limit, halted):
    flag = np.array([halted], np.float32)
    scale, norm = np.zeros((), np.float32), np.zeros((), np.float32)
    inputs = [np.float32(loss), np.array(norms, np.float32), np.float32(limit), flag]
    OPS["step_scale"].compute(inputs, [scale, norm], {})
    return float(scale), float(norm), float(flag[0])


@pytest.mark.parametrize(
    ("loss", "norms", "limit", "halted", "scale", "norm"),
    [
        (0.5, [9.0, 16.0], 0.0, 0, 1.0, 5.0),
        (0.5, [9.0, 16.0], 5.0, 0, 1.0, 5.0),
        (0.5, [9.0, 16.0], 2.5, 0, 0.5, 5.0),
        (0.5, [0.0], 1.0, 0, 1.0, 0.0),
        (math.nan, [9.0, 16.0], 1.0, 0, None, 5.0),
        (math.inf, [9.0, 16.0], 1.0, 0, None, 5.0),
        (0.5, [9.0, math.nan], 1.0, 0, None, math.nan),
        (0.5, [9.0, math.inf], 0.0, 0, None, math.inf),
        (0.5, [9.0, 16.0], 0.0, 1, None, 5.0),
    ],
)
def test_the_scale_clips_or_forbids_the_step(loss, norms, limit, halted, scale, norm):
    found = step_scale(loss, norms, limit, halted)
    expected = (math.nan if scale is None else scale, norm, float(scale is None))
    np.testing.assert_equal(found, expected)


def test_squared_norms_count_every_number_of_every_gradient():
    rng = np.random.default_rng(0)
    gradients = [
        rng.standard_normal(shape).astype(np.float32) for shape in ((), (3, 5), (0,), (7,))
    ]
    norms = np.empty(4, np.float32)
    OPS["squared_norms"].compute(gradients, [norms], {})
    expected = [math.fsum(float(x) ** 2 for x in g.reshape(-1)) for g in gradients]
    np.testing.assert_allclose(norms, expected, rtol=1e-6)


def test_a_norm_beyond_float32_is_infinite_and_forbids_the_step():
    norms = np.empty(1, np.float32)
    OPS["squared_norms"].compute([np.full(2, 1e30, np.float32)], [norms], {})
    assert math.isinf(norms[0])
    assert step_scale(0.5, norms, 1.0, 0)[2] == 1.0


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("sgd", [(2,), (3,), (8,), ()]),
        ("sgd", [(2,), (2,), (7,), ()]),
        ("adamw", [(2,), (2,), (2,), (3,), (8,), ()]),
        ("step_scale", [(1,), (2,), (), (1,)]),
        ("step_scale", [(), (2,), (), ()]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, shapes):
    graph = GraphBuilder()
    with pytest.raises(ShapeError, match="needs"):
        graph.emit_update(name, *(graph.input("x", shape) for shape in shapes))
