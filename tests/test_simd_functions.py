"""The vector functions against float64: the largest errors that functions.h states."""

import numpy as np
import pytest
from simd_support import run_node

from loom_core.graph.builder import GraphBuilder


def kernel_values(function, x):
    graph = GraphBuilder()
    graph.emit("activate", graph.input("x", x.shape), function=function)
    return run_node(graph.graph.nodes[0], [x])[0]


def units_in_the_last_place(found, exact):
    spacing = np.spacing(np.maximum(np.abs(exact), 2.0**-126).astype(np.float32))
    return float(np.max(np.abs(found.astype(np.float64) - exact) / spacing))


def magnitudes(low, high, count=200_000):
    """Both signs, evenly over the exponents."""
    x = np.geomspace(low, high, count)
    return np.concatenate([x, -x]).astype(np.float32)


EXACT = {
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x < 0, np.exp(x), 1.0) / (1.0 + np.exp(-np.abs(x))),
    "softplus": lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
}


@pytest.mark.parametrize(
    ("function", "low", "high", "bound"),
    [("tanh", 1e-30, 30.0, 4), ("sigmoid", 1e-6, 87.0, 3), ("softplus", 1e-6, 87.0, 4)],
)
def test_activation_error(function, low, high, bound):
    x = magnitudes(low, high)
    exact = EXACT[function](x.astype(np.float64))
    assert units_in_the_last_place(kernel_values(function, x), exact) <= bound


def test_exponential_error():
    """A softmax of (x, 0) with x so low that the sum is 1 shows exp(x) itself."""
    x = -np.linspace(20.0, 87.0, 100_000).astype(np.float32)
    rows = np.stack([x, np.zeros_like(x)], axis=1)
    graph = GraphBuilder()
    graph.emit("softmax", graph.input("x", rows.shape))
    (y,) = run_node(graph.graph.nodes[0], [rows])
    assert units_in_the_last_place(y[:, 0], np.exp(x.astype(np.float64))) <= 2


def test_logarithm_error():
    """One probability a call: the loss of it is -ln(p)."""
    graph = GraphBuilder()
    p, t = graph.input("p", (1, 1)), graph.input("t", (1, 1))
    graph.emit_all("cross_entropy", p, t)
    worst = 0.0
    for p_value in np.geomspace(1.1e-7, 50.0, 5_000).astype(np.float32):
        loss, _ = run_node(graph.graph.nodes[0], [np.full((1, 1), p_value), np.ones((1, 1))])
        exact = -np.log(np.float64(p_value))
        worst = max(worst, units_in_the_last_place(np.asarray(loss), exact))
    assert worst <= 3
