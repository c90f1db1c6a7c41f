"""The README's figures, made from a result. Pure: numbers in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from statistics import median
from typing import Any

from .tables import (
    AS_TRAIN,
    MISSING,
    ONE_STEP,
    REFERENCE,
    figure,
    find,
    markdown,
    median_ratio,
    product_table,
    shape_rows,
)

BEGIN = "<!-- figures, written by the benchmark's option readme -->"
END = "<!-- end of the figures -->"

NETWORKS = {
    "W1": "MLP 2-8-1",
    "W2": "MLP 784-128-10",
    "W3": "MLP 784-512-512-10",
    "W4": "CNN on 28 x 28",
    "W5": "attention block, 64 x 64",
    "W6": "LSTM, 32 steps",
}
TRAINING_BATCHES = {"W1": 4, "W2": 32, "W3": 128, "W4": 32, "W5": 8, "W6": 16}

OWN = ("loom-api-sync", "loom-api", "loom-numpy")
PEERS = {
    "jax-js": "jax-js",
    "tfjs-wasm": "TensorFlow.js wasm",
    "ort-wasm": "ONNX Runtime Web",
    "ort119-train": "ONNX Runtime training",
    "brain.js": "brain.js",
    "plain-js": "JavaScript loops",
}


def with_figures(text: str, figures: str) -> str:
    """Return the README with other figures between its two markers.

    Raises:
        ValueError: It does not have each marker once.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"the README needs the lines {BEGIN!r} and {END!r} once each")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{rest.split(END)[1]}"


def figures(result: Mapping[str, Any]) -> str:
    """Return what the README shows of a result, as Markdown."""
    commit = f", commit {result['commit']}" if "commit" in result else ""
    ratios = (
        "How many times as long the others take for one training step, measured side by side in "
        f"one run of {result['browser']} on {result['date'][:10]} (`npm run bench`; one thread "
        f"each, {result['machine']['cores']} cores, medians of {result['rounds']} rounds{commit}):"
    )
    calls = (
        "What the calls of the public API cost, in milliseconds a step: the step alone, inside "
        "Python; `net.Train` (many steps in one call, then one) and `net.ForwardCPU` (which "
        "copies its input and its output) on the page's own thread (`worker: false`) and through "
        "the worker; and the fastest other library on the page's thread:"
    )
    products = (
        "Products of matrices, GFLOP/s and the share of what a loop of multiply-adds in "
        "registers reaches in the same run:"
    )
    shapes = "A training step against batch and width, from small to large:"
    parts = {
        ratios: _training_table(result),
        calls: _call_table(result),
        products: _product_table(result),
        shapes: _shape_table(result),
    }
    return "\n\n".join(f"{text}\n\n{table}" for text, table in parts.items() if table)


def _label(result: Mapping[str, Any], peer: str) -> str:
    return f"{PEERS[peer]} {result['versions'][peer].split(',')[0]}"


def _present(result: Mapping[str, Any]) -> list[str]:
    return [peer for peer in PEERS if peer in result["versions"]]


def _steps(result: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the reference's series of each training step or forward pass."""
    for each in result["series"]:
        workload, series = each["workload"], each["series"]
        if each["contender"] == REFERENCE and workload in NETWORKS and series.startswith(kind):
            batch = series.rpartition(" b")[2] if kind == "forward" else TRAINING_BATCHES[workload]
            yield f"{NETWORKS[workload]}, batch {batch}", each


def _training_table(result: Mapping[str, Any]) -> str:
    peers = [peer for peer in _present(result) if peer != "ort-wasm"]
    names = ["loom-numpy", *peers] if "loom-numpy" in result["versions"] else peers
    rows = []
    for step, each in _steps(result, "train"):
        if each["series"] == "train":
            others = [find(result, each["workload"], "train", name) for name in names]
            ratios = [median_ratio(other["ms"], each["ms"]) if other else None for other in others]
            rows.append([step, "1", *map(figure, ratios)])
    labels = [_label(result, peer) for peer in peers]
    with_numpy = ["Loom with NumPy alone"] if "loom-numpy" in names else []
    return markdown(["training step", "Loom", *with_numpy, *labels], rows)


def _call_table(result: Mapping[str, Any]) -> str:
    rows = []
    for kind in ("train", "forward"):
        for step, each in _steps(result, kind):
            # Where the step that the peers do is not what Train runs, the latter is compared.
            if each["series"] == "train" and find(result, each["workload"], AS_TRAIN, REFERENCE):
                continue
            name = "train" if kind == "train" else each["series"]
            fastest = _fastest(result, each["workload"], name)
            for public in (name, ONE_STEP) if kind == "train" else (name,):
                own = [_median(result, each["workload"], public, own) for own in OWN[:2]]
                if public == ONE_STEP and own == [None, None]:
                    continue
                called = public if public == ONE_STEP else kind
                alone = figure(median(each["ms"]))
                rows.append([f"{called}: {step}", alone, *map(figure, own), fastest])
    return markdown(["call", "step alone", "page's thread", "worker", "fastest other"], rows)


def _product_table(result: Mapping[str, Any]) -> str:
    (first, *names), rows = product_table(result)
    own = {REFERENCE: "Loom", "loom-numpy": "Loom with NumPy alone"}
    labels = [own.get(name) or PEERS[name] for name in names]
    return markdown([first, *labels], rows) if rows else ""


def _median(result: Mapping[str, Any], workload: str, series: str, name: str) -> float | None:
    found = find(result, workload, series, name)
    return median(found["ms"]) if found else None


def _fastest(result: Mapping[str, Any], workload: str, series: str) -> str:
    times = [(_median(result, workload, series, peer), peer) for peer in _present(result)]
    known = [(ms, peer) for ms, peer in times if ms is not None]
    return f"{figure(min(known)[0])} ({PEERS[min(known)[1]]})" if known else MISSING


def _shape_table(result: Mapping[str, Any]) -> str:
    sides = zip_longest(
        shape_rows(result, "batch"), shape_rows(result, "width"), fillvalue=["", "", ""]
    )
    rows = [[*by_batch, *by_width] for by_batch, by_width in sides]
    header = ["784-128-10: batch", "ms", "GFLOP/s", "n-n-10, batch 32: n", "ms", "GFLOP/s"]
    return markdown(header, rows)
