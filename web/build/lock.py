"""Writes pyodide-lock.json, from which ``loadPackage`` finds and checks what ``dist/`` holds."""

import json
from dataclasses import dataclass
from pathlib import Path

from pyodide_lock import InfoSpec, PackageSpec, PyodideLockSpec

from .cache import sha256


@dataclass(frozen=True)
class BundledPackage:
    """A package of the lock: the name that Python imports, its wheel, what it needs."""

    name: str
    wheel: Path
    depends: tuple[str, ...] = ()


def write_lock(
    target: Path, pyodide_folder: Path, pyodide_version: str, packages: list[BundledPackage]
) -> None:
    """Write a lock for these packages and the interpreter of the npm package at ``pyodide_folder``.

    File names are relative and hashes are those of the wheels as they are shipped.
    """
    released = json.loads((pyodide_folder / "pyodide-lock.json").read_text())
    # Releases since 314 leave the version out, which the specification still asks for.
    info = InfoSpec(**{"version": pyodide_version, **released["info"]})
    specs = {spec.name: spec for spec in map(_package_spec, packages)}
    lock = PyodideLockSpec(info=info, packages=specs)
    lock.check_wheel_filenames()
    lock.to_json(target, indent=1)


def _package_spec(package: BundledPackage) -> PackageSpec:
    return PackageSpec(
        # loadPackage looks for the normalised form of whatever name it is given.
        name=package.name.replace("_", "-"),
        version=package.wheel.name.split("-")[1],
        file_name=package.wheel.name,
        install_dir="site",
        sha256=sha256(package.wheel),
        imports=[package.name],
        depends=list(package.depends),
    )
