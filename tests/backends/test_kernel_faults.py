"""What goes wrong around the kernels is an error that says so, never a silence."""

import shutil

import numpy as np
import pytest

from loom_core import BackendError, Dense, Network, Softmax
from loom_core.backends import choice
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.simd.library import FILES, first_that_loads
from loom_core.backends.simd_backend import SimdBackend
from loom_core.backends.step_data import StepData
from loom_core.cooperative import finish
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import make_plan
from tests.support import simd_support
from tests.support.kernel_cases import node_on

NO_KERNEL = 0x7FFFFFFF


def broken_program():
    """Return a program of y = 2 x, and z = 3 x by a record whose kernel's number is changed."""
    graph = GraphBuilder()
    x = graph.input("x", (3,))
    ports = {"x": x, "y": graph.emit("scale", x, factor=2.0)}
    ports["z"] = graph.emit("scale", x, factor=3.0)
    program = simd_support.backend().prepare(make_plan(graph.graph, ports))
    program._nodes[1][0] = NO_KERNEL
    return program


def test_a_record_that_names_no_kernel_stops_a_run():
    program = broken_program()
    for run in (program.run, program.run_by_layer):
        with pytest.raises(BackendError, match=r"the record at word \d+ names no kernel"):
            run()


def test_a_record_that_names_no_kernel_stops_a_stretch_of_steps():
    data = StepData({"x": np.ones((4, 3), np.float32)})
    with pytest.raises(BackendError, match="a record of the step names no kernel"):
        finish(broken_program().run_steps(data, ["y"]))


@pytest.fixture
def bundle(tmp_path):
    """Return a folder with both files: natively compiled, and the preferred one cut short."""
    kernels = simd_support.compile_kernels(*simd_support.OPTIMIZED)
    shutil.copy(kernels, tmp_path / FILES["simd128"])
    (tmp_path / FILES["relaxed-simd"]).write_bytes(kernels.read_bytes()[:100])
    return tmp_path


def test_the_plain_kernels_serve_where_the_preferred_ones_do_not_load(bundle, monkeypatch):
    library = first_that_loads(bundle, list(FILES))
    assert library.kind == "simd128"
    monkeypatch.setattr(choice, "_simd", lambda: SimdBackend(library))
    for asked, words in (("auto", "the SIMD kernels run here"), ("simd", "it was asked for")):
        network = Network.of(Dense(2, "tanh"), input_size=3, backend=asked)
        report = network.backend_report()
        assert (report.used, report.variant) == ("simd", "simd128")
        assert report.reason.startswith(f"{words}; the kernel library")
        assert "kernels_relaxed_simd.wasm cannot be loaded" in report.reason
        assert network.forward_cpu([1.0, 2.0, 3.0]).shape == (2,)


def test_where_no_kernels_load_the_reasons_of_all_are_told(bundle):
    (bundle / FILES["simd128"]).unlink()
    with pytest.raises(BackendError) as caught:
        first_that_loads(bundle, list(FILES))
    assert all(f"{name} cannot be loaded" in str(caught.value) for name in FILES.values())


def test_kernels_that_load_at_once_are_reported_without_more(bundle):
    library = first_that_loads(bundle, ["simd128"])
    assert (library.kind, library.instead_of) == ("simd128", "")


@pytest.mark.parametrize("excess", [1e-7, 1e-8, 1e-12], ids=str)
def test_entmax_with_an_alpha_that_a_float_rounds_to_1_is_nearly_softmax(excess):
    x = np.array([[1.0, 2.0, 3.0, 0.5], [-1.0, 0.0, 4.0, 4.0]], np.float32)
    softmax = np.exp(x.astype(np.float64))
    softmax /= softmax.sum(axis=1, keepdims=True)
    node, inputs, _ = node_on("entmax", x, alpha=1 + excess)
    (y,) = simd_support.run_node(node, inputs)
    np.testing.assert_allclose(y, softmax, rtol=3e-4 if excess < 1e-8 else 3e-6)
    dy = np.array([[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 0.0, 0.0]], np.float32)
    node, inputs, _ = node_on("entmax_dx", dy, y, alpha=1 + excess)
    (dx,) = simd_support.run_node(node, inputs)
    expected = softmax * (dy - (dy * softmax).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(dx, expected, atol=1e-4 if excess < 1e-8 else 1e-6)


@pytest.mark.parametrize("runs", [simd_support.backend, NumpyBackend], ids=["simd", "numpy"])
@pytest.mark.parametrize("alpha", [1 + 1e-8, 1 + 2**-52], ids=["1e-8", "2^-52"])
def test_a_layer_as_near_to_softmax_as_floats_can_tell_is_softmax(runs, alpha):
    found = []
    entmax = Softmax(variant="entmax", alpha=alpha, temperature=2.0)
    for layer in (entmax, Softmax(temperature=2.0)):
        network = Network.of(layer, input_size=4, backend=runs())
        found.append(network.forward_cpu([1.0, 2.0, 3.0, 0.5]))
        found.append(network.backward_cpu([1.0, 0.0, 0.0, 2.0]))
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[3])
    assert found[0].sum() == pytest.approx(1.0)
