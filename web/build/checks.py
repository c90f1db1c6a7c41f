"""Runs every check and test of the project, pytest last."""

from pathlib import Path

from .environment import PYTHON, node_tool, run
from .folders import NODE_MODULES

FORMATTED = ("web/**/*.{js,mjs,css,html}", "*.json")


def run_checks() -> None:
    """Run all checks, cheapest first, and raise `BuildError` at the first that fails."""
    prettier = NODE_MODULES / "prettier" / "bin" / "prettier.cjs"
    compiler = NODE_MODULES / "typescript" / "bin" / "tsc"
    stages: dict[str, list[str | Path]] = {
        "ruff check": [PYTHON, "-m", "ruff", "check", "."],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "mypy": [PYTHON, "-m", "mypy"],
        "prettier": [*node_tool(prettier, "--check", "--log-level=warn", *FORMATTED)],
        "tsc": [*node_tool(compiler, "--project", "tsconfig.json")],
        "pytest": [PYTHON, "-m", "pytest", "tests", "e2e"],
    }
    for name, command in stages.items():
        print(f"\n== {name}", flush=True)
        run(command, name)
