"""Finds and loads the kernel library, and says why not where it cannot."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loom_core.arrays import F32
from loom_core.backends.simd.kernel_table import RECORD_FORMAT
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

    Attributes:
        instead_of: Why a library that would be preferred did not load; empty where it is this one.

    Raises:
        BackendError: It cannot be loaded, or was built for another record format.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.kind = kind
        self.instead_of = ""
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
        self._scratch_floats = handle.scratch_floats
        self._scratch_floats.restype = ctypes.c_double

    def run_records(
        self, records: ctypes.c_void_p, words: ctypes.c_int32, scratch: ctypes.c_void_p
    ) -> None:
        """Run records one after another.

        Raises:
            BackendError: One of them names no kernel; those before it have run.
        """
        at = self.run(records, words, scratch)
        if at >= 0:
            raise BackendError(f"internal: the record at word {at} names no kernel of the library")

    def scratch_floats(self, records: ctypes.c_void_p, words: ctypes.c_int32) -> int:
        """Return how many floats of working memory the records need; -1 where one names no kernel.

        The number is exact up to 2^53, whatever an address of the kernels can count.
        """
        return int(self._scratch_floats(records, words))

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
        kinds = list(FILES) if _engine_knows_relaxed_simd() else ["simd128"]
        return first_that_loads(Path(__file__).parent, kinds)
    path = os.environ.get(PATH_VARIABLE)
    if not path:
        raise BackendError(
            f"outside a browser the SIMD kernels are optional, and {PATH_VARIABLE} names none",
            hint=f"Compile loom_core/backends/simd/*.c and set {PATH_VARIABLE} to the result.",
        )
    return Library(Path(path), "native")


def first_that_loads(folder: Path, kinds: Sequence[str]) -> Library:
    """Load one of the bundle's libraries, the most preferred first.

    Raises:
        BackendError: None of them loads; the message says why of each.
    """
    refusals: list[str] = []
    for kind in kinds:
        try:
            library = Library(folder / FILES[kind], kind)
        except BackendError as error:
            refusals.append(str(error))
            continue
        if refusals:
            library.instead_of = "; ".join(refusals)
        return library
    raise BackendError("; ".join(refusals))


def _engine_knows_relaxed_simd() -> bool:
    """Ask the JavaScript engine; some (Node 20) know SIMD without its relaxed part."""
    # Taken off its object first: Pyodide keeps two references for good when a method is called.
    validate = importlib.import_module("js").WebAssembly.validate
    to_js = importlib.import_module("pyodide.ffi").to_js
    return bool(validate(to_js(RELAXED_SIMD_PROBE)))
