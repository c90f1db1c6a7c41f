"""The built folder in Chromium: Pyodide, NumPy and loom_core load, and only from there."""

import pytest

PYTHON_PAGE = """async (base) => {
  const { loadPyodide } = await import(base + 'pyodide/pyodide.mjs');
  const python = await loadPyodide({ packageBaseUrl: base + 'pyodide/' });
  await python.loadPackage(['numpy', 'loom_core'], { checkIntegrity: true });
  const version = python.runPython(`
    import numpy.linalg, numpy.random, loom_core
    identity = numpy.linalg.inv(numpy.eye(3)) @ numpy.eye(3)
    numpy.random.default_rng(1).normal(size=3)
    assert identity.trace() == 3.0
    loom_core.__version__
  `);
  return { version, loaded: Object.keys(python.loadedPackages).sort() };
}"""


FOREIGN_ADDRESS = "https://example.org/x"

FETCH_IN_PAGE = "(address) => fetch(address).then(() => 'reached', () => 'blocked')"

FETCH_IN_WORKER = """(address) => new Promise((resolve) => {
  const tell = "() => postMessage('reached'), () => postMessage('blocked')";
  const code = `fetch('${address}').then(${tell})`;
  const worker = new Worker(URL.createObjectURL(new Blob([code])));
  worker.onmessage = (event) => resolve(event.data);
})"""


@pytest.fixture
def bare_page(page, page_log, site_url):
    """A page of the site's origin without any script of its own."""
    page_log.expect_error("favicon.ico")  # what is no HTML cannot name its icon
    page.goto(site_url + "licenses/loom.txt")
    return page


def test_python_and_packages_load_below_a_sub_path(bare_page, site_url):
    result = bare_page.evaluate(PYTHON_PAGE, site_url)

    manifest = bare_page.request.get(site_url + "manifest.json").json()
    assert result == {"version": manifest["version"], "loaded": ["loom-core", "numpy"]}


def test_a_changed_wheel_is_refused(bare_page, page_log, site, site_url):
    names = bare_page.request.get(site_url + "manifest.json").json()["files"]
    wheel = next(name for name in names if "loom_core" in name)
    page_log.expect_error("integrity|Failed to load")

    with site.replaced(wheel, b"not the wheel"), pytest.raises(Exception, match="loom_core"):
        bare_page.evaluate(PYTHON_PAGE, site_url)


def test_files_have_the_types_that_browsers_insist_on(page, site_url):
    def kind(path):
        return page.request.get(site_url + path).headers["content-type"].split(";")[0]

    assert kind("pyodide/pyodide.mjs") == "text/javascript"
    assert kind("pyodide/pyodide.asm.wasm") == "application/wasm"
    assert kind("manifest.json") == "application/json"
    assert page.request.get(site_url + "no-such-file").status == 404


def test_a_request_to_another_origin_is_seen_and_goes_nowhere(bare_page, page_log):
    for ask in (FETCH_IN_PAGE, FETCH_IN_WORKER):
        assert bare_page.evaluate(ask, FOREIGN_ADDRESS) == "blocked"

    assert page_log.foreign_requests == [FOREIGN_ADDRESS] * 2
    page_log.foreign_requests.clear()
    page_log.expect_error("ERR_NAME_NOT_RESOLVED")
