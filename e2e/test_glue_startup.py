"""Start-up: progress, missing and wrong files, giving up, a strict content policy."""

import json
import re

import pytest
from conftest import DIST
from glue import EXPECTED_ERROR, GluePage

MANIFEST = json.loads((DIST / "manifest.json").read_text()) if DIST.exists() else {"files": {}}
PYTHON_FILES = [name for name in MANIFEST["files"] if name.startswith("pyodide/")]

#: The modules that index.js imports itself; without them there is nobody to report.
FIRST_MODULES = {"index.js", "errors.js", "assets.js", "generated/version.js"}
EXTRA_MODULES = {"observers.js"}  # imported by the pages that want them
GLUE_FILES = [
    name
    for name in MANIFEST["files"]
    if re.fullmatch(r"loom/.*\.js", name)
    and name.removeprefix("loom/") not in FIRST_MODULES | EXTRA_MODULES
]

HTML = b"<!doctype html><title>Not found</title>" + b" " * 2000


@pytest.fixture
def glue(page, page_log, site_url):
    page_log.expect_error(EXPECTED_ERROR)
    return GluePage(page, site_url)


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "main-thread"])
def test_progress_is_staged_and_never_goes_back(glue, worker):
    progress = glue.load(worker=worker)

    stages = list(dict.fromkeys(event["stage"] for event in progress))
    assert stages == ["manifest", "download", "python", "core", "ready"]
    loaded = [event["loadedBytes"] for event in progress]
    assert loaded == sorted(loaded)
    total = sum(MANIFEST["files"][name]["bytes"] for name in PYTHON_FILES)
    assert {event["totalBytes"] for event in progress} == {0, total}
    assert loaded[-1] == total
    assert 10 < len(progress) < 150
    assert all(event["message"] for event in progress)


@pytest.mark.parametrize("name", ["manifest.json", *PYTHON_FILES, *GLUE_FILES])
def test_a_missing_file_is_named_within_2_seconds(glue, page_log, site, name):
    page_log.expect_error("404")

    with site.missing(name):
        error = glue.failure("loadLoom({ worker: arg.options })", "main_thread" not in name)

    assert error["code"] == "asset_missing"
    assert name in error["message"]
    assert error["hint"]
    assert error["ms"] < 2000


@pytest.mark.parametrize("name", ["manifest.json", "pyodide/pyodide.asm.wasm", "loom/python.js"])
def test_a_missing_file_is_named_on_the_main_thread_too(glue, page_log, site, name):
    page_log.expect_error("404")

    with site.missing(name):
        error = glue.failure("loadLoom({ worker: false })")

    assert (error["code"], name in error["message"]) == ("asset_missing", True)
    assert glue.run("return fetch.toString()") == "function fetch() { [native code] }"


@pytest.mark.parametrize("name", ["manifest.json", *PYTHON_FILES, "loom/worker.js"])
def test_a_page_in_place_of_a_file_is_found_out(glue, page_log, site, name):
    page_log.expect_error("MIME|Unexpected token|expected magic|Failed|404")

    with site.replaced(name, HTML):
        error = glue.failure("loadLoom()")

    assert error["code"] == "asset_corrupt"
    assert name in error["message"]
    assert error["ms"] < 2000


def test_changed_bytes_are_found_out_by_their_hash(glue, site):
    name = "pyodide/python_stdlib.zip"
    content = bytearray((DIST / name).read_bytes())
    content[len(content) // 2] ^= 1

    with site.replaced(name, bytes(content)):
        error = glue.failure("loadLoom()")

    assert error["code"] == "asset_corrupt"
    assert "SHA-256" in error["message"]


def test_a_file_of_an_earlier_release_in_the_cache_is_fetched_again(glue, page, site):
    name = "pyodide/python_stdlib.zip"
    old = b"x" * MANIFEST["files"][name]["bytes"]
    headers = {"Cache-Control": "max-age=3600", "Content-Type": "application/zip"}
    page.route("**/" + name, lambda route: route.fulfill(body=old, headers=headers), times=1)

    assert glue.load()[-1]["stage"] == "ready"


def test_a_broken_connection_names_the_file(glue, page_log, site):
    name = "pyodide/pyodide.asm.wasm"
    page_log.expect_error("ERR_CONTENT_LENGTH_MISMATCH|ERR_CONNECTION|404")

    with site.cut(name, 100_000):
        error = glue.failure("loadLoom()")

    assert (error["code"], name in error["message"]) == ("asset_missing", True)


def test_a_manifest_of_another_release_is_refused(glue, site):
    text = json.dumps({**MANIFEST, "version": "9.9.9"}).encode()

    with site.replaced("manifest.json", text):
        error = glue.failure("loadLoom()")

    assert error["code"] == "asset_corrupt"
    assert "9.9.9" in error["message"]


def test_asset_base_chooses_the_folder(glue, page_log, site):
    page_log.expect_error("404")

    error = glue.failure("loadLoom({ assetBase: new URL('elsewhere', arg.site) })")

    assert "elsewhere/manifest.json" in error["message"]
    assert glue.load(assetBase=site.url[:-1])[-1]["stage"] == "ready"


ABORT_AT = """(() => {
    const controller = new AbortController();
    const onProgress = ({ stage }) => {
        if (stage !== arg.options.stage || controller.signal.aborted) return;
        window.abortedAt = performance.now();
        controller.abort(new DOMException("enough", "AbortError"));
    };
    const { worker } = arg.options;
    return loadLoom({ worker, onProgress, signal: controller.signal })
        .finally(() => (window.settledAt = performance.now()));
})()"""


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "main-thread"])
@pytest.mark.parametrize("stage", ["manifest", "download", "python", "core"])
def test_a_signal_ends_the_start_up(glue, stage, worker):
    error = glue.failure(ABORT_AT, {"stage": stage, "worker": worker})

    assert error["name"] == "AbortError"
    assert error["message"] == "enough"
    if worker:  # on the page's thread nothing can happen while Python starts
        assert glue.run("return settledAt - abortedAt") < 200


def test_a_signal_that_is_aborted_already_starts_nothing(glue, site):
    before = len(site.requests)

    error = glue.failure("loadLoom({ signal: AbortSignal.abort() })")

    assert error["name"] == "AbortError"
    assert len(site.requests) == before


def test_an_error_of_the_progress_function_ends_the_start_up(glue):
    error = glue.failure("loadLoom({ onProgress() { throw new RangeError('mine') } })")

    assert (error["name"], error["message"]) == ("RangeError", "mine")


#: In a task of its own: the debugger's protocol lifts the policy from the code that it runs.
EVALUATION = """new Promise((resolve, reject) => {
    setTimeout(() => { try { resolve(new Function("")) } catch (error) { reject(error) } });
})"""


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "main-thread"])
def test_a_strict_content_policy_is_enough(glue, page, worker):
    policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"

    def with_policy(route):
        response = route.fetch()
        headers = {**response.headers, "Content-Security-Policy": policy}
        route.fulfill(response=response, headers=headers)

    page.route(re.compile(r"/licenses/|\.m?js$"), with_policy)
    glue.open()
    assert glue.failure(EVALUATION)["name"] == "EvalError"  # the policy is in force

    glue.load(worker=worker)

    network = "const net = await loom.BuildNetworkFromJSON(glue.network(2, 2));"
    assert glue.run(network + "return (await net.ForwardCPU([1, 2])).length") == 2


def test_sessions_are_independent(glue):
    codes = glue.run("""
        const [a, b] = await Promise.all([loadLoom(), loadLoom()]);
        const net = await a.BuildNetworkFromJSON(glue.network(2, 2));
        const foreign = await glue.failure(() => b.SaveBundle("x", { net }));
        a.terminate();
        const late = await glue.failure(() => net.TotalLayers());
        const works = await b.BuildNetworkFromJSON(glue.network(2, 2));
        return [foreign.code, late.code, await works.TotalLayers()];
    """)

    assert codes == ["call", "terminated", 2]


def test_nothing_is_shared_and_no_header_is_needed(glue):
    glue.load()

    assert glue.run("return [self.crossOriginIsolated, typeof SharedArrayBuffer]") == [
        False,
        "undefined",
    ]
