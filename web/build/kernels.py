"""Compiles the kernels of loom_core into WebAssembly side modules, by the Zig package's clang."""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from loom_core.backends.simd.library import FILES

from .cache import cached, combined_key, sha256
from .errors import BuildError
from .folders import ROOT

SOURCES = ROOT / "loom_core" / "backends" / "simd"

COMPILE = (
    "-target", "wasm32-freestanding", "-c", "-std=c11", "-O2", "-g0",
    # Tiles unroll where their source says so; elsewhere it is only size.
    "-fno-unroll-loops",
    # A side module is placed anywhere, and finds no C library to call.
    "-fPIC", "-ffreestanding", "-fno-builtin", "-fno-math-errno",
    "-Wall", "-Wextra", "-Werror",
)  # fmt: skip

FOR_SIZE = {"entmax.c": ("-Os",)}
"""Sources whose time is in calls and not in their loops, and what stands in for -O2 there."""

INSTRUCTIONS = {"simd128": ("-msimd128",), "relaxed-simd": ("-msimd128", "-mrelaxed-simd")}

EXPORTS = ("record_format", "run", "run_steps", "scratch_floats", "summarize")

LINK = (
    "--shared", "--experimental-pic", "--no-entry", "--strip-all",
    *(f"--export={name}" for name in EXPORTS),
)  # fmt: skip


def kernel_modules() -> dict[str, Path]:
    """Return the side modules by the names under which loom_core looks for them."""
    sources = sorted(SOURCES.glob("*.[chi]*"))
    inputs = [*(path.name for path in sources), *map(sha256, sources), version("ziglang")]
    modules = {}
    for kind, name in FILES.items():
        options = [*COMPILE, str(FOR_SIZE), *INSTRUCTIONS[kind], *LINK]
        key = combined_key([*inputs, *options])
        modules[name] = cached(name, key, lambda target, kind=kind: compile_kernels(kind, target))
    return modules


def compile_kernels(kind: str, target: Path) -> None:
    """Write one side module; equal sources give equal bytes."""
    print(f"compiling {target.name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for source in sorted(SOURCES.glob("*.c")):
            made = Path(folder, source.stem + ".o")
            options = [*COMPILE, *FOR_SIZE.get(source.name, ()), *INSTRUCTIONS[kind]]
            _zig("cc", *options, source.name, "-o", made, scratch=folder)
            objects.append(made)
        _zig("wasm-ld", *LINK, *objects, "-o", target, scratch=folder)


def _zig(*arguments: str | Path, scratch: str) -> None:
    """Run a tool of the Zig package, which keeps its own cache in ``scratch``."""
    caches = {"ZIG_GLOBAL_CACHE_DIR": scratch, "ZIG_LOCAL_CACHE_DIR": scratch}
    result = subprocess.run(
        [sys.executable, "-m", "ziglang", *map(str, arguments)],
        cwd=SOURCES,
        env={**os.environ, **caches},
        check=False,
    )
    if result.returncode != 0:
        raise BuildError(f"compiling the kernels failed (zig {arguments[0]}), see above")
