"""Plans: memory is shared only between values that are never alive together."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from loom_core import LimitError, limits
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import make_plan


@st.composite
def random_graphs(draw):
    """A chain of elementwise ops with random reuse of earlier values."""
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(["add", "scale", "tanh", "softmax"]),
                st.integers(0, 99),
                st.integers(0, 99),
            ),
            min_size=1,
            max_size=25,
        )
    )


@settings(max_examples=150, deadline=None)
@given(random_graphs(), st.integers(0, 99))
def test_shared_memory_gives_the_results_of_separate_memory(ops, kept):
    graph = GraphBuilder()
    x = graph.input("x", (2, 3))
    start = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
    values, expected = [x], [start]
    for name, i, j in ops:
        a, b = i % len(values), j % len(values)
        if name == "add":
            values.append(graph.emit("add", values[a], values[b]))
            expected.append(expected[a] + expected[b])
        elif name == "scale":
            values.append(graph.emit("scale", values[a], factor=0.5))
            expected.append(expected[a] * 0.5)
        elif name == "tanh":
            values.append(graph.emit("activate", values[a], function="tanh"))
            expected.append(np.tanh(expected[a]))
        else:
            values.append(graph.emit("softmax", values[a]))
            powers = np.exp(expected[a] - expected[a].max(axis=1, keepdims=True))
            expected.append(powers / powers.sum(axis=1, keepdims=True))
    middle = kept % len(values)
    plan = make_plan(graph.graph, {"x": x, "mid": values[middle], "end": values[-1]}, np.float64)
    program = NumpyBackend().prepare(plan)
    for _ in range(2):  # a second run finds what the first one left
        program.write("x", start)
        program.run()
        np.testing.assert_allclose(program.read("mid"), expected[middle], rtol=1e-12)
        np.testing.assert_allclose(program.read("end"), expected[-1], rtol=1e-12)


def chain(length):
    graph = GraphBuilder()
    x = graph.input("x", (64, 64))
    y = x
    for _ in range(length):
        y = graph.emit("matmul", y, y)
    return graph, x, y


def test_a_long_chain_needs_no_more_memory_than_a_short_one():
    sizes = []
    for length in (3, 30):
        graph, x, y = chain(length)
        sizes.append(make_plan(graph.graph, {"x": x, "y": y}).arena_bytes)
    assert sizes[0] == sizes[1] == 3 * 64 * 64 * 4  # the input port, and two in turn


def test_what_nobody_reads_is_not_computed():
    graph, x, y = chain(2)
    graph.emit("scale", y, factor=3.0)
    plan = make_plan(graph.graph, {"x": x, "y": y})
    assert [node.op.name for node in plan.nodes] == ["matmul", "matmul"]


def test_a_bias_applies_the_activation_that_alone_reads_it():
    bias = np.array([1.0, -9.0, 0.5], np.float32)
    for watched in (False, True):
        graph = GraphBuilder()
        x = graph.input("x", (2, 3))
        biased = graph.emit("add_bias", x, graph.parameter(bias, "b"), axis=1)
        y = graph.emit("activate", biased, function="tanh")
        ports = {"x": x, "y": y} | ({"biased": biased} if watched else {})
        plan = make_plan(graph.graph, ports)
        names = [node.op.name for node in plan.nodes]
        assert names == (["add_bias", "activate"] if watched else ["add_bias"])
        program = NumpyBackend().prepare(plan)
        data = np.array([[0.0, 9.0, -0.25], [2.0, 8.5, 0.5]], np.float32)
        program.write("x", data)
        program.run()
        np.testing.assert_allclose(program.read("y"), np.tanh(data + bias), rtol=1e-6)


def test_a_bias_keeps_apart_an_activation_whose_gradient_reads_between_them():
    for function, kept in (("tanh", False), ("gelu", True)):
        graph = GraphBuilder()
        x = graph.input("x", (2, 3))
        biased = graph.emit("add_bias", x, graph.parameter(np.ones(3, np.float32), "b"), axis=1)
        y = graph.emit("activate", biased, function=function)
        dx = differentiate(graph, {y: graph.input("dy", (2, 3))}, [x])[x]
        names = [node.op.name for node in make_plan(graph.graph, {"x": x, "y": y, "dx": dx}).nodes]
        assert names == ["add_bias", *(["activate"] if kept else []), "activate_dx"]


def test_a_plan_over_the_memory_limit_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "PLAN_BYTES", 1000)
    graph, x, y = chain(2)
    with pytest.raises(LimitError, match="working memory of a plan"):
        make_plan(graph.graph, {"x": x, "y": y})


def test_guard_bytes_around_values_stay_untouched():
    graph = GraphBuilder()
    x = graph.input("x", (1, 3))  # 12 bytes in a slot of 64
    y = graph.emit("softmax", x)
    program = NumpyBackend().prepare(make_plan(graph.graph, {"x": x, "y": y}))
    program._arena[:] = 0xA5
    program.write("x", np.array([1.0, 2.0, 3.0], np.float32))
    program.run()
    used = {*range(12), *range(64, 76)}
    rest = [int(b) for i, b in enumerate(program._arena) if i not in used]
    assert set(rest) == {0xA5}
