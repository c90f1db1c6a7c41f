"""The WGSL files: in the installed package, or in ``shaders/`` beside a source tree."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from loom_core.errors import BackendError

_PACKAGED = Path(__file__).parents[2] / "shaders"
_SOURCE_TREE = Path(__file__).parents[3] / "shaders"

_NEEDS = re.compile(r"// needs: (.+)")


def shader_folder() -> Path:
    """Return the folder of the shaders.

    Raises:
        BackendError: The installation holds none.
    """
    for folder in (_PACKAGED, _SOURCE_TREE):
        if folder.is_dir():
            return folder
    raise BackendError(f"the shaders are missing from this installation: {_PACKAGED}")


@cache
def shader_source(name: str) -> str:
    """Return the WGSL of a shader.

    A first line ``// needs: activations`` puts ``lib/activations.wgsl`` in front: the one rule
    by which shaders share functions. Several names are separated by commas.

    Raises:
        BackendError: There is no such file.
    """
    text = _read(f"{name}.wgsl")
    needs = _NEEDS.match(text)
    shared = re.split(r",\s*", needs[1].strip()) if needs else []
    return "\n".join([*(_read(f"lib/{part}.wgsl") for part in shared), text])


def _read(name: str) -> str:
    path = shader_folder() / name
    if not path.is_file():
        raise BackendError(f"there is no shader {name}")
    return path.read_text(encoding="utf-8")
