"""Assembles ``dist/``: the folder to drop on any static host."""

import shutil
import tempfile
import tomllib
from pathlib import Path

from .digits import digits_file
from .environment import node_tool, run
from .errors import BuildError
from .folders import DIST, NODE_MODULES, ROOT
from .licenses import write_licenses
from .manifest import write_manifest
from .numpy_wheel import numpy_wheel
from .python_folder import fill_python_folder

SOURCES = ROOT / "web" / "src"
PLAYGROUND = ROOT / "web" / "playground"
EXAMPLES = ROOT / "examples" / "web"


def build_site() -> None:
    """Build ``dist/`` anew; it is replaced as a whole, and only by a complete one."""
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=ROOT) as staging:
        folder = Path(staging, "new")
        fill_python_folder(folder / "pyodide")
        _add_glue(folder / "loom")
        _add_playground(folder)
        shutil.copytree(EXAMPLES, folder / "examples")
        _copy(digits_file(), folder / "data" / "digits.bin")
        for name in ("uPlot.esm.js", "uPlot.min.css"):
            _copy(NODE_MODULES / "uplot" / "dist" / name, folder / "vendor" / name)
        write_licenses(folder / "licenses", numpy_wheel())
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        write_manifest(folder, project["version"])
        if DIST.exists():
            DIST.rename(Path(staging, "old"))
        folder.rename(DIST)
    size = sum(path.stat().st_size for path in DIST.rglob("*") if path.is_file())
    print(f"built dist/ ({size / 1e6:.1f} MB)", flush=True)


def _add_glue(folder: Path) -> None:
    """Add the modules as they are, and the type declarations made from their comments."""
    shutil.copytree(SOURCES, folder)
    with tempfile.TemporaryDirectory() as scratch:
        # `npm test` checks the types; a build only writes them down.
        emit = ["--noEmit", "false", "--noCheck", "--declaration", "--emitDeclarationOnly"]
        compiler = NODE_MODULES / "typescript" / "bin" / "tsc"
        run(
            node_tool(compiler, "--project", ROOT / "tsconfig.json", *emit, "--outDir", scratch),
            "writing type declarations",
        )
        shutil.copytree(Path(scratch, "src"), folder, dirs_exist_ok=True)
    # A module of JavaScript cannot pass on all types of another one: only its declaration can.
    with (folder / "index.d.ts").open("a", encoding="utf-8") as declaration:
        declaration.write('export type * from "./generated/api.js";\n')


def _add_playground(folder: Path) -> None:
    """Add index.html at the root of the folder and everything else below playground/."""
    if not (PLAYGROUND / "index.html").is_file():
        raise BuildError(f"{PLAYGROUND / 'index.html'} is missing")
    shutil.copytree(PLAYGROUND, folder / "playground", ignore=shutil.ignore_patterns("index.html"))
    _copy(PLAYGROUND / "index.html", folder / "index.html")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
