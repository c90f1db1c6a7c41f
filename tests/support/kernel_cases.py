"""What kernels are tried on, whatever they are written in: op cases beside and beyond a tile.

Nothing here needs a test runner, so that the same list runs inside a browser's Python.
"""

import numpy as np

from loom_core.activations import ACTIVATIONS
from loom_core.backends.missing_kernels import MISSING_KERNELS
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import NoGradient
from loom_core.graph.ops import OPS
from tests.support.op_cases import CASES, OpCase, products

WINDOW = {"stride": (1, 1), "padding": (1, 1)}


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
    *(
        OpCase(name, (shape,), {"kernel": kernel, "stride": stride, "padding": padding})
        for name in ("max_pool2d", "avg_pool2d")
        for shape, kernel, stride, padding in (
            ((3, 5, 17, 19), (2, 2), (2, 2), (0, 0)),
            ((2, 7, 16, 21), (3, 3), (2, 2), (1, 1)),
            ((1, 3, 13, 26), (5, 5), (1, 1), (2, 2)),
            ((2, 3, 20, 33), (20, 33), (1, 1), (0, 0)),
            ((1, 2, 9, 40), (4, 19), (3, 7), (2, 9)),
            ((3, 1, 1, 70), (1, 6), (1, 2), (0, 3)),
            ((0, 2, 5, 5), (2, 2), (2, 2), (0, 0)),
        )
    ),
    OpCase("conv2d", ((1, 1, 40, 20), (2, 1, 3, 3)), WINDOW),
    *(OpCase(name, ((5, 13), (5, 13))) for name in ("add", "mul", "div")),
    *(OpCase(name, ((5, 13),)) for name in ("sqrt", "sign")),
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
    OpCase("batch_norm", ((130, 35),)),
    OpCase("batch_norm", ((3, 5, 17, 19),)),
    OpCase("batch_norm", ((2, 67, 9),)),
    OpCase("rnn_scan", ((9, 3, 17), (17, 17))),
    OpCase("rnn_scan", ((1, 7, 65), (65, 65))),
    OpCase("lstm_scan", ((9, 3, 68), (68, 17))),
    OpCase("lstm_scan", ((1, 5, 32), (32, 8))),
    OpCase("gru_scan", ((9, 3, 51), (17,), (51, 17))),
    OpCase("gru_scan", ((1, 5, 24), (8,), (24, 8))),
    OpCase("gru_scan", ((0, 5, 9), (3,), (9, 3))),
    OpCase("gru_scan", ((2, 0, 9), (3,), (9, 3))),
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
    OpCase("squared_norms", ((3, 5),)),
    OpCase("squared_norms", ((), (0,), (2, 3, 4), (1,), (129,), (700, 3))),
    OpCase("squared_norms", tuple((size,) for size in range(1, 40))),
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


KERNEL_CASES = [*CASES, *LARGE, *LOSSES]


def nodes_with_inputs(case: OpCase, backend: str = "webgpu"):
    """Yield each node of a case's forward and backward graph with float32 inputs and NumPy's word.

    Nodes whose op is known to have no kernel on the backend are left out.
    """
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", shape) for i, shape in enumerate(case.shapes)]
    outputs = graph.emit_all(case.op, *values, **case.attributes)
    arrays = {v: x.astype(np.float32) for v, x in zip(values, case.inputs(), strict=True)}
    if case.op == "gather_rows":  # some numbers in the table, some outside
        arrays[values[1]] = arrays[values[1]] * case.shapes[0][0]
    if case.op.endswith("_scan"):  # a recurrence that does not multiply roundings
        arrays[values[-1]] = arrays[values[-1]] / np.float32(np.sqrt(case.shapes[-1][1]))
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
        if backend not in MISSING_KERNELS.get(node.op.name, ()):
            yield node, inputs, expected


EDGES = [0.0, -0.0, 1e-38, -1e-20, 20.0, -20.0, 88.0, -88.0, 800.0, -800.0, np.inf, -np.inf, np.nan]
"""What an elementwise kernel may meet."""


def node_on(name, *arrays, **attributes):
    """Return a node of an op for given numbers, these as float32, and what NumPy makes of them."""
    graph = GraphBuilder()
    inputs = [np.array(a, np.float32) for a in arrays]
    graph.emit_all(name, *(graph.input("x", x.shape) for x in inputs), **attributes)
    (node,) = graph.graph.nodes
    expected = [np.empty(y.shape, np.float32) for y in node.outputs]
    with np.errstate(all="ignore"):
        node.op.compute(inputs, expected, node.attributes)
    return node, inputs, expected


def maxima_with_ties():
    """Yield pooling and its gradient where cells are equal, NaN, or all of a window -infinity.

    Of equal ones the first in reading order is the largest, as in PyTorch.
    """
    x = np.random.default_rng(3).integers(0, 2, (2, 1, 7, 19)).astype(np.float32)
    x[1, 0, 3, 4:6] = np.nan
    x[1, 0, 5, 17] = np.nan
    x[0, 0, :3, :3] = -np.inf
    for kernel, stride, padding in (((2, 3), (1, 1), (1, 1)), ((3, 9), (2, 3), (1, 4))):
        window = {"kernel": kernel, "stride": stride, "padding": padding}
        node, inputs, (y,) = node_on("max_pool2d", x, **window)
        yield node, inputs, [y]
        yield node_on("max_pool2d_dx", np.arange(float(y.size)).reshape(y.shape), x, **window)


def arithmetic_at_the_edges():
    """Yield division, square root and sign of what an elementwise kernel may meet."""
    a, b = (grid.ravel() for grid in np.meshgrid(EDGES, EDGES))
    yield node_on("div", a, b)
    yield node_on("sqrt", EDGES)
    yield node_on("sign", EDGES)


def channels_far_from_zero():
    """Yield the normalisation of channels whose mean is far larger than their deviation.

    The last of them do not vary at all. Beside node, inputs and NumPy's word: the exact result.
    """
    rng = np.random.default_rng(11)
    for shape in ((64, 9), (3, 9, 5, 7)):
        around, along = (0, *range(2, len(shape))), (1, -1, *(1,) * (len(shape) - 2))
        mean = np.array([0.0, 1e3, 1e4, -1e4, 1e6, 1e4, 0.1, 1e4 + 0.1, 1e6 + 0.3]).reshape(along)
        deviation = np.array([1.0, 1e-2, 1e-2, 1.0, 1.0, 10.0, 0.0, 0.0, 0.0]).reshape(along)
        x = np.float32(mean + deviation * rng.standard_normal(shape))
        wide = x.astype(np.float64)
        left = wide - wide.mean(around, keepdims=True)
        variance = np.square(left).mean(around, keepdims=True)
        yield *node_on("batch_norm", x), left / np.sqrt(variance + 1e-5)
