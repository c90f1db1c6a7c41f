"""The contracts of imports in pyproject.toml hold, and would not if someone broke them."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from web.build.folders import ROOT

LINTER = Path(sys.executable).parent / "lint-imports"

UPWARD = {
    "at run time": "from loom_core.network import Network\n",
    "for type checkers": (
        "from typing import TYPE_CHECKING\n\n"
        "if TYPE_CHECKING:\n    from loom_core.network import Network\n"
    ),
    "in a function": "def late():\n    from loom_core.network import Network\n",
}


@pytest.fixture
def package(tmp_path):
    """A copy of the package's Python files beside the contracts."""
    keep_python = shutil.ignore_patterns("__pycache__", "*.c", "*.h", "*.inc")
    shutil.copytree(ROOT / "loom_core", tmp_path / "loom_core", ignore=keep_python)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder):
    command = [LINTER, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_package_keeps_its_floors(package):
    done = lint(package)
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("kind", UPWARD)
def test_an_import_from_above_breaks_them(package, kind):
    module = package / "loom_core" / "graph" / "plan.py"
    module.write_text(module.read_text(encoding="utf-8") + UPWARD[kind], encoding="utf-8")
    done = lint(package)
    assert done.returncode != 0
    assert "loom_core.graph is not allowed to import loom_core.network" in done.stdout


def test_a_circle_inside_a_folder_breaks_them(package):
    module = package / "loom_core" / "graph" / "op.py"
    circle = "def late():\n    from loom_core.graph import plan\n"
    module.write_text(module.read_text(encoding="utf-8") + circle, encoding="utf-8")
    done = lint(package)
    assert done.returncode != 0
    assert "No circle among modules or folders, whatever the kind of import BROKEN" in done.stdout


def test_the_picture_of_the_floors_names_what_the_contract_names():
    """Line by line, from above; a floor may have more words behind it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contracts["tool"]["importlinter"]["contracts"][1]["layers"]
    floors = [name for layer in layers for name in re.findall(r"\w+", layer)]
    document = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    picture = document.partition("## The floors")[2].partition("\n    ")[2].partition("\n\n")[0]
    heads = [line.strip().split("  ")[0] for line in picture.splitlines() if "──" not in line]
    assert [name for head in heads for name in re.findall(r"\w+", head)] == floors
