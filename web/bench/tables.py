"""Medians, ratios and Markdown tables of a result. Pure: numbers in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

REFERENCE = "loom-simd"
GPU_REFERENCE = "loom-webgpu"
APIS = {
    REFERENCE: {"loom-api": "worker", "loom-api-sync": "page's thread"},
    GPU_REFERENCE: {"loom-webgpu-api": "worker"},
}
"""Of each bare step, the same through the public API, and where that runs."""
MISSING = "n/a"
AS_TRAIN = "train (as Train does it)"
ONE_STEP = "train, a step a call"
PRODUCT_FLOPS = 2

Series = Mapping[str, Any]


def median_ratio(ms: Sequence[float], reference: Sequence[float]) -> float:
    """Return how many times as long as the reference, as the median of the rounds' own ratios.

    Raises:
        ValueError: The two have different numbers of rounds, or none.
    """
    if len(ms) != len(reference) or not ms:
        raise ValueError(f"{len(ms)} rounds cannot be compared with {len(reference)}")
    return median(a / b for a, b in zip(ms, reference, strict=True))


def spread(ms: Sequence[float]) -> float:
    """Return the slowest round over the fastest."""
    return max(ms) / min(ms)


def figure(number: float | None) -> str:
    """Return a number with three digits that count, or n/a."""
    if number is None:
        return MISSING
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.3g}" if number < 1 else f"{number:.2f}" if number < 10 else f"{number:.1f}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def find(result: Mapping[str, Any], workload: str, series: str, contender: str) -> Series | None:
    """Return the series of that name, or None."""
    for each in result["series"]:
        if (each["workload"], each["series"], each["contender"]) == (workload, series, contender):
            return dict(each)
    return None


def report(result: Mapping[str, Any]) -> str:
    """Return the whole result as Markdown."""
    machine = result["machine"]
    head = [
        f"# Measured on {result['date'][:10]}",
        (
            f"{result['browser']}, {machine['processor']}, {machine['cores']} cores, load average "
            f"{machine['load'][0]} before and {machine['load'][1]} after; "
            f"{result['rounds']} rounds of samples of {result['lengths']['sampleMs']} ms, in turn; "
            + (f"WebGPU on a {result['gpu']} adapter." if result.get("gpu") else "one thread each.")
        ),
        "\n".join(
            [
                *([f"- commit {result['commit']}"] if "commit" in result else []),
                *(f"- {name}: {version}" for name, version in result["versions"].items()),
            ]
        ),
    ]
    parts = [_ratio_table(result), _overhead_table(result), _product_section(result)]
    parts += [_shape_table(result), _loss_table(result), _notes(result)]
    return "\n\n".join([*head, *(part for part in parts if part)]) + "\n"


def _contenders(result: Mapping[str, Any]) -> list[str]:
    return [name for name in result["versions"] if name != "peak"]


def _own(result: Mapping[str, Any]) -> str:
    return GPU_REFERENCE if result.get("gpu") else REFERENCE


def _ratio_table(result: Mapping[str, Any]) -> str:
    own = _own(result)
    names = [name for name in _contenders(result) if name != own]
    rows = []
    for each in result["series"]:
        if each["contender"] != own or not each["workload"].startswith("W"):
            continue
        if each["series"] == AS_TRAIN:
            continue
        cells = []
        for name in names:
            other = find(result, each["workload"], each["series"], name)
            cells.append(figure(median_ratio(other["ms"], each["ms"]) if other else None))
        step = f"{each['workload']} {each['series']}"
        rows.append([step, figure(median(each["ms"])), figure(spread(each["ms"])), *cells])
    if not rows:
        return ""
    backend = "WebGPU" if own == GPU_REFERENCE else "SIMD"
    return (
        f"## Time of the others over that of Loom's bare step ({backend})\n\n"
        "Above 1: Loom is faster. Each ratio is the median of the ratios within a round.\n\n"
        + markdown(["step", "Loom, ms", "slowest / fastest round", *names], rows)
    )


def _overhead_table(result: Mapping[str, Any]) -> str:
    own, rows = _own(result), []
    apis = APIS[own]
    for each in result["series"]:
        if each["contender"] != own or not each["workload"].startswith("W"):
            continue
        workload, series = each["workload"], each["series"]
        if series == "train" and find(result, workload, AS_TRAIN, own):
            continue
        public = "train" if series == AS_TRAIN else series
        cells = []
        for name in apis:
            other = find(result, workload, public, name)
            cells.append(figure(median(other["ms"]) if other else None))
            extra = [a - b for a, b in zip(other["ms"], each["ms"], strict=True)] if other else []
            cells.append(f"{1000 * median(extra):.0f}" if extra else MISSING)
        rows.append([f"{workload} {public}", figure(median(each["ms"])), *cells])
    if not rows or not any(name in result["versions"] for name in apis):
        return ""
    header = ["call", "bare, ms"]
    for where in apis.values():
        header += [f"{where}, ms", "added, µs"]
    calls = "`net.Train` and `net.ForwardCPU`, beside the same step inside Python."
    if own == GPU_REFERENCE:
        calls = (
            "`net.Train` with `UseGPU` and `net.ForwardGPU`, beside the same step queued inside "
            "Python, whose samples lie on the device already: Train uploads those of each step and "
            "reads its loss and norms."
        )
    return (
        f"## What the public JavaScript API adds\n\n{calls} What is added is the median of the "
        "differences within a round.\n\n" + markdown(header, rows)
    )


def _product_section(result: Mapping[str, Any]) -> str:
    header, rows = product_table(result)
    if not rows:
        return ""
    peaks, table = _peaks(result), markdown(header, rows)
    if not peaks:
        return f"## Matrix products: GFLOP/s\n\n{table}"
    return (
        "## Matrix products: GFLOP/s, and the share of the multiply-add peak\n\n"
        f"Peak of a loop in registers: {figure(median(peaks))} GFLOP/s "
        f"({figure(min(peaks))} to {figure(max(peaks))}).\n\n{table}"
    )


def _peaks(result: Mapping[str, Any]) -> list[float]:
    """Return the peak of each round, in GFLOP/s; none where it was not measured."""
    loops = [each for each in result["series"] if each["contender"] == "peak"]
    rounds = range(len(loops[0]["ms"]) if loops else 0)
    return [max(loop["flops"] / loop["ms"][i] / 1e6 for loop in loops) for i in rounds]


def product_table(result: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows: rates of the products, with shares of the peak where it is known."""
    peaks, names = _peaks(result), _contenders(result)
    series = dict.fromkeys(
        each["series"]
        for each in result["series"]
        if each["workload"] == "GEMM" and each["contender"] != "peak"
    )
    rows = []
    for product in series:
        size = int(product.split()[0])
        row = [product]
        for name in names:
            found = find(result, "GEMM", product, name)
            rates = [PRODUCT_FLOPS * size**3 / ms / 1e6 for ms in found["ms"]] if found else []
            row.append(_rate(rates, peaks))
        rows.append(row)
    present = [i for i, _ in enumerate(names) if any(row[i + 1] != MISSING for row in rows)]
    kept = [[row[0], *(row[i + 1] for i in present)] for row in rows]
    return ["product", *(names[i] for i in present)], kept


def _rate(rates: Sequence[float], peaks: Sequence[float]) -> str:
    if not rates:
        return MISSING
    if not peaks:
        return figure(median(rates))
    shares = [rate / peak for rate, peak in zip(rates, peaks, strict=True)]
    return f"{figure(median(rates))} ({median(shares):.0%})"


def _shape_table(result: Mapping[str, Any]) -> str:
    tables = []
    for kind, title in (
        ("batch", "MLP 784-128-10, by batch"),
        ("width", "MLP n-n-10 of batch 32, by n"),
    ):
        rows = shape_rows(result, kind)
        if rows:
            tables.append(f"{title}:\n\n" + markdown([kind, "step, ms", "GFLOP/s"], rows))
    if not tables:
        return ""
    return "## Cost of a training step against batch and width (Loom, bare, SIMD)\n\n" + (
        "\n\n".join(tables)
    )


def shape_rows(result: Mapping[str, Any], kind: str) -> list[list[str]]:
    """Return size, milliseconds and GFLOP/s of the training steps by ``batch`` or ``width``."""
    rows = []
    for each in result["series"]:
        if each["workload"] == "shapes" and each["series"].startswith(kind):
            size, ms = int(each["series"].split()[1]), median(each["ms"])
            sizes = (784, 128, 10, size) if kind == "batch" else (size, size, 10, 32)
            rows.append([str(size), figure(ms), figure(_training_flops(*sizes) / ms / 1e6)])
    return rows


def _training_flops(inputs: int, hidden: int, classes: int, batch: int) -> int:
    """Count the products of a step: two for the first layer (no gradient of x), three after it."""
    return PRODUCT_FLOPS * batch * (2 * inputs * hidden + 3 * hidden * classes)


def _loss_table(result: Mapping[str, Any]) -> str:
    rows = [
        [each["workload"], each["contender"], *(f"{loss:.6g}" for loss in each["losses"][:2])]
        for each in result["meetings"]
        if each.get("losses")
    ]
    if not rows:
        return ""
    rows = [row if len(row) == 4 else [*row, MISSING] for row in rows]
    header = ["workload", "contender", "before", "after five steps"]
    return (
        "## Losses\n\n"
        "Contenders that begin with the same weights begin with the same loss. Later losses of "
        "Loom differ in two places. Its ReLU is `1.1 max(0, x)`, and a weight behind one is "
        "divided by 1.1: the same function, but such a weight learns 1.21 times as fast (W2, W3, "
        "W4). And `net.Train` on W6 learns from all steps of the LSTM, not from the last alone.\n\n"
        + markdown(header, rows)
    )


def _notes(result: Mapping[str, Any]) -> str:
    lines = []
    for each in result["meetings"]:
        text = each.get("missing") or each.get("notes")
        if text:
            lines.append(f"- {each['contender']}, {each['workload']}: {text}")
    return "## Not alike, or missing\n\n" + "\n".join(lines) if lines else ""
