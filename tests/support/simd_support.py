"""The kernels compiled natively, and one node at a time run by them between guard words."""

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from loom_core.backends import simd
from loom_core.backends.simd.kernel_table import call_of, encode
from loom_core.backends.simd.library import PATH_VARIABLE, Library
from loom_core.backends.simd_backend import SimdBackend

SOURCES = Path(simd.__file__).parent
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
COMMON = ("-std=c11", "-shared", "-fPIC", "-ffreestanding", "-fno-math-errno")
OPTIMIZED = ("-O3",)
SANITIZED = ("-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

KERNEL_TESTS = [
    "tests/backends/test_simd_functions.py",
    "tests/backends/test_simd_ops.py",
    "tests/backends/test_simd_networks.py",
    "tests/backends/test_simd_programs.py",
    "tests/backends/test_simd_statistics.py",
    "tests/backends/test_working_memory.py",
    "tests/backends/test_kernel_faults.py::test_entmax_with_an_alpha_that_a_float_rounds_to_1_is_nearly_softmax",
    "tests/network/test_gradients.py::test_backward_cpu_gives_the_gradients_of_float64",
]
"""What runs on any build of the kernels: natively, with sanitizers, and in a browser."""

GUARD = 16
"""Guard words on either side of a buffer: a cache line."""

GUARD_BITS = 0x7FA5A5A5
"""A NaN that no arithmetic makes: reading it shows in the result, writing over it is seen."""


def compile_kernels(*flags: str) -> Path:
    """Compile the kernels with gcc into a folder of temporary files; once for the same inputs."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.fail("gcc is needed to test the kernels natively")
    files = sorted(SOURCES.glob("*.c"))
    digest = hashlib.sha256(repr((flags, COMMON, WARNINGS)).encode())
    for path in sorted(SOURCES.glob("*.[chi]*")):
        digest.update(path.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"loom-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"kernels-{digest.hexdigest()[:16]}.so"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch, target.name)
            command = [compiler, *COMMON, *WARNINGS, *flags, *map(str, files), "-o", str(made)]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stderr
            made.replace(target)
    return target


def kernels() -> Path:
    """Return the library that the environment names, else the optimized one.

    In a browser the environment names a side module of the bundle.
    """
    named = os.environ.get(PATH_VARIABLE)
    return Path(named) if named else compile_kernels(*OPTIMIZED)


@functools.cache
def library() -> Library:
    return Library(kernels(), "native")


def backend() -> SimdBackend:
    return SimdBackend(library())


class Guarded:
    """A copy of an array with guard words around it."""

    def __init__(self, array: np.ndarray, guard: int) -> None:
        self.guard = guard
        self.words = np.full(array.size + 2 * guard, GUARD_BITS, np.uint32)
        inside = self.words[guard : guard + array.size].view(array.dtype)
        self.array = inside.reshape(array.shape)
        self.array[...] = array

    def check(self, name: str) -> None:
        ends = (self.words[: self.guard], self.words[self.words.size - self.guard :])
        for end in ends:
            assert (end == GUARD_BITS).all(), f"{name} was written beyond its end"


def run_node(node, inputs, *, guard=GUARD, in_place=False):
    """Run one node by its kernel on copies of the inputs.

    Args:
        node: From a graph.
        inputs: Arrays, float32.
        guard: Guard words; 0 leaves it to the address sanitizer to see what goes beyond the end.
        in_place: The first output lies in the memory of the first input.

    Returns:
        The outputs, then the inputs that the op changes.
    """
    call = call_of(node)
    assert call is not None, f"there is no kernel for {node.op.name} of {node.attributes}"
    held = [Guarded(np.asarray(x, np.float32), guard) for x in inputs]
    unset = np.uint32(GUARD_BITS).view(np.float32)
    made = [Guarded(np.full(y.shape, unset, np.float32), guard) for y in node.outputs]
    if in_place:
        made[0] = held[0]
    constants = [Guarded(constant, guard) for constant in call.constants]
    buffers = [*held, *made, *constants]
    record = encode(node, call, [buffer.array.ctypes.data for buffer in buffers])
    words = ctypes.c_int32(record.size)
    pointer = ctypes.c_void_p(record.ctypes.data)
    floats = library().scratch_floats(pointer, words)
    assert floats >= 0
    scratch = Guarded(np.full(floats, unset, np.float32), guard)
    assert library().run(pointer, words, ctypes.c_void_p(scratch.array.ctypes.data)) == -1
    for number, buffer in enumerate(buffers):
        buffer.check(f"{node.op.name} buffer {number}")
    scratch.check(f"{node.op.name} working memory")
    for number, (x, copy) in enumerate(zip(inputs, held, strict=True)):
        if number not in node.op.updates and not (in_place and copy is held[0]):
            np.testing.assert_array_equal(copy.array, np.asarray(x, np.float32))
    return [*(buffer.array for buffer in made), *(held[at].array for at in node.op.updates)]
