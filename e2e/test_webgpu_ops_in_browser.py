"""Every WGSL kernel in Chromium against the NumPy definition: the same cases as natively."""

from pathlib import Path

import pytest
from glue import GluePage
from gpu_page import LONGEST_MS

from loom_core.backends.webgpu.kernel_table import encoders

ROOT = Path(__file__).parents[1]
OPS = encoders().keys()

MODULES = (
    "op_cases",
    "kernel_cases",
    "product_cases",
    "update_cases",
    "tolerances",
    "device_nodes",
)
RUNNER = ROOT / "e2e" / "pages" / "kernel_runner.py"

START = """
    const { loadPyodide } = await import(arg.site + "pyodide/pyodide.mjs");
    const { Gpu } = await import(arg.site + "loom/gpu/device.js");
    const python = await loadPyodide({
        indexURL: arg.site + "pyodide/",
        packages: ["loom_core"],
    });
    python.registerJsModule("loom_gpu", new Gpu(() => python._module.HEAPU8));
    python.FS.mkdirTree("tests/support");
    for (const [name, text] of Object.entries(arg.options)) python.FS.writeFile(name, text);
    window.python = python;
"""

RUN = """
    const found = await window.python.runPythonAsync(
        `import kernel_runner\\nawait kernel_runner.${arg.options}`,
    );
    const plain = found.toJs();
    found.destroy();
    return plain;
"""


@pytest.fixture(scope="module")
def page(gpu_browser, site):
    context = gpu_browser.new_context()
    page = GluePage(context.new_page(), site.url)
    page.longest_ms = LONGEST_MS
    names = [f"tests/support/{name}.py" for name in MODULES]
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
    page.run(START, {**texts, RUNNER.name: RUNNER.read_text(encoding="utf-8")})
    yield page
    context.close()


PRODUCTS = {"matmul", "conv2d", "conv2d_dx", "conv2d_dw"}
"""Each shape of a tile for hardware takes a second to compile here: some are tried below."""


@pytest.mark.parametrize(
    ("op", "software"),
    [*((op, True) for op in sorted(OPS)), *((op, False) for op in sorted(OPS - PRODUCTS))],
    ids=lambda value: value if isinstance(value, str) else ("hardware", "software")[value],
)
def test_the_kernel_equals_numpy(page, op, software):
    wrong, tried = page.run(RUN, f"failures({op!r}, {software})")
    assert wrong == []
    assert tried > 0


# Of the shaders for hardware some shapes are tried, all of them natively.
@pytest.mark.parametrize(("software", "every"), [(True, 1), (False, 4)], ids=["blocked", "tiled"])
def test_products_are_right_by_both_kinds_of_shader(page, software, every):
    wrong, tried = page.run(RUN, f"product_failures({software}, {every})")
    assert wrong == []
    assert tried > 0


SYNCHRONOUS = """
    return await window.python.runPythonAsync(`
import numpy as np
from loom_core import Dense, Network

network = Network.of(Dense(2, "tanh"), input_size=3, seed=1)
network.set_backend("webgpu")
x = np.array([1.0, -2.0, 0.5])
found = network.forward_cpu(x)
network.train([{"Input": x, "Target": [0.0, 1.0]}], {"Epochs": 2})
trained = network.forward_gpu(x)
used = network.backend_report().used
network.set_backend("numpy")
close = np.allclose(trained, network.forward_cpu(x), atol=1e-6)
used == "webgpu" and close and not np.allclose(found, trained, atol=1e-6)
`);
"""


def test_python_calls_are_synchronous_where_the_browser_can_suspend_them(page):
    assert page.run("return typeof WebAssembly.Suspending") == "function"
    assert page.run(SYNCHRONOUS) is True
