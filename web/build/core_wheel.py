"""Builds the wheel of loom_core from the sources in this project."""

import contextlib
from pathlib import Path

from hatchling.build import build_wheel

from .folders import ROOT


def build_core_wheel(folder: Path) -> Path:
    """Build the pure-Python wheel into ``folder``; equal sources give equal bytes."""
    with contextlib.chdir(ROOT):
        return folder / build_wheel(str(folder))
