"""The tables of kernels hold every op but the listed ones, and what becomes of these."""

import numpy as np
import pytest

from loom_core import BackendError, Dense, Network, Softmax
from loom_core.backends.missing_kernels import MISSING_KERNELS
from loom_core.backends.simd.kernel_table import KERNELS
from loom_core.backends.webgpu.kernel_table import encoders
from loom_core.graph.ops import OPS
from tests.support import simd_support, tolerances
from tests.support.gpu_networks import SETTINGS, data
from tests.support.strange_op import StrangeDense
from tests.support.weights import assert_same_arrays

TABLES = {"simd": KERNELS.keys(), "webgpu": encoders().keys()}


@pytest.mark.parametrize("backend", TABLES)
def test_every_op_has_a_kernel_or_is_listed_with_a_reason(backend):
    listed = {op for op, reasons in MISSING_KERNELS.items() if backend in reasons}
    missing = OPS.keys() - TABLES[backend]
    assert missing == listed, "see CONTRIBUTING, how a kernel is added, or where to say why not"
    assert TABLES[backend] <= OPS.keys()


def test_the_list_names_backends_and_reasons():
    for op, reasons in MISSING_KERNELS.items():
        assert reasons, op
        assert reasons.keys() <= TABLES.keys()
        assert all(len(reason) > 10 for reason in reasons.values())


def test_every_kernel_has_a_tolerance():
    assert tolerances.TOLERANCES.keys() == set().union(*TABLES.values())
    with pytest.raises(AssertionError, match="strange has a kernel: say in TOLERANCES how far"):
        tolerances.assert_op_close("strange", [], [])


def network(**options):
    return Network.of(
        StrangeDense(9, "tanh", input_size=12),
        Dense(4, "linear"),
        Softmax(),
        input_size=12,
        seed=3,
        **options,
    )


@pytest.mark.usefixtures("strange")
def test_numpy_stands_in_between_kernels_and_the_report_counts_it():
    ours, theirs = (network(backend=b) for b in (simd_support.backend(), "numpy"))
    losses = [each.train(data(), SETTINGS).loss_history for each in (ours, theirs)]
    np.testing.assert_allclose(*losses, rtol=tolerances.NETWORK)
    assert ours.backend_report().fallbacks == {"strange": 1}
    assert theirs.backend_report().fallbacks == {}


@pytest.mark.usefixtures("one_device", "strange")
def test_webgpu_refuses_it_by_name_and_says_what_to_use(monkeypatch):
    missing = {"strange": {"webgpu": "no shader negates"}}
    monkeypatch.setattr("loom_core.backends.webgpu.kernel_table.MISSING_KERNELS", missing)
    named = network(backend="webgpu")
    named.initialize_weights()
    before = [w.copy() for layer in named.layers for w in layer.weights.values()]
    calls = [
        lambda: named.forward_cpu(data()["Inputs"]),
        lambda: named.train(data(), SETTINGS),
        lambda: network(backend="numpy").train(data(), {**SETTINGS, "UseGPU": True}),
    ]
    for call in calls:
        with pytest.raises(BackendError, match="no kernel for strange: no shader") as raised:
            call()
        assert 'backend="auto"' in raised.value.hint
    after = [w for layer in named.layers for w in layer.weights.values()]
    assert_same_arrays(after, before)


@pytest.mark.usefixtures("one_device", "strange")
def test_auto_leaves_it_to_the_cpu_and_says_why():
    net = network(backend="auto")
    net.init_gpu()
    net.train(data(), SETTINGS)
    report = net.backend_report()
    assert report.trained_on == report.used != "webgpu"
    sentence = next(s for s in report.measured if "strange" in s)
    assert "runs on the CPU: WebGPU has no kernel for strange" in sentence
    net.gpu.measured.clear()
