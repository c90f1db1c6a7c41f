"""What a plan needs beside its arena is capped before it is allocated, by every backend."""

import ctypes
import json
import tracemalloc

import numpy as np
import pytest

import loom_core
from loom_core import Conv1D, Conv2D, LimitError, Network, limits
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.simd.kernel_table import encode
from loom_core.backends.simd.records import Call
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import make_plan
from tests.support import simd_support
from tests.support.huge_records import HUGE

BACKENDS = {"numpy": NumpyBackend, "simd": simd_support.backend}

IMAGE = {"type": "conv2d", "input_height": 1, "input_width": 1, "input_channels": 1}
SEQUENCE = {"type": "conv1d", "input_length": 1, "input_channels": 1}
# Each in 32 bits: a negative product, one of 50,001 squared that is negative too, and one that
# comes out small and positive.
BORDERS = [(IMAGE, 46341, 46000), (IMAGE, 25000, 50000), (IMAGE, 46341, 46343)]
BORDERS += [(SEQUENCE, 2**31 - 1, 2**31 - 1), (SEQUENCE, 2**30, 2**30)]


@pytest.fixture(params=BACKENDS)
def runs(request):
    return BACKENDS[request.param]()


@pytest.mark.parametrize(("layer", "padding", "stride"), BORDERS)
def test_a_model_with_a_huge_border_is_refused_before_anything_is_allocated(layer, padding, stride):
    more = {"filters": 1, "kernel_size": 1, "stride": stride, "padding": padding}
    text = json.dumps({"layers": [{**layer, **more, "activation": "linear"}]})
    tracemalloc.start()
    with pytest.raises(LimitError, match=f"{layer['type']}: memory of one image with its padding"):
        loom_core.build_network_from_json(text).forward_cpu([1.0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize(
    "layer",
    [
        Conv2D(1, 1, 46343, 46341, input_channels=1, input_height=1, input_width=1),
        Conv1D(1, 1, 2**40, 2**40, input_channels=1, input_length=1),
    ],
    ids=["conv2d", "conv1d"],
)
def test_a_layer_made_in_code_meets_the_same_cap(runs, layer):
    network = Network(1, 1, 1, 1, backend=runs)
    network.set_layer(0, 0, 0, layer)
    message = r"cell \(0, 0\) layer 0.*one image with its padding"
    with pytest.raises(LimitError, match=message):
        network.forward_cpu([1.0])
    with pytest.raises(LimitError, match=message):
        Network.of(layer, input_size=1, backend=runs)


def test_the_op_itself_refuses_a_huge_border():
    graph = GraphBuilder()
    x, w = graph.input("x", (1, 1, 1, 1)), graph.input("w", (1, 1, 1, 1))
    with pytest.raises(LimitError, match="one image with its padding"):
        graph.emit("conv2d", x, w, stride=(46343, 46343), padding=(46341, 46341))


def test_the_largest_border_is_still_computed(runs, monkeypatch):
    monkeypatch.setattr(limits, "PLAN_BYTES", 200_000)
    for padding, fits in ((100, True), (112, False)):  # (2 padding + 1)^2 floats
        network = Network(1, 1, 1, 1, backend=runs)
        layer = Conv2D(
            1, 1, padding, padding, "linear", input_channels=1, input_height=1, input_width=1
        )
        network.set_layer(0, 0, 0, layer)
        if not fits:
            with pytest.raises(LimitError, match="one image with its padding"):
                network.forward_cpu([1.0])
            continue
        network.initialize_weights()
        y = network.forward_cpu([2.0]).reshape(3, 3)
        expected = np.zeros((3, 3), np.float32)
        expected[1, 1] = 2.0 * layer.weights["kernel"][0, 0, 0, 0]
        np.testing.assert_array_equal(y, expected)


def convolution_plan(batch, size, filters, kernel):
    graph = GraphBuilder()
    x = graph.input("x", (batch, 1, size, size))
    w = graph.input("w", (filters, 1, kernel, kernel))
    return make_plan(graph.graph, {"x": x, "w": w, "y": graph.emit("conv2d", x, w)})


def test_each_backend_counts_its_own_working_memory(runs, monkeypatch):
    plan = convolution_plan(batch=8, size=30, filters=2, kernel=15)
    runs.prepare(plan)
    # NumPy unrolls the patches of the whole batch, a kernel packs some columns at a time.
    beside = 4 * 8 * (15 * 15 * 16 * 16 + 30 * 30) if runs.name == "numpy" else 4 * 15 * 15 * 8
    monkeypatch.setattr(limits, "PLAN_BYTES", plan.arena_bytes + beside - 1)
    with pytest.raises(LimitError, match="working memory of a plan in bytes"):
        runs.prepare(plan)


def test_memory_that_the_machine_has_not_got_is_a_limit_too(runs, monkeypatch):
    monkeypatch.setattr(limits, "PLAN_BYTES", 2**63)
    graph = GraphBuilder()
    x, b = graph.input("x", (2**30, 2**20)), graph.input("b", (2**20,))
    plan = make_plan(graph.graph, {"x": x, "b": b, "y": graph.emit("add_bias", x, b)})
    with pytest.raises(LimitError, match="bytes of working memory, which are not to be had"):
        runs.prepare(plan)


def test_a_size_that_no_word_of_a_record_holds_is_a_limit_too(monkeypatch):
    monkeypatch.setattr(limits, "PLAN_BYTES", 2**63)
    graph = GraphBuilder()
    x = graph.input("x", (2**31,))
    plan = make_plan(graph.graph, {"x": x, "y": graph.emit("scale", x, factor=2.0)})
    with pytest.raises(LimitError, match=r"count to 2\^31 - 1, and one of \[2147483648, 2.0\]"):
        simd_support.backend().prepare(plan)


@pytest.mark.parametrize(("op", "parameters", "floats"), HUGE)
def test_working_memory_is_counted_beyond_32_bits(op, parameters, floats):
    graph = GraphBuilder()
    graph.emit("scale", graph.input("x", (1,)))
    node = graph.graph.nodes[0]
    object.__setattr__(node, "op", loom_core.graph.ops.OPS[op])
    record = encode(node, Call(parameters), ())
    pointer, words = ctypes.c_void_p(record.ctypes.data), ctypes.c_int32(record.size)
    assert simd_support.library().scratch_floats(pointer, words) == floats


def test_a_stride_that_no_record_holds_changes_nothing_where_one_cell_is_computed():
    found = []
    for runs in (simd_support.backend(), NumpyBackend()):
        network = Network.of(
            Conv1D(2, 3, 2**40, 1, "tanh", input_length=6), input_size=6, seed=1, backend=runs
        )
        y = network.forward_cpu(np.linspace(-1, 1, 6))
        found.append((y, network.backward_cpu(np.ones_like(y))))
    for simd, numpy in zip(*found, strict=True):
        np.testing.assert_allclose(simd, numpy, rtol=1e-6, atol=1e-7)
