"""The build's inputs: NumPy's wheel by its hash, and the digits."""

import gzip
import hashlib
import os
import struct

import numpy as np
import pytest

from web.build import numpy_wheel
from web.build.digits import packed, shuffled
from web.build.errors import BuildError


def fail_with(text):
    def read():
        raise OSError(text)

    return read


def test_a_wheel_of_another_hash_is_refused_whatever_the_source(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOM_CACHE", os.fspath(tmp_path))
    monkeypatch.setattr(numpy_wheel, "_from_cdn", lambda: b"something else")
    found = hashlib.sha256(b"something else").hexdigest()

    with pytest.raises(BuildError, match=f"{numpy_wheel.WHEEL_SHA256}, got {found}"):
        numpy_wheel.numpy_wheel()

    assert not list(tmp_path.rglob("*.whl"))


def test_a_damaged_wheel_in_the_cache_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOM_CACHE", os.fspath(tmp_path))
    cached = tmp_path / numpy_wheel.WHEEL_SHA256[:32] / numpy_wheel.WHEEL_NAME
    cached.parent.mkdir()
    cached.write_bytes(b"damaged")

    with pytest.raises(BuildError, match=f"local cache .*{numpy_wheel.WHEEL_SHA256}"):
        numpy_wheel.numpy_wheel()


def test_when_no_source_has_the_wheel_all_reasons_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOM_CACHE", os.fspath(tmp_path))
    monkeypatch.setattr(numpy_wheel, "_from_cdn", fail_with("no route"))
    monkeypatch.setattr(numpy_wheel, "_from_carrier", fail_with("no such package"))

    with pytest.raises(BuildError, match=r"CDN: no route\n.*open-webui.*: no such package"):
        numpy_wheel.numpy_wheel()


def test_digits_are_packed_as_documented():
    digits = [(label % 10, bytes([label]) * 784) for label in range(30)]

    content = packed(digits)

    stream = gzip.decompress(content)
    magic, count, rows, columns = struct.unpack_from("<4s3I", stream)
    assert (magic, count, rows, columns) == (b"LDIG", 30, 28, 28)
    labels = np.frombuffer(stream, np.uint8, count, offset=16)
    pixels = np.frombuffer(stream, np.uint8, offset=16 + count).reshape(count, 784)
    assert np.array_equal(pixels[:, 0] % 10, labels)
    assert sorted(pixels[:, 783]) == list(range(30))
    assert packed(digits) == content


def test_any_prefix_of_the_shuffled_digits_is_balanced():
    digits = [(label, b"") for label in range(10) for _ in range(100)]

    labels = np.array([label for label, _ in shuffled(digits)])

    assert np.bincount(labels[:500], minlength=10).min() >= 35
    assert sorted(labels) == sorted(label for label, _ in digits)
