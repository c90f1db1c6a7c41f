"""Writes manifest.json: the size and SHA-256 of each file of the built folder."""

import json
from pathlib import Path

from .cache import sha256

NAME = "manifest.json"


def write_manifest(folder: Path, version: str) -> None:
    """Write the manifest of all files below ``folder``, itself excepted."""
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }
    text = json.dumps({"version": version, "files": files}, indent=1)
    (folder / NAME).write_text(text + "\n")
