"""The benchmark's page runs, on the CPU and on WebGPU: short samples. No time is asserted."""

from pathlib import Path

from web.bench.browser import run_page
from web.bench.tables import report


def test_the_page_measures_loom(site, browser, tmp_path: Path):
    asked = {"quick": "1", "only": "W1", "peers": "loom-simd,loom-api,loom-numpy"}
    result = run_page(browser, tmp_path, asked)
    assert not [each for each in result["meetings"] if each.get("missing")]
    found = {each["contender"]: each for each in result["series"] if each["series"] == "train"}
    assert found.keys() == {"loom-simd", "loom-api", "loom-numpy"}
    assert all(len(each["ms"]) == result["rounds"] == 2 for each in found.values())
    losses = {each["contender"]: each["losses"] for each in result["meetings"]}
    before, after = losses["loom-numpy"]
    assert after < before
    for pair in losses.values():
        assert all(abs(a - b) < 1e-4 for a, b in zip(pair, (before, after), strict=True))
    machine = {"processor": "", "cores": 1, "load": [0, 0]}
    assert "W1 train" in report({**result, "machine": machine})


def test_the_page_measures_loom_on_webgpu(site, gpu_browser, tmp_path: Path):
    peers = ["loom-webgpu", "loom-webgpu-api"]
    asked = {"quick": "1", "only": "W1", "peers": ",".join(peers), "gpu": "software"}
    result = run_page(gpu_browser, tmp_path, asked)
    assert not [each for each in result["meetings"] if each.get("missing")]
    trained = [each["contender"] for each in result["series"] if each["series"] == "train"]
    assert trained == peers
    queued, called = [each["losses"] for each in result["meetings"]]
    assert queued[1] < queued[0]
    assert all(abs(a - b) < 1e-4 for a, b in zip(queued, called, strict=True))
