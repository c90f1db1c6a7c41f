"""The build's archives: bytecode wheels, the lock, the manifest, the cache."""

import base64
import csv
import hashlib
import json
import marshal
import os
import zipfile

import pytest

from web.build.bytecode import Rules, bytecode_tag, compile_archive
from web.build.cache import cached, combined_key
from web.build.lock import BundledPackage, write_lock
from web.build.manifest import write_manifest

PYC_HEADER_BYTES = 16
SOURCES = {
    "pack/__init__.py": '"""Doc."""\nNAMES = {"a", "b", "c"}\n',
    "pack/rare.py": "assert NAME\n",
    "pack/tests/test_it.py": "this is no Python",
    "pack/data.txt": "data",
    "pack-1.0.dist-info/WHEEL": "Root-Is-Purelib: true\nTag: py3-none-any\n",
    "pack-1.0.dist-info/RECORD": "stale",
}


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in SOURCES.items():
            archive.writestr(name, text)
    return path


def compiled(wheel, tmp_path, **rules):
    target = tmp_path / "compiled.whl"
    compile_archive(wheel, target, Rules(drop=("*/tests/*",), **rules))
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def docstring(pyc):
    namespace = {}
    exec(marshal.loads(pyc[PYC_HEADER_BYTES:]), namespace)
    return namespace.get("__doc__")


def test_sources_become_bytecode_and_unwanted_files_go(wheel, tmp_path):
    entries = compiled(wheel, tmp_path)

    assert sorted(entries) == [
        "pack-1.0.dist-info/RECORD",
        "pack-1.0.dist-info/WHEEL",
        "pack/__init__.pyc",
        "pack/data.txt",
        "pack/rare.pyc",
    ]
    assert docstring(entries["pack/__init__.pyc"]) == "Doc."
    assert f"Tag: {bytecode_tag()}-none-any" in entries["pack-1.0.dist-info/WHEEL"].decode()


def test_only_the_named_sources_are_compiled_if_any_are_named(wheel, tmp_path):
    entries = compiled(wheel, tmp_path, only=("pack/__init__.py",), keep_docstrings=False)

    assert docstring(entries["pack/__init__.pyc"]) is None
    assert entries["pack/rare.py"] == b"assert NAME\n"


def test_the_record_of_a_compiled_wheel_describes_its_files(wheel, tmp_path):
    entries = compiled(wheel, tmp_path)

    rows = list(csv.reader(entries["pack-1.0.dist-info/RECORD"].decode().splitlines()))

    assert [name for name, _, _ in rows] == sorted(entries)
    for name, digest, size in rows:
        if not name.endswith("RECORD"):
            expected = base64.urlsafe_b64encode(hashlib.sha256(entries[name]).digest())
            assert digest == "sha256=" + expected.decode().rstrip("=")
            assert int(size) == len(entries[name])


def test_equal_entries_give_equal_bytes_whenever_they_were_written(wheel, tmp_path):
    compile_archive(wheel, tmp_path / "first.whl", Rules(drop=("*/tests/*",)))
    later = tmp_path / "later" / wheel.name
    later.parent.mkdir()
    with zipfile.ZipFile(later, "w") as archive:
        for name, text in reversed(SOURCES.items()):
            archive.writestr(zipfile.ZipInfo(name, (2030, 5, 17, 12, 0, 0)), text)
    compile_archive(later, tmp_path / "second.whl", Rules(drop=("*/tests/*",)))

    assert (tmp_path / "first.whl").read_bytes() == (tmp_path / "second.whl").read_bytes()


def test_the_lock_names_normalised_packages_and_hashes_as_shipped(tmp_path):
    info = {"abi_version": "2026_0", "arch": "wasm32", "platform": "any", "python": "3.14.0"}
    (tmp_path / "pyodide-lock.json").write_text(json.dumps({"info": info, "packages": {}}))
    wheel = tmp_path / "loom_core-0.1.0-cp314-none-any.whl"
    wheel.write_bytes(b"wheel")
    target = tmp_path / "lock.json"

    write_lock(target, tmp_path, "314.0.4", [BundledPackage("loom_core", wheel, ("numpy",))])

    lock = json.loads(target.read_text())
    assert lock["info"] == {**info, "version": "314.0.4"}
    package = lock["packages"]["loom-core"]
    assert package["file_name"] == wheel.name
    assert package["version"] == "0.1.0"
    assert package["sha256"] == hashlib.sha256(b"wheel").hexdigest()
    assert package["imports"] == ["loom_core"]
    assert package["depends"] == ["numpy"]


def test_the_manifest_lists_every_file_but_itself(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "digits.bin").write_bytes(b"digits")

    write_manifest(tmp_path, "1.2.3")
    write_manifest(tmp_path, "1.2.3")

    assert json.loads((tmp_path / "manifest.json").read_text()) == {
        "version": "1.2.3",
        "files": {"data/digits.bin": {"bytes": 6, "sha256": hashlib.sha256(b"digits").hexdigest()}},
    }


def test_a_cached_file_is_made_once_and_never_seen_half_made(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOM_CACHE", os.fspath(tmp_path))

    def interrupted(path):
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("file", "key", interrupted)
    path = cached("file", "key", lambda target: target.write_text("whole") and None)

    assert path.read_text() == "whole"
    assert cached("file", "key", interrupted) == path
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_key_tells_where_one_part_ends():
    assert combined_key(["ab", "c"]) != combined_key(["a", "bc"])
