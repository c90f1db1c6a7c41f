"""Builds the wheel of loom_core from the sources in this project."""

import contextlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hatchling.build import build_wheel

from .bytecode import with_record, write_archive
from .folders import ROOT


def build_core_wheel(folder: Path) -> Path:
    """Build the pure-Python wheel into ``folder``; equal sources give equal bytes."""
    with contextlib.chdir(ROOT):
        return folder / build_wheel(str(folder))


def add_files(wheel: Path, place: str, files: Mapping[str, Path]) -> None:
    """Put files into a folder of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries |= {f"{place}/{name}": path.read_bytes() for name, path in files.items()}
    write_archive(wheel, with_record(entries))
