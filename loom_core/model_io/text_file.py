"""Reading a text file whose size is checked first."""

from __future__ import annotations

from pathlib import Path

from loom_core import limits
from loom_core.errors import ModelFormatError


def read_text_file(filename: str) -> str:
    """Return the text of a file.

    Raises:
        OSError: It cannot be read.
        LimitError: It is larger than a model string may be.
        ModelFormatError: It is not UTF-8.
    """
    path = Path(filename)
    limits.require_within(
        path.stat().st_size, limits.MODEL_STRING_CHARS, "the model file's size in bytes"
    )
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelFormatError(f"{filename} is not UTF-8 text: {error.reason}") from error
