"""What the commands need on this machine: a virtual environment and the npm packages.

Each install leaves a stamp with the hashes of what it was made from, so that it is done again only
when they change, and a second run needs no network.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from .cache import combined_key, sha256
from .errors import BuildError
from .folders import BUILD, NODE_MODULES, ROOT, VENV

OLDEST_NODE = 20
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(command: Iterable[str | Path], purpose: str, help_text: str = "") -> None:
    """Run a program from the project root and raise `BuildError` when it fails."""
    try:
        code = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    except OSError as error:
        raise BuildError(f"{purpose}: cannot run the program ({error}). {help_text}") from error
    if code != 0:
        raise BuildError(f"{purpose} failed (exit status {code}), see above. {help_text}".rstrip())


def enter_environment(extras: set[str], arguments: list[str]) -> None:
    """Go on inside ``.venv`` with these extras of the project installed.

    Returns at once when this process runs there already; otherwise installs what is missing and
    replaces this process by one in the environment with the same arguments.
    """
    install_python_packages(extras)
    if Path(sys.prefix).resolve() != VENV.resolve():
        _replace_process([str(PYTHON), str(BUILD), *arguments])


def _replace_process(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    if os.name == "nt":  # execv there starts a second process and leaves the console to both
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)


def install_python_packages(extras: set[str]) -> None:
    """Make ``.venv`` hold the project (editable) with at least these extras."""
    stamp = VENV / "loom-stamp.json"
    # An editable install points at this folder, so a moved project is installed again.
    key = combined_key([sha256(ROOT / "pyproject.toml"), str(ROOT)])
    installed = json.loads(stamp.read_text()) if stamp.is_file() else {"key": "", "extras": []}
    works = _works()
    if works and installed["key"] == key and extras.issubset(installed["extras"]):
        return
    if not works:
        _create_environment()
    wanted = sorted(extras.union(installed["extras"]))
    print(f"installing Python packages ({', '.join(wanted)}) into .venv", flush=True)
    stamp.unlink(missing_ok=True)
    run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--editable", f".[{','.join(wanted)}]"],
        "installing Python packages",
        "The first run needs the network.",
    )
    stamp.write_text(json.dumps({"key": key, "extras": wanted}))


def _works() -> bool:
    """Tell whether the environment's Python still runs (its host Python may have gone)."""
    if not PYTHON.exists():
        return False
    return subprocess.run([str(PYTHON), "-c", ""], check=False, capture_output=True).returncode == 0


def _create_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise BuildError(
            "this Python cannot make virtual environments: its ensurepip module is missing. "
            "On Debian and Ubuntu: apt install python3-venv"
        )
    run([sys.executable, "-m", "venv", "--clear", VENV], "making .venv")


def install_node_packages() -> None:
    """Make ``node_modules`` hold what package-lock.json says."""
    _check_node()
    stamp = NODE_MODULES / ".loom-stamp"
    key = sha256(ROOT / "package-lock.json")
    if stamp.is_file() and stamp.read_text() == key:
        return
    print("installing npm packages", flush=True)
    run(
        [_program("npm"), "ci", "--ignore-scripts", "--loglevel=error"],
        "npm ci",
        "The first run needs the network.",
    )
    stamp.write_text(key)


def _check_node() -> None:
    version = subprocess.run([_program("node"), "--version"], capture_output=True, text=True)
    major = version.stdout.removeprefix("v").split(".")[0]
    if not major.isdigit() or int(major) < OLDEST_NODE:
        raise BuildError(f"Node.js {OLDEST_NODE} or newer is needed, found {version.stdout!r}")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise BuildError(f"{name} was not found on the PATH; install Node.js {OLDEST_NODE}")
    return path


def node_tool(*arguments: str | Path) -> list[str]:
    """Return the command line that runs a script with Node."""
    return [_program("node"), *(str(argument) for argument in arguments)]
