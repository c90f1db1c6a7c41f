"""The trial of each kernel on its device: right ones pass it, wrong ones are refused, both fast."""

import functools
from dataclasses import replace

import pytest

from loom_core import BackendError
from loom_core.backends.webgpu.dispatch import Adapter
from loom_core.backends.webgpu.kernel_table import kernel_of
from loom_core.backends.webgpu.kernel_variants import SMALL_WORK, smallest, variant_of, work
from loom_core.backends.webgpu.program import WebGpuProgram
from loom_core.backends.webgpu.residents import Residents
from loom_core.backends.webgpu.self_check import SelfCheck, variants
from loom_core.backends.webgpu.shader_files import shader_source
from loom_core.backends.webgpu.wgpu_device import open_wgpu_device
from loom_core.cooperative import finish
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from tests.support.kernel_cases import KERNEL_CASES, LOSSES, nodes_with_inputs
from tests.support.op_cases import OpCase
from tests.support.product_cases import BEYOND_TILES
from tests.support.update_cases import SCALE_CASES, UPDATE_CASES, ScaleCase, UpdateCase
from tests.support.webgpu_support import device_as


def check(nodes, device):
    """Try the kernels of some nodes, and raise what is wrong with them."""
    residents = Residents(device)
    checks = SelfCheck(device, lambda plan: WebGpuProgram(plan, device, residents))
    used = variants(nodes, [kernel_of(node, device.adapter) for node in nodes])
    finish(checks.require(used))
    assert checks.passed(used)


def nodes_of(case):
    if isinstance(case, OpCase):
        return [node for node, _, _ in nodes_with_inputs(case)]
    return [case.node()]


def nodes_without_numbers(case: OpCase):
    """Return the nodes of a case too large to compute."""
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", shape) for i, shape in enumerate(case.shapes)]
    y = graph.emit(case.op, *values, **case.attributes)
    differentiate(graph, {y: graph.input("dy", y.shape)}, values)
    return graph.graph.nodes


@functools.cache
def nodes_by_op():
    found = {}
    for case in (*KERNEL_CASES, *BEYOND_TILES, *UPDATE_CASES, *SCALE_CASES):
        for node in nodes_of(case):
            found.setdefault(node.op.name, []).append(node)
    return found


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
@pytest.mark.parametrize("op", sorted(nodes_by_op()))
def test_no_kernel_that_is_right_is_refused(op: str, software: bool):
    device = device_as(software)
    before = device.memory_bytes
    check(nodes_by_op()[op], device)
    assert device.memory_bytes == before


CONV = OpCase("conv2d", ((2, 3, 9, 8), (5, 3, 3, 3)), {"stride": (1, 1), "padding": (1, 1)})
LSTM = OpCase("lstm_scan", ((3, 4, 20), (20, 5)))
GRU = OpCase("gru_scan", ((3, 4, 15), (5,), (15, 5)))
POOLING = {"kernel": (3, 3), "stride": (2, 2), "padding": (1, 1)}
MAXIMA = OpCase("max_pool2d", ((2, 3, 9, 8),), POOLING)
MEANS = OpCase("avg_pool2d", ((2, 3, 9, 8),), POOLING)
PRODUCT = OpCase("matmul", ((70, 40), (40, 37)))
BY_VECTORS = OpCase("matmul", ((64, 40), (40, 64)))
TABLE = OpCase("gather_rows", ((30, 7), (2, 20)))
STEP = ScaleCase(0.5, (9.0, 16.0), 5.0)

MUTATIONS = [
    (TABLE, "value = table[row * sizes.width", "value = table[0u * row"),
    (TABLE, "finite && id > -1.0 && id < f32(rows)", "finite && id < f32(rows)"),
    (TABLE, "n = linked[n - adding.first].y;", "n = NONE;"),
    *(
        (OpCase("activate", ((5, 13),), {"function": function}), right, wrong)
        for function, right, wrong in (
            ("leaky_relu", "select(x, LEAKY_SLOPE * x, x < 0.0)", "x"),
            ("leaky_relu", "select(1.0, LEAKY_SLOPE, y < 0.0)", "1.0"),
            ("scaled_relu", "select(x, 0.0, x < 0.0)", "x"),
            ("softplus", "select(x, 0.0, x < 0.0) +", "x +"),
        )
    ),
    (OpCase("softmax", ((3, 5, 9),), {"causal": True}), "row % sizes.steps + 1u", "2u"),
    (OpCase("softmax", ((3, 9),), {"causal": True}), "y[start + i] = 0.0;", ""),
    (OpCase("softmax", ((3, 9),), {"temperature": 0.5}), "/ sizes.temperature", ""),
    (OpCase("entmax", ((3, 9),), {"alpha": 2.0}), "if (value <= 0.0)", "if (false)"),
    (OpCase("entmax", ((3, 9),), {"alpha": 1.5}), "if (sizes.excess == 1.0)", "if (true)"),
    (OpCase("loom_entmax", ((3, 9),), {"alpha": 1.5}), "d_sparse -= d_tau;", ""),
    (OpCase("layer_norm", ((3, 9),)), "x[start + i] - mean;", "x[start + i];"),
    (OpCase("layer_norm", ((3, 9),)), "dy[start + i] - mean - ", "dy[start + i] - "),
    (LOSSES[1], "d * pieces.scale", "abs(d) * pieces.scale"),
    (OpCase("cross_entropy", ((3, 5), (3, 5))), "probability < PROBABILITY_FLOOR)", "false)"),
    (OpCase("softmax_cross_entropy", ((3, 5), (3, 5))), "* share - t[i]", "- t[i]"),
    (LSTM, "cell += f * ", "cell += i * "),
    (LSTM, "dc += later_c[block * hidden + j];", ""),
    (MAXIMA, "b.value > a.value", "b.value < a.value"),
    (MAXIMA, "min(start + kernel - padding, size)", "start + kernel - padding"),
    (MAXIMA, "found[window] == p.row % area", "found[window] != p.row % area"),
    (MEANS, "total / (f32(sizes", "total / (1.0 + f32(sizes"),
    (MEANS, "min(last / stride + 1u, count)", "min(last / stride, count)"),
    (GRU, "carried[2] + b[j]", "carried[2] - b[j]"),
    (GRU, "now += through[block * hidden + j];", ""),
    (OpCase("rnn_scan", ((3, 4, 5), (5, 5))), "u[cells.w]) + z)", "u[cells.w]))"),
    (OpCase("rope", ((2, 7, 3, 18),)), "sizes.heads % sizes.steps", "sizes.heads % 1u"),
    (OpCase("transpose", ((9, 17),), {"axes": (1, 0)}), "x_start + i *", "x_start + 0u * i *"),
    (OpCase("pad_axis", ((5, 6),), {"axis": 1, "start": 2, "size": 9}), "from_x >= 0 &&", ""),
    (CONV, "h < s.height && w < s.width", "w < s.width"),
    (PRODUCT, "depth < t.depth.y; depth += DEPTH", "depth < t.depth.x + 1u; depth += DEPTH"),
    (PRODUCT, "exist & vec4(depth + d < t.depth.y)", "exist"),
    (BY_VECTORS, "depth < t.depth.y; depth += DEPTH", "depth < t.depth.x + 1u; depth += DEPTH"),
    (OpCase("sum_to_axis", ((70, 40),), {"axis": 0}), "+ channel * inner;", "+ channel;"),
    (OpCase("add_bias", ((3, 5, 7), (5,)), {"axis": 1}), "bias = c[run.channel]", "bias = c[0]"),
    (STEP, "limit[0] > 0.0 && root > limit[0]", "false"),
    (STEP, "limit[0] > 0.0 && root", "root"),
    (STEP, "&& halted[0] == 0.0", ""),
    (STEP, "&& loss_finite", ""),
    (STEP, "halted[0] = 1.0;", ""),
    (STEP, "all_finite && loss_finite", "loss_finite"),
    *(
        (case, "(scale[0] & 0x7fffffffu) > 0x7f800000u)", "scale[0] == 1u)")
        for case in UPDATE_CASES
        if case.count == 5 and case.attributes in ({"decay": False}, {"share": "fresh"})
    ),
    (UpdateCase("running_mean", 5, {"share": "fresh_squares"}), "hyper[SHARE]", "hyper[FRESH]"),
    (UpdateCase("descend", 5, {"decay": True}), "change += hyper[WEIGHT_DECAY] * w[i];", ""),
    (UpdateCase("momentum", 5, {"nesterov": True}), "(g + hyper[MOMENTUM] * v)", "v"),
    (UpdateCase("adamw", 5, {"decay": True}), "hyper[WEIGHT_DECAY] * w[i];", "0.0;"),
]
"""What runs, a part of its shader, and what stands there instead."""


@pytest.mark.parametrize(
    ("case", "right", "wrong"), MUTATIONS, ids=[f"{m[0].op}: {m[1]} -> {m[2]}" for m in MUTATIONS]
)
def test_a_broken_shader_is_refused(monkeypatch, case, right: str, wrong: str):
    device = open_wgpu_device()
    device.adapter = replace(device.adapter, software=False)
    changed = []

    def broken(name):
        source = shader_source(name)
        if right in source:
            changed.append(name)
        return source.replace(right, wrong)

    monkeypatch.setattr("loom_core.backends.webgpu.wgpu_device.shader_source", broken)
    with pytest.raises(BackendError, match=r"the kernel of \w+ gives wrong numbers"):
        check(nodes_of(case), device)
    assert changed
    device.close()


LARGE = [
    OpCase("matmul", ((512, 1000), (1000, 516)), {}),
    OpCase("add", ((4_000_000,), (4_000_000,))),
    OpCase("softmax", ((4000, 1000),)),
    OpCase("softmax", ((2, 8, 512, 512),), {"causal": True}),
    OpCase("gather_rows", ((50_000, 512), (8, 128))),
    OpCase("lstm_scan", ((64, 100, 1024), (1024, 256))),
    OpCase("gru_scan", ((64, 100, 768), (256,), (768, 256))),
    OpCase("rnn_scan", ((64, 100, 700), (700, 700))),
    OpCase("conv2d", ((64, 16, 28, 28), (32, 16, 3, 3)), {"stride": (1, 1), "padding": (1, 1)}),
    OpCase(
        "max_pool2d",
        ((64, 16, 28, 28),),
        {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)},
    ),
    OpCase("transpose", ((64, 300, 500),), {"axes": (2, 0, 1)}),
]
KEPT = ("lstm_scan", "gru_scan", "rnn_scan", "conv2d", "matmul", "softmax")
"""Where small work runs another kernel: the width of a recurrence, the size of an image, a product
that is long, a causal row that many lanes share. 30 million operations are some 10 ms."""


@pytest.mark.parametrize("software", [True, False], ids=["software", "hardware"])
@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.id)
def test_a_large_node_is_tried_by_a_small_one_of_the_same_kernel(case: OpCase, software: bool):
    adapter = Adapter(software)
    for node in nodes_without_numbers(case):
        small = smallest(node, adapter)
        assert work(small) <= (300 if node.op.name.startswith(KEPT) else 3) * SMALL_WORK
        found, expected = (variant_of(x, kernel_of(x, adapter)) for x in (small, node))
        assert found == expected
