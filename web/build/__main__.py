"""Entry point of ``python3 web/build <command>``."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (the host's Python may be any)
    sys.exit(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")

# Run as a folder, Python puts web/build itself first on the path, where our file names would hide
# modules of the standard library. The project root belongs there.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from web.build.commands import main  # noqa: E402 (needs the path set above)

sys.exit(main(sys.argv[1:]))
