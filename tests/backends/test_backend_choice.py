"""Which backend a network runs on, and what it says about that."""

import sys

import numpy as np
import pytest

from loom_core import BackendError, BusyError, Dense, Network, SpecError
from loom_core.backends import choice
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.simd import kernel_table, library
from loom_core.backends.simd_backend import SimdBackend
from tests.support import simd_support


@pytest.fixture(autouse=True)
def _decide_anew(monkeypatch):
    """Each test starts without a choice made before, and leaves none."""
    monkeypatch.delenv(library.PATH_VARIABLE, raising=False)
    choice._simd.cache_clear()
    yield
    choice._simd.cache_clear()


@pytest.fixture
def kernels(monkeypatch):
    path = simd_support.compile_kernels(*simd_support.OPTIMIZED)
    monkeypatch.setenv(library.PATH_VARIABLE, str(path))


def network(**options):
    return Network.of(Dense(2, "tanh"), input_size=3, **options)


@pytest.mark.usefixtures("kernels")
def test_auto_takes_the_kernels_where_they_load():
    made = network(backend="auto")
    made.forward_cpu([1.0, 2.0, 3.0])
    assert made.backend_report() == choice.BackendReport(
        "auto", "simd", "native", "the SIMD kernels run here", {}
    )


def test_auto_takes_numpy_elsewhere_and_says_why():
    report = network(backend="auto").backend_report()
    assert (report.asked, report.used, report.variant) == ("auto", "numpy", "")
    assert library.PATH_VARIABLE in report.reason


def test_a_named_backend_is_used_or_refused():
    assert network(backend="numpy").backend_report().reason == "it was asked for"
    with pytest.raises(BackendError, match="backend simd: outside a browser"):
        network(backend="simd")
    with pytest.raises(SpecError, match="no backend 'cuda'"):
        network(backend="cuda")


def test_a_backend_itself_can_be_given():
    report = network(backend=NumpyBackend()).backend_report()
    assert (report.used, report.reason) == ("numpy", "it was given")


def test_a_file_that_is_no_library_is_refused(monkeypatch, tmp_path):
    (tmp_path / "kernels.so").write_text("no library")
    monkeypatch.setenv(library.PATH_VARIABLE, str(tmp_path / "kernels.so"))
    with pytest.raises(BackendError, match="cannot be loaded"):
        choice.get("simd")


@pytest.mark.parametrize("table", ["KERNELS", "ACTIVATIONS"])
def test_a_row_more_or_less_makes_another_record_format(monkeypatch, table):
    rows = dict(getattr(kernel_table, table))
    assert kernel_table.record_format() == kernel_table.RECORD_FORMAT
    rows.popitem()
    monkeypatch.setattr(kernel_table, table, rows)
    assert kernel_table.record_format() != kernel_table.RECORD_FORMAT


@pytest.mark.usefixtures("kernels")
def test_a_library_of_another_record_format_is_refused(monkeypatch):
    monkeypatch.setattr(library, "RECORD_FORMAT", 999)
    with pytest.raises(BackendError, match="this package writes 999"):
        choice.get("simd")


@pytest.mark.usefixtures("kernels")
def test_changing_the_backend_keeps_the_weights():
    made = network(backend="numpy")
    before = made.forward_cpu([1.0, 2.0, 3.0])
    made.set_backend("simd")
    assert isinstance(choice.get("simd"), SimdBackend)
    np.testing.assert_allclose(made.forward_cpu([1.0, 2.0, 3.0]), before, rtol=1e-6)
    assert made.backend_report().used == "simd"


def test_the_backend_stays_during_a_training():
    made = network()
    with made.control.training(), pytest.raises(BusyError, match="change the backend"):
        made.set_backend("numpy")


@pytest.mark.parametrize(
    ("known", "kind"), [(True, "relaxed-simd"), (False, "simd128")], ids=["relaxed", "plain"]
)
def test_in_pyodide_the_engine_is_asked_for_relaxed_simd(monkeypatch, known, kind):
    probes = []

    class WebAssembly:
        @staticmethod
        def validate(module):
            probes.append(module)
            return known

    modules = {"js": type("js", (), {"WebAssembly": WebAssembly})}
    modules["pyodide.ffi"] = type("ffi", (), {"to_js": staticmethod(bytes)})
    monkeypatch.setattr(sys, "platform", "emscripten")
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    opened = []
    monkeypatch.setattr(library, "Library", lambda path, kind: opened.append((path.name, kind)))
    library.open_library()
    assert probes[0][:4] == b"\0asm"
    assert opened == [(library.FILES[kind], kind)]
