"""The kernel tests once more with address and undefined-behaviour sanitizers."""

import os
import subprocess
import sys
from pathlib import Path

from simd_support import SANITIZED, compile_kernels

from loom_core.backends.simd.library import PATH_VARIABLE

TESTS = Path(__file__).parent


def test_kernels_touch_nothing_outside_and_leave_nothing_undefined():
    kernels = compile_kernels(*SANITIZED)
    # The sanitizer has to be the first library of the process, which is Python.
    find = ["gcc", "-print-file-name=libasan.so"]
    sanitizer = subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()
    environment = {
        **os.environ,
        PATH_VARIABLE: str(kernels),
        "LD_PRELOAD": sanitizer,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python itself leaves memory to the end of the process
        "PYTHONMALLOC": "malloc",
    }
    names = ["test_simd_ops.py", "test_simd_networks.py", "test_simd_statistics.py"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-k", "not ten_thousand", *names],
        cwd=TESTS,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "passed" in result.stdout
