"""Files that are made from loom_core and committed: written, or compared with what is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from .folders import ROOT


def write_or_check(files: Mapping[Path, str], arguments: Sequence[str]) -> int:
    """Write the files that are not up to date; with ``--check`` name them and change nothing.

    Returns:
        The exit status: 1 where a check found one.
    """
    stale = [path for path, text in files.items() if not _holds(path, text)]
    if list(arguments) == ["--check"]:
        for path in stale:
            print(f"error: {path.relative_to(ROOT)} is stale: run python3 web/build types")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[path])
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text
