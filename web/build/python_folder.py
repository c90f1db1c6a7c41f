"""Fills ``dist/pyodide/``: the interpreter, its library, NumPy, loom_core and the lock.

Compiling to bytecode takes more than half off the start-up, but bytecode is up to twice as large as
the source. So of the library and NumPy only the modules that every start imports are compiled, and
these without their docstrings; the rest stays importable as source.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from .bytecode import Rules
from .bytecode_cache import compiled_archive
from .cache import cached, combined_key, sha256
from .core_wheel import add_files, build_core_wheel
from .environment import node_tool
from .errors import BuildError
from .folders import BUILD, PYODIDE
from .kernels import kernel_modules
from .lock import BundledPackage, write_lock
from .numpy_wheel import UNUSED_FILES, WHEEL_NAME, numpy_wheel

UNCHANGED_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
LIBRARY = "python_stdlib.zip"
KERNELS = "loom_core/backends/simd"
KERNEL_SOURCES = tuple(f"{KERNELS}/*.{kind}" for kind in ("c", "h", "inc"))


def fill_python_folder(folder: Path) -> None:
    """Write all files that Pyodide loads by itself into a new ``folder``."""
    folder.mkdir(parents=True)
    for name in UNCHANGED_FILES:
        shutil.copyfile(PYODIDE / name, folder / name)
    with tempfile.TemporaryDirectory() as scratch:
        core = build_core_wheel(Path(scratch))
        add_files(core, KERNELS, kernel_modules())
        # Bytecode is for one version of Python only, and the wheel's name has to say so.
        name = core.name.replace("-py3-", f"-{_python_tag()}-")
        core = compiled_archive(core, name, Rules(drop=KERNEL_SOURCES))
    library_modules, numpy_modules = _start_modules(core)
    library = compiled_archive(
        PYODIDE / LIBRARY, LIBRARY, Rules(only=library_modules, keep_docstrings=False)
    )
    numpy_rules = Rules(drop=UNUSED_FILES, only=numpy_modules, keep_docstrings=False)
    numpy = compiled_archive(numpy_wheel(), WHEEL_NAME, numpy_rules)
    for path in (library, numpy, core):
        shutil.copyfile(path, folder / path.name)
    _lock(folder, numpy, core)


def _python_tag() -> str:
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text())
    major, minor = lock["info"]["python"].split(".")[:2]
    return f"cp{major}{minor}"


def _lock(folder: Path, numpy: Path, core: Path) -> None:
    version = json.loads((PYODIDE / "package.json").read_text())["version"]
    packages = [BundledPackage("numpy", numpy), BundledPackage("loom_core", core, ("numpy",))]
    write_lock(folder / "pyodide-lock.json", PYODIDE, version, packages)


def _start_modules(core: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sources of the library and of NumPy that importing loom_core loads."""
    script = BUILD / "start_modules.mjs"
    inputs = [core, numpy_wheel(), script, PYODIDE / "package.json"]
    listing = cached(
        "start_modules.json",
        combined_key(map(sha256, inputs)),
        lambda target: _list_start_modules(core, script, target),
    )
    files = json.loads(listing.read_text())

    def below(marker: str) -> tuple[str, ...]:
        names = (name.partition(marker)[2] for name in files if marker in name)
        return tuple(name for name in names if name.endswith(".py"))

    numpy_modules = tuple("numpy/" + name for name in below("/site-packages/numpy/"))
    return below("/python314.zip/"), numpy_modules


def _list_start_modules(core: Path, script: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for path in (core, numpy_wheel()):
            shutil.copyfile(path, Path(scratch, path.name))
        _lock(Path(scratch), numpy_wheel(), core)
        listing = subprocess.run(
            node_tool(script, scratch), check=False, stdout=subprocess.PIPE, text=True
        )
    if listing.returncode != 0:
        raise BuildError("loom_core cannot be imported in Pyodide, see above")
    target.write_text(listing.stdout)
