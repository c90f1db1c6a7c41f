"""Runs every check and test of the project, pytest last."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from .environment import PYTHON, node_tool, run
from .folders import NODE_MODULES, ROOT

FORMATTED = ("{web,examples}/**/*.{js,mjs,css,html}", "*.json")


def run_checks() -> int:
    """Run all checks, cheapest first, then the tests, and return pytest's exit status.

    Nothing is printed after pytest's own summary. Raises `BuildError` at the first check that
    fails.
    """
    prettier = NODE_MODULES / "prettier" / "bin" / "prettier.cjs"
    compiler = NODE_MODULES / "typescript" / "bin" / "tsc"
    checks: dict[str, Sequence[str | Path]] = {
        "ruff check": [PYTHON, "-m", "ruff", "check", "."],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "mypy": [PYTHON, "-m", "mypy"],
        "import-linter": [PYTHON.parent / "lint-imports"],
        "prettier": node_tool(prettier, "--check", "--log-level=warn", *FORMATTED),
        "tsc": node_tool(compiler, "--project", "tsconfig.json"),
    }
    for name, command in checks.items():
        print(f"\n== {name}", flush=True)
        run(command, name)
    print("\n== pytest", flush=True)
    tests = [str(PYTHON), "-m", "pytest", "tests", "e2e"]
    return subprocess.run(tests, cwd=ROOT, check=False).returncode
