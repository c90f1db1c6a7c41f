"""Every kernel against the NumPy definition in float32: values, gradients, updates, edges."""

import re

import numpy as np
import pytest
import tolerances
from op_cases import CASES, OpCase
from simd_support import GUARD, SOURCES, run_node
from update_cases import GUARDS, UPDATE_CASES, UpdateCase

from loom_core.activations import ACTIVATIONS
from loom_core.backends.simd.records import ENCODERS
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import NoGradient
from loom_core.graph.ops import OPS
from loom_core.graph.ops.updates import OPS as UPDATES

WINDOW = {"stride": (1, 1), "padding": (1, 1)}


def products(m, k, n, *lead):
    return [
        OpCase(
            "matmul",
            ((*lead, k, m) if ta else (*lead, m, k), (*lead, n, k) if tb else (*lead, k, n)),
            {"transpose_a": ta, "transpose_b": tb},
        )
        for ta in (False, True)
        for tb in (False, True)
    ]


# Sizes beside and beyond a tile, a panel, a vector and a block.
LARGE = [
    *(case for m in range(1, 14) for case in products(m, 9, 17)),
    *products(65, 129, 33),
    *products(97, 257, 19),
    *products(3, 300, 520),
    *products(1, 65, 70),
    *products(70, 65, 1),
    *products(13, 7, 1, 3),
    *products(7, 13, 10, 2, 3),
    OpCase("matmul", ((2, 0), (0, 3))),
    OpCase("add_bias", ((65, 129), (129,)), {"axis": 1}),
    OpCase("add_bias", ((3, 5, 7, 9), (5,)), {"axis": 1}),
    OpCase("mul_channels", ((129, 6), (129,)), {"axis": 0}),
    OpCase("mul_channels", ((65, 35), (35,)), {"axis": 1}),
    OpCase("conv2d", ((2, 3, 17, 19), (7, 3, 3, 3)), WINDOW),
    OpCase("conv2d", ((3, 2, 28, 28), (13, 2, 5, 5)), {"stride": (2, 2), "padding": (2, 2)}),
    OpCase("conv2d", ((1, 4, 9, 33), (8, 4, 1, 3)), {"stride": (1, 1), "padding": (0, 1)}),
    OpCase("conv2d", ((2, 3, 1, 65), (6, 3, 1, 4)), {"stride": (1, 3), "padding": (0, 0)}),
    OpCase("conv2d", ((1, 1, 40, 20), (2, 1, 3, 3)), WINDOW),
    *(OpCase(name, ((5, 13), (5, 13))) for name in ("add", "mul")),
    *(OpCase("activate", ((5, 13),), {"function": name}) for name in ACTIVATIONS),
    *(
        OpCase("softmax", ((3, width),), {"temperature": 0.5})
        for width in (2, 3, 4, 6, 7, 8, 65, 129, 1030)
    ),
    OpCase("softmax", ((2, 5, 9),), {"causal": True}),
    OpCase("entmax", ((3, 65),), {"alpha": 1.5}),
    OpCase("entmax", ((3, 65),), {"alpha": 2.0, "temperature": 0.5}),
    OpCase("loom_entmax", ((3, 65),), {"alpha": 1.5}),
    OpCase("layer_norm", ((3, 129),)),
    OpCase("rms_norm", ((65, 67),)),
    OpCase("rnn_scan", ((9, 3, 17), (17, 17))),
    OpCase("rnn_scan", ((1, 7, 65), (65, 65))),
    OpCase("lstm_scan", ((9, 3, 68), (68, 17))),
    OpCase("lstm_scan", ((1, 5, 32), (32, 8))),
    OpCase("rope", ((2, 7, 3, 18),)),
    OpCase("gather_rows", ((65, 33), (7, 5))),
    OpCase("transpose", ((9, 17),), {"axes": (1, 0)}),
    OpCase("transpose", ((3, 5, 6, 7),), {"axes": (0, 2, 1, 3)}),
    OpCase("transpose", ((3, 5, 6, 7),), {"axes": (3, 1, 0, 2)}),
    OpCase("transpose", ((2, 1, 3, 4, 5),), {"axes": (4, 2, 0, 1, 3)}),
    OpCase("transpose", ((2, 0, 3),), {"axes": (2, 1, 0)}),
    OpCase("concat", ((65, 3), (65, 130)), {"axis": 1}),
    OpCase("concat", ((2, 0), (2, 3)), {"axis": 1}),
    OpCase("slice_axis", ((5, 65, 3),), {"axis": 1, "start": 7, "size": 50}),
    OpCase("slice_axis", ((2, 5),), {"axis": 1, "start": 1, "size": 0}),
    OpCase("pad_axis", ((5, 65, 3),), {"axis": 1, "start": 7, "size": 80}),
    OpCase("permute_columns", ((3, 37),), {"order": tuple(range(36, -1, -1))}),
]

LOSSES = [
    OpCase(name, (shape, shape), attributes)
    for name, attributes in (
        ("mse", {}),
        ("cross_entropy", {}),
        ("softmax_cross_entropy", {"temperature": 0.7}),
    )
    for shape in ((1, 1), (3, 5), (4, 8), (65, 129))
]


def nodes_with_inputs(case: OpCase):
    """Yield each node of a case's forward and backward graph with float32 inputs."""
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", shape) for i, shape in enumerate(case.shapes)]
    outputs = graph.emit_all(case.op, *values, **case.attributes)
    arrays = {v: x.astype(np.float32) for v, x in zip(values, case.inputs(), strict=True)}
    if case.op == "gather_rows":  # some numbers in the table, some outside
        arrays[values[1]] = arrays[values[1]] * case.shapes[0][0]
    if case in LOSSES:
        arrays = {v: np.abs(x) % 1 for v, x in arrays.items()}
    if not isinstance(OPS[case.op].gradient, NoGradient):
        dy = graph.input("dy", outputs[0].shape)
        draw = np.random.default_rng(7).standard_normal(dy.shape)
        arrays[dy] = draw.astype(np.float32)
        differentiate(graph, {outputs[0]: dy}, values)
    for node in graph.graph.nodes:
        inputs = [arrays[x.root].reshape(x.shape) for x in node.inputs]
        expected = [np.empty(y.shape, np.float32) for y in node.outputs]
        node.op.compute(inputs, expected, node.attributes)
        arrays.update(zip(node.outputs, expected, strict=True))
        yield node, inputs, expected


@pytest.mark.parametrize("case", [*CASES, *LARGE, *LOSSES], ids=lambda case: case.id)
def test_kernel_equals_numpy_within_its_guard_words(case: OpCase):
    for node, inputs, expected in nodes_with_inputs(case):
        tolerances.assert_op_close(node.op.name, run_node(node, inputs), expected)
        # Without guard words a buffer ends where its memory ends: the sanitizer sees every read.
        tolerances.assert_op_close(node.op.name, run_node(node, inputs, guard=0), expected)
        if node.op.in_place:
            found = run_node(node, inputs, in_place=True)
            tolerances.assert_op_close(node.op.name, found, expected)


@pytest.mark.parametrize("case", UPDATE_CASES, ids=lambda case: case.id)
def test_updates_change_what_numpy_changes_within_guard_words(case):
    node, inputs = case.node(), case.inputs()
    expected = [np.array(x) for x in inputs]
    made = [np.empty(y.shape, np.float32) for y in node.outputs]
    node.op.compute(expected, made, node.attributes)
    made += [expected[at] for at in node.op.updates]
    for guard in (GUARD, 0):
        tolerances.assert_op_close(case.op, run_node(node, inputs, guard=guard), made)


@pytest.mark.parametrize("name", [op.name for op in UPDATES if op.name not in GUARDS])
def test_a_step_that_must_not_happen_changes_no_bit(name):
    for decay in (False, True):
        case = UpdateCase(name, 7, {"decay": decay})
        inputs = case.inputs(scale=np.nan)
        for changed, at in zip(run_node(case.node(), inputs), OPS[name].updates, strict=True):
            np.testing.assert_array_equal(changed, inputs[at])


def test_norms_of_a_million_numbers_are_exact_to_the_last_places():
    g = np.full(1_000_003, np.float32(0.1))
    graph = GraphBuilder()
    graph.emit("squared_norms", graph.input("g", g.shape))
    (norm,) = run_node(graph.graph.nodes[0], [g])[0]
    assert abs(norm / (g.size * np.float64(g[0]) ** 2) - 1) < 1e-6


def test_every_op_has_a_kernel_and_a_tolerance():
    assert set(ENCODERS) == set(OPS) == set(tolerances.TOLERANCES)


def test_both_tables_of_kernels_have_one_order():
    rows = re.findall(r"^KERNEL\((\w+),", (SOURCES / "kernels.inc").read_text(), re.MULTILINE)
    assert rows == list(ENCODERS)


def special(name, *arrays, **attributes):
    """Run one op on given numbers by its kernel and by NumPy; compare and return the kernel's."""
    graph = GraphBuilder()
    inputs = [np.array(a, np.float32) for a in arrays]
    graph.emit_all(name, *(graph.input("x", x.shape) for x in inputs), **attributes)
    (node,) = graph.graph.nodes
    expected = [np.empty(y.shape, np.float32) for y in node.outputs]
    with np.errstate(all="ignore"):
        node.op.compute(inputs, expected, node.attributes)
    found = run_node(node, inputs)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-44)
    return found


EDGES = [0.0, -0.0, 1e-38, -1e-20, 20.0, -20.0, 88.0, -88.0, 800.0, -800.0, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations_at_the_edges_of_float32(function):
    special("activate", [EDGES], function=function)


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
