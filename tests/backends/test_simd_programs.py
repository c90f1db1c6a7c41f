"""What a SIMD program does with ops, plans, arrays and records that its kernels cannot take."""

import ctypes

import numpy as np
import pytest

from loom_core import BackendError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import make_plan
from tests.support.simd_support import backend


@pytest.mark.usefixtures("strange")
def test_an_op_without_a_kernel_runs_by_its_definition_and_is_counted():
    graph = GraphBuilder()
    x = graph.input("x", (2, 3))
    y = graph.emit("scale", graph.emit("strange", graph.emit("scale", x, factor=2.0)), factor=3.0)
    program = backend().prepare(make_plan(graph.graph, {"x": x, "y": y}))
    program.write("x", np.arange(6))
    program.run()
    np.testing.assert_array_equal(program.read("y").reshape(-1), -6.0 * np.arange(6))
    assert dict(program.fallbacks) == {"strange": 1}


def test_a_plan_of_float64_is_refused():
    graph = GraphBuilder()
    x = graph.input("x", (2,))
    plan = make_plan(graph.graph, {"x": x, "y": graph.emit("scale", x)}, np.float64)
    with pytest.raises(BackendError, match="float32"):
        backend().prepare(plan)


def test_a_weight_array_that_is_not_dense_is_refused():
    graph = GraphBuilder()
    x = graph.input("x", (2,))
    y = graph.emit("add", x, graph.constant(np.zeros(4, np.float32)[::2]))
    with pytest.raises(BackendError, match="dense float32"):
        backend().prepare(make_plan(graph.graph, {"x": x, "y": y}))


def test_a_record_that_names_no_kernel_is_reported():
    records = np.array([0x7FFFFFFF, 4, 0, 0], np.int32)
    pointer, size = ctypes.c_void_p(records.ctypes.data), ctypes.c_int32(4)
    assert backend().library.run(pointer, size, None) == 0
    assert backend().library.scratch_floats(pointer, size) == -1
