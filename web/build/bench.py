"""The command that measures Loom beside other libraries; see web/bench/README.md."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from .cache import combined_key, sha256
from .chromium import ensure_chromium
from .environment import node_tool, run
from .errors import BuildError
from .folders import ROOT, cache_folder

BENCH = ROOT / "web" / "bench"
RESULTS = BENCH / "results"
README = ROOT / "README.md"
TRAINING_PACKAGES = ("onnxruntime-training-cpu==1.19.2", "onnx==1.16.2", "numpy<2")
TRAINING_PEER = "ort119-train"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument("--only", help="workloads, with commas: W1,W2,W3,W4,W5,W6,GEMM,shapes")
    parser.add_argument("--peers", help="contenders, with commas; Loom's are contenders too")
    parser.add_argument("--rounds", type=int, help="rounds of samples (5; quick: 2)")
    parser.add_argument(
        "--gpu",
        nargs="?",
        const="software",
        choices=("software", "hardware"),
        help="measure on WebGPU: Chromium's own adapter on the CPU, or the machine's",
    )
    parser.add_argument("--quick", action="store_true", help="short samples, to see that it runs")
    parser.add_argument("--output", type=Path, help="name of the results, without .json and .md")
    parser.add_argument("--readme", action="store_true", help="show the figures in the README too")
    parser.add_argument(
        "--stored", type=Path, help="a JSON of earlier results: nothing is measured"
    )


def run_bench(options: argparse.Namespace) -> int:
    """Measure, or read what was measured; write JSON and tables."""
    from web.bench.readme import figures, with_figures
    from web.bench.tables import report

    result = json.loads(options.stored.read_text()) if options.stored else _measure(options)
    if options.readme and result.get("gpu"):
        raise BuildError("the README shows figures of the CPU: leave out --gpu or --readme")
    name = result["date"][:10] + ("-gpu" if result.get("gpu") else "")
    output: Path = options.stored or options.output or RESULTS / name
    output.parent.mkdir(parents=True, exist_ok=True)
    table = report(result)
    output.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    output.with_suffix(".md").write_text(table)
    print(f"\n{table}\nwritten: {output.with_suffix('.json')} and .md")
    if options.readme:
        README.write_text(with_figures(README.read_text(), figures(result)))
        print(f"written: {README}")
    return 0


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    """Install the peers, measure, and say on what."""
    from web.bench.browser import BenchError, in_chromium

    install_peers()
    wants_training = not options.gpu and (
        options.peers is None or TRAINING_PEER in options.peers.split(",")
    )
    artifacts = training_artifacts() if wants_training else cache_folder() / "none"
    given = {"only": options.only, "peers": options.peers, "rounds": options.rounds}
    given["gpu"] = options.gpu
    parameters = {name: str(value) for name, value in given.items() if value is not None}
    if options.quick:
        parameters["quick"] = "1"
    commit, load = _commit(), os.getloadavg()[0]
    try:
        result = in_chromium(
            ensure_chromium(), artifacts, parameters, lambda line: print(line, flush=True)
        )
    except BenchError as error:
        raise BuildError(f"the benchmark's page failed: {error}") from error
    machine = {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "load": [round(load, 2), round(os.getloadavg()[0], 2)],
    }
    gpu = {"gpu": options.gpu} if options.gpu else {}
    return {"commit": commit, **result, "machine": machine, **gpu}


def _commit() -> str:
    """Return the commit of the tree, marked where files differ from it; "unknown" without git."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def install_peers() -> None:
    """Make ``web/bench/node_modules`` hold what the lock file there says."""
    stamp = BENCH / "node_modules" / ".loom-stamp"
    key = sha256(BENCH / "package-lock.json")
    if stamp.is_file() and stamp.read_text() == key:
        return
    print("installing the libraries to compare with", flush=True)
    npm = shutil.which("npm") or "npm"
    run([npm, "ci", "--prefix", BENCH, "--ignore-scripts", "--loglevel=error"], "npm ci")
    stamp.write_text(key)


def training_artifacts() -> Path:
    """Return the folder of the training artifacts, made once where that is possible.

    The package that makes them exists for Python 3.8 to 3.11 on Linux; elsewhere the folder stays
    away, and the contender reports itself missing.
    """
    sources = [BENCH / name for name in ("training_artifacts.py", "make_onnx_models.mjs")]
    sources += [BENCH / "page" / f"{name}.js" for name in ("workloads", "onnx_models")]
    folder = cache_folder() / f"bench-{combined_key([sha256(path) for path in sources])[:16]}"
    python = shutil.which("python3.11")
    if (folder / "complete").is_file():
        return folder
    if python is None or sys.platform != "linux":
        print("no Python 3.11: ONNX Runtime's training build is left out", flush=True)
        return folder
    print("making the artifacts of ONNX Runtime's training build", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    environment = folder / "environment"
    own = environment / "bin" / "python"
    try:
        run([python, "-m", "venv", environment], "making an environment")
        run([own, "-m", "pip", "install", "--quiet", *TRAINING_PACKAGES], "installing packages")
        run(node_tool(BENCH / "make_onnx_models.mjs", folder), "writing models")
        _run_quietly([str(own), str(BENCH / "training_artifacts.py"), str(folder)])
    except BuildError as error:
        print(f"ONNX Runtime's training build is left out: {error}", file=sys.stderr)
        return folder
    (folder / "complete").touch()
    return folder


def _run_quietly(command: list[str]) -> None:
    """Run a program that logs a thousand lines, and show its last ones only when it fails."""
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"making training artifacts failed:\n{done.stderr[-1000:]}")
