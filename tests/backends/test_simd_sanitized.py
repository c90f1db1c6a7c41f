"""The kernel tests once more with address and undefined-behaviour sanitizers.

This build counts in 64 bits; e2e/test_simd_modules.py runs the same tests where an address has 32.
"""

import os
import subprocess
import sys

from loom_core.backends.simd.library import PATH_VARIABLE
from tests.support.simd_support import KERNEL_TESTS, SANITIZED, compile_kernels
from web.build.folders import ROOT


def test_kernels_touch_nothing_outside_and_leave_nothing_undefined():
    kernels = compile_kernels(*SANITIZED)
    # The sanitizer has to be the first library of the process, which is Python.
    find = ["gcc", "-print-file-name=libasan.so"]
    sanitizer = subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()
    environment = {
        **os.environ,
        PATH_VARIABLE: str(kernels),
        "LD_PRELOAD": sanitizer,
        # Python leaves memory to the end of the process, and some tests ask for more than there is.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "PYTHONMALLOC": "malloc",
    }
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *KERNEL_TESTS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "passed" in result.stdout
