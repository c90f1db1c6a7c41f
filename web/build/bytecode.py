"""Rewrites a wheel or zip of Python sources as one of bytecode; runs inside Pyodide.

``pyodide py-compile`` does this too, but it needs a host Python of Pyodide's own version, stamps
the time of the build into every entry and leaves RECORD describing the sources; a build that has
to give equal bytes twice cannot use it.

Standard library only, and no import from the project: `bytecode.mjs` copies this one file.
"""

import base64
import csv
import fnmatch
import hashlib
import io
import py_compile
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

# The oldest time that a zip entry can carry: the bytes must not depend on when they were made.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Rules:
    """What to do with the entries of an archive."""

    drop: tuple[str, ...] = ()
    """Shell patterns of entries to leave out, matched against the whole entry name."""

    only: tuple[str, ...] | None = None
    """The sources to compile, the others staying sources; None compiles all."""

    keep_docstrings: bool = True
    """False leaves out docstrings and assert statements of what is compiled."""


def compile_archive(source: Path, target: Path, rules: Rules) -> None:
    """Write ``target`` from ``source`` with .py entries replaced by .pyc in the same place.

    The same inputs give the same bytes. Raises `py_compile.PyCompileError` when a source has a
    syntax error.
    """
    entries: dict[str, bytes] = {}
    with zipfile.ZipFile(source) as archive:
        for name in sorted(archive.namelist()):
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in rules.drop):
                continue
            data = archive.read(name)
            if name.endswith(".py") and (rules.only is None or name in rules.only):
                entries[name + "c"] = bytecode(name, data, 0 if rules.keep_docstrings else 2)
            else:
                entries[name] = retagged(data) if name.endswith(".dist-info/WHEEL") else data
    write_archive(target, with_record(entries))


def bytecode(name: str, source_text: bytes, optimize: int) -> bytes:
    """Return the .pyc file of a source; tracebacks will call it ``name``."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.py"), Path(folder, "target.pyc")
        source.write_bytes(source_text)
        py_compile.compile(
            str(source),
            cfile=str(target),
            dfile=name,
            doraise=True,
            optimize=optimize,
            # No source stands beside it to check against; a time stamp would differ in each build.
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return target.read_bytes()


def bytecode_tag() -> str:
    """Return the wheel tag of the only interpreter that can read this one's bytecode."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def retagged(wheel_metadata: bytes) -> bytes:
    """Return WHEEL metadata whose ``py3`` tag names this interpreter instead."""
    return wheel_metadata.replace(b"Tag: py3-", f"Tag: {bytecode_tag()}-".encode())


def with_record(entries: dict[str, bytes]) -> dict[str, bytes]:
    """Return the entries with RECORD, if there is one, describing them."""
    record = next((name for name in entries if name.endswith(".dist-info/RECORD")), None)
    if record is None:
        return entries
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for name in sorted(entries):
        if name == record:
            rows.writerow([name, "", ""])
        elif not name.endswith("/"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(entries[name]).digest())
            rows.writerow([name, "sha256=" + digest.decode().rstrip("="), len(entries[name])])
    return {**entries, record: text.getvalue().encode()}


def write_archive(target: Path, entries: dict[str, bytes]) -> None:
    """Write a zip whose bytes depend on the entries alone."""
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3  # Unix, wherever this runs
            info.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name], compresslevel=9)
