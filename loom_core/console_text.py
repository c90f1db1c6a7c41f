"""Text for a terminal or a file that may not know every character, nor have room for it."""

from __future__ import annotations

import sys
from typing import TextIO

WIDTH = 80
"""Columns of a terminal that does not say how many it has."""

_SUBSTITUTES = {ord(block): digit for block, digit in zip("▏▎▍▌▋▊▉█", "1234567#", strict=True)}
_SUBSTITUTES |= {ord("→"): "->", ord("✓"): "*"}


def print_text(text: str, out: TextIO | None = None) -> None:
    """Write a text in characters that the output has: a training must not end for a bar.

    Args:
        text: Any.
        out: Where to; standard output when left out.
    """
    out = sys.stdout if out is None else out
    encoding = getattr(out, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_SUBSTITUTES)
        text = plain.encode(encoding, "replace").decode(encoding)
    out.write(text)


def terminal_width() -> int:
    """Return how many columns of the terminal can be written without starting another line."""
    from shutil import get_terminal_size  # with its archive formats not worth loading at the start

    return get_terminal_size((WIDTH, 0)).columns - 1
