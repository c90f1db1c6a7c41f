"""The kernels' own tests inside Chromium, on both side modules of the bundle.

The files are those that run natively: every op case between guard words, the functions' errors,
layer stacks with gradients and optimizers, and models saved by Loom, against NumPy. Addresses and
counts have 32 bits here, and one of the modules has fused arithmetic; natively it is 64 and none.
"""

import io
import zipfile
from contextlib import closing
from importlib.metadata import files
from pathlib import Path

import pytest
from glue import GluePage

from loom_core.backends.simd.library import FILES

ROOT = Path(__file__).parents[1]
RUNNER = ROOT / "e2e" / "pages" / "kernel_tests.py"

PYTEST = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
"""What pytest is made of; all in Python, so that any Python runs it."""

ARCHIVE = "tests.zip"
LONGEST_MS = 300_000

RUN = """
    const { loadPyodide } = await import(arg.site + "pyodide/pyodide.mjs");
    const python = await loadPyodide({
        indexURL: arg.site + "pyodide/",
        packages: ["loom_core"],
    });
    const archive = await fetch(arg.site + arg.options.archive);
    python.unpackArchive(await archive.arrayBuffer(), "zip");
    const found = python.pyimport("kernel_tests").outcome(arg.options.kind);
    const plain = found.toJs();
    found.destroy();
    return plain;
"""


@pytest.fixture(scope="module")
def archive():
    """Pytest, the tests and their runner, in the places where Python finds them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PYTEST:
            for file in files(package):
                if file.suffix == ".py":
                    archive.write(file.locate(), file)
        for path in (ROOT / "tests").rglob("*"):
            if path.suffix in (".py", ".json", ".npz"):
                archive.write(path, path.relative_to(ROOT))
        archive.write(RUNNER, RUNNER.name)
    return packed.getvalue()


@pytest.mark.parametrize("kind", FILES)
def test_the_kernels_pass_their_tests(browser, site, archive, kind):
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.route(f"**/{ARCHIVE}", lambda route: route.fulfill(body=archive))
        glue = GluePage(page, site.url)
        glue.longest_ms = LONGEST_MS
        code, report = glue.run(RUN, {"archive": ARCHIVE, "kind": kind})
    assert code == 0, report
