"""Finds and loads the kernel library, and says why not where it cannot."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from pathlib import Path

import numpy as np

from loom_core.arrays import F32
from loom_core.backends.simd.records import RECORD_FORMAT
from loom_core.errors import BackendError

PATH_VARIABLE = "LOOM_KERNELS"
"""Environment variable that names a natively compiled library."""

FILES = {"relaxed-simd": "kernels_relaxed_simd.wasm", "simd128": "kernels_simd128.wasm"}
"""The side modules of the bundle, by the instruction set that each needs."""

# (func (result v128) (f32x4.relaxed_madd (i8x16.splat (i32.const 0)) ...)), the smallest module
# that an engine without relaxed SIMD refuses.
RELAXED_SIMD_PROBE = bytes.fromhex(
    "0061736d01000000010501600001" + "7b03020100"
    "0a1301" + "1100" + "4100fd0f" * 3 + "fd8502" + "0b"
)  # fmt: skip


class Library:
    """The loaded kernels.

    Args:
        path: Of the shared library or WebAssembly side module.
        kind: ``"relaxed-simd"``, ``"simd128"`` or ``"native"``; for reports.

    Raises:
        BackendError: It cannot be loaded, or was built for another record format.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.kind = kind
        try:
            handle = ctypes.CDLL(str(path))
            found, self._summarize = handle.record_format(), handle.summarize
        except (OSError, AttributeError) as error:
            raise BackendError(f"the kernel library {path} cannot be loaded: {error}") from error
        if found != RECORD_FORMAT:
            raise BackendError(
                f"the kernel library {path} reads records of format {found}, "
                f"this package writes {RECORD_FORMAT}",
                hint="Build the library from the sources of this package.",
            )
        # No argument types: the arguments are ctypes objects, made once and passed as they are.
        self.run = handle.run
        self.run_steps = handle.run_steps
        self.scratch_floats = handle.scratch_floats

    def summarize(self, x: F32, outer: int, units: int, inner: int) -> tuple[list[float], int]:
        """Return sums, extremes and counts of an array seen as (outer, units, inner).

        Returns:
            Sum, sum of squares, least, largest, how many are not 0, how many are positive; and of
            how many units any number is not 0. NaN shows in the sums only.
        """
        alive, found = np.empty(units, np.int32), np.empty(6, np.float64)
        sizes = map(ctypes.c_int32, (outer, units, inner))
        arrays = [ctypes.c_void_p(array.ctypes.data) for array in (x, alive, found)]
        self._summarize(arrays[0], *sizes, *arrays[1:])
        return found.tolist(), int(np.count_nonzero(alive))


def open_library() -> Library:
    """Load the library that this platform can run.

    Raises:
        BackendError: There is none; the message says why.
    """
    if sys.platform == "emscripten":
        kind = "relaxed-simd" if _engine_knows_relaxed_simd() else "simd128"
        return Library(Path(__file__).with_name(FILES[kind]), kind)
    path = os.environ.get(PATH_VARIABLE)
    if not path:
        raise BackendError(
            f"outside a browser the SIMD kernels are optional, and {PATH_VARIABLE} names none",
            hint=f"Compile loom_core/backends/simd/*.c and set {PATH_VARIABLE} to the result.",
        )
    return Library(Path(path), "native")


def _engine_knows_relaxed_simd() -> bool:
    """Ask the JavaScript engine; some (Node 20) know SIMD without its relaxed part."""
    # Taken off its object first: Pyodide keeps two references for good when a method is called.
    validate = importlib.import_module("js").WebAssembly.validate
    to_js = importlib.import_module("pyodide.ffi").to_js
    return bool(validate(to_js(RELAXED_SIMD_PROBE)))
