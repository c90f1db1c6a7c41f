"""Writes the C library's table of kernels from loom_core's.

python -m web.build.kernel_table [--check]
"""

import sys

from loom_core.backends.simd.kernel_table import table_of_the_library

from .generated import write_or_check
from .kernels import SOURCES


def main(arguments: list[str]) -> int:
    """Write or check the file and return the exit status."""
    return write_or_check({SOURCES / "kernels.inc": table_of_the_library()}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
