"""Files that are made once for the same inputs and kept between builds."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from .folders import cache_folder


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def combined_key(parts: Iterable[str]) -> str:
    """Return one key for a sequence of strings; another sequence gives another key."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:32]


def cached(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the cached file ``<key>/<name>``, made by ``make(path)`` if it is not there yet.

    A file appears in the cache only when it is complete, so an interrupted build leaves no half
    of one behind.
    """
    target = cache_folder() / key / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            partial = Path(folder) / name
            make(partial)
            os.replace(partial, target)
    return target
