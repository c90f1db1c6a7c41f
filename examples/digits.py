"""Read the digits file that the build makes (see web/build/digits.py for its format)."""

import gzip
import struct
from pathlib import Path

import numpy as np

HELD_OUT = 2000
DEFAULT_FILE = Path(__file__).parent.parent / "dist" / "data" / "digits.bin"


def read_digits(path: Path = DEFAULT_FILE) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 784) float32 from 0 to 1, and labels (N,); the last 2,000 are held out."""
    if not path.exists():
        raise SystemExit(f"{path} is missing: run `npm run build` once")
    raw = gzip.decompress(path.read_bytes())
    magic, count, rows, cols = struct.unpack_from("<4sIII", raw)
    assert magic == b"LDIG"
    labels = np.frombuffer(raw, np.uint8, count, offset=16)
    pixels = np.frombuffer(raw, np.uint8, count * rows * cols, offset=16 + count)
    return pixels.reshape(count, rows * cols).astype(np.float32) / 255, labels
