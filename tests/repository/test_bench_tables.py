"""The pure parts of the benchmark: medians, ratios and tables."""

import json

import pytest

from web.bench.readme import BEGIN, END, figures, with_figures
from web.bench.tables import figure, find, markdown, median_ratio, report, spread
from web.build.folders import ROOT


def series(contender, name, ms, workload="W1", **more):
    return {"workload": workload, "contender": contender, "series": name, "ms": ms, **more}


def result(*measured, versions=("loom-simd", "other"), meetings=()):
    return {
        "date": "2026-01-02T03:04:05Z",
        "browser": "Chromium 1",
        "machine": {"processor": "a processor", "cores": 2, "load": [0.1, 0.2]},
        "rounds": 3,
        "lengths": {"sampleMs": 100},
        "versions": dict.fromkeys(versions, "1.0"),
        "series": list(measured),
        "meetings": list(meetings),
    }


def cells(text, first):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_ratio_is_formed_within_a_round():
    # The middle round was disturbed for both alike; medians of each alone would give 2 too.
    assert median_ratio([2, 20, 2], [1, 10, 1]) == 2
    # Each round has a ratio of 2; the ratio of the medians would be 4.
    assert median_ratio([2, 8, 20], [1, 4, 10]) == 2
    assert median_ratio([4, 9, 8], [1, 3, 4]) == 3


@pytest.mark.parametrize(("ms", "reference"), [([], []), ([1], [1, 2])])
def test_rounds_that_do_not_match_are_refused(ms, reference):
    with pytest.raises(ValueError, match="cannot be compared"):
        median_ratio(ms, reference)


def test_the_spread_is_slowest_over_fastest():
    assert spread([2, 3, 4]) == 2


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "n/a"), (1234.5, "1234"), (99.94, "99.9"), (1.234, "1.23"), (0.01234, "0.0123")],
)
def test_figures_have_three_digits_that_count(number, text):
    assert figure(number) == text


def test_a_table_is_markdown():
    assert markdown(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_ratios_say_how_much_longer_the_others_take():
    text = report(
        result(
            series("loom-simd", "train", [1, 2, 4]),
            series("other", "train", [3, 6, 12]),
            series("loom-simd", "forward b1", [1, 1, 1]),
        )
    )
    assert cells(text, "W1 train") == ["W1 train", "2.00", "4.00", "3.00"]
    assert cells(text, "W1 forward b1")[-1] == "n/a"


def test_products_are_shares_of_the_peak_of_their_round():
    # 2 * 256^3 operations; the peak halves in the last round, and so does the product.
    flops = 2 * 256**3
    text = report(
        result(
            series("peak", "8", [1, 1, 2], "GEMM", flops=flops),
            series("peak", "12", [2, 2, 4], "GEMM", flops=flops),
            series("loom-simd", "256 plain", [2, 2, 4], "GEMM"),
            versions=("loom-simd", "peak", "other"),
        )
    )
    assert cells(text, "256 plain") == ["256 plain", "16.8 (50%)"]


def test_on_a_gpu_others_are_compared_with_loom_on_the_gpu():
    text = report(
        {
            **result(
                series("loom-webgpu", "train", [1, 1, 1]),
                series("other", "train", [2, 2, 2]),
                series("loom-webgpu", "256 plain", [2, 2, 2], "GEMM"),
                versions=("loom-webgpu", "other"),
            ),
            "gpu": "software",
        }
    )
    assert cells(text, "W1 train") == ["W1 train", "1.00", "1.00", "2.00"]
    assert cells(text, "256 plain") == ["256 plain", "16.8"]
    assert "WebGPU on a software adapter" in text


def test_the_cost_of_the_api_is_shown_beside_the_same_step():
    text = report(
        result(
            series("loom-simd", "train", [1, 1, 1], "W6"),
            series("loom-simd", "train (as Train does it)", [2, 2, 2], "W6"),
            series("loom-api", "train", [2.5, 2.5, 2.5], "W6"),
            versions=("loom-simd", "loom-api"),
        )
    )
    overhead = text.split("## What the public JavaScript API adds")[1]
    assert cells(overhead, "W6 train")[1:4] == ["2.00", "2.50", "500"]


def test_what_uploading_costs_is_shown_beside_the_step_queued_on_a_gpu():
    text = report(
        {
            **result(
                series("loom-webgpu", "train", [1, 1, 1], "W2"),
                series("loom-webgpu-api", "train", [1.5, 1.5, 1.5], "W2"),
                versions=("loom-webgpu", "loom-webgpu-api"),
            ),
            "gpu": "software",
        }
    )
    ratios, overhead = text.split("## What the public JavaScript API adds")
    assert cells(ratios, "W2 train")[-1] == "1.50"
    assert cells(overhead, "W2 train")[1:] == ["1.00", "1.50", "500"]


def test_losses_and_what_is_missing_are_listed():
    meetings = [
        {"workload": "W5", "contender": "other", "losses": [0.5]},
        {"workload": "W4", "contender": "other", "missing": "no convolution"},
    ]
    text = report(result(meetings=meetings))
    assert cells(text, "W5") == ["W5", "other", "0.5", "n/a"]
    assert "- other, W4: no convolution" in text


def test_a_series_is_found_by_its_three_names():
    measured = result(series("other", "train", [1], "W2"))
    assert find(measured, "W2", "train", "other")["ms"] == [1]
    assert find(measured, "W2", "train", "loom-simd") is None


RESULTS = sorted((ROOT / "web" / "bench" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_the_stored_tables_are_those_of_the_stored_numbers(path):
    assert path.with_suffix(".md").read_text() == report(json.loads(path.read_text()))


def test_the_readme_shows_the_figures_of_the_last_run():
    text = (ROOT / "README.md").read_text()
    last = [path for path in RESULTS if not path.stem.endswith("-gpu")][-1]
    assert with_figures(text, figures(json.loads(last.read_text()))) == text


def test_the_readmes_figures_are_ratios_times_and_shapes():
    measured = result(
        series("loom-simd", "train", [1, 1, 1], "W2"),
        series("loom-api", "train", [1.5, 1.5, 1.5], "W2"),
        series("loom-api", "train, a step a call", [2.5, 2.5, 2.5], "W2"),
        series("loom-simd", "256 plain", [1, 1, 1], "GEMM"),
        series("jax-js", "train", [4, 4, 4], "W2"),
        series("brain.js", "train", [3, 3, 3], "W2"),
        series("loom-simd", "forward b1", [0.5, 0.5, 0.5], "W2"),
        series("loom-simd", "batch 1", [1, 1, 1], "shapes"),
        series("loom-simd", "batch 2", [2, 2, 2], "shapes"),
        series("loom-simd", "width 8", [3, 3, 3], "shapes"),
        versions=("loom-simd", "loom-api", "jax-js", "brain.js"),
    )
    text = figures({**measured, "commit": "0123456789"})
    assert "commit 0123456789" in text
    assert "- commit 0123456789" in report({**measured, "commit": "0123456789"})
    name = "MLP 784-128-10, batch 32"
    assert cells(text, name) == [name, "1", "4.00", "3.00"]
    train = [f"train: {name}", "1.00", "n/a", "1.50", "3.00 (brain.js)"]
    assert cells(text, train[0]) == train
    called = [f"train, a step a call: {name}", "1.00", "n/a", "2.50", "3.00 (brain.js)"]
    assert cells(text, called[0]) == called
    assert cells(text, "256 plain") == ["256 plain", "33.6"]
    forward = ["forward: MLP 784-128-10, batch 1", "0.5", "n/a", "n/a", "n/a"]
    assert cells(text, forward[0]) == forward
    assert [cells(text, "1")[i] for i in (1, 3, 4)] == ["1.00", "8", "3.00"]
    assert cells(text, "2")[3:] == ["", "", ""]


@pytest.mark.parametrize("text", ["", BEGIN, f"{BEGIN}{BEGIN}{END}"])
def test_a_readme_without_its_markers_is_left_alone(text):
    with pytest.raises(ValueError, match="once each"):
        with_figures(text, "figures")


def test_peers_have_exact_versions_and_no_addresses():
    peers = json.loads((ROOT / "web/bench/package.json").read_text())["dependencies"]
    assert all(version.rpartition("@")[2][0].isdigit() for version in peers.values())
    assert '"resolved"' not in (ROOT / "web/bench/package-lock.json").read_text()
