"""Runs inside the browser's Python: the kernels' tests, on a side module of the bundle.

Beside it lie pytest and the folder ``tests``.
"""

import contextlib
import io
import os
from pathlib import Path

import pytest

from loom_core.backends import simd
from loom_core.backends.simd.library import FILES, PATH_VARIABLE
from tests.support.simd_support import KERNEL_TESTS

# There is no terminal to capture, and no later run to remember failures for.
PLUGINS = ("-p", "no:faulthandler", "-p", "no:cacheprovider")


def outcome(kind):
    """Run the tests on the module for an instruction set; return pytest's exit code and report."""
    os.environ[PATH_VARIABLE] = str(Path(simd.__file__).with_name(FILES[kind]))
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        code = pytest.main(["-q", "-s", "--tb=short", "-W", "error", *PLUGINS, *KERNEL_TESTS])
    return int(code), report.getvalue()
