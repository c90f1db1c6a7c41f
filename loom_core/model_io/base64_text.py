"""Strict base64."""

from __future__ import annotations

import base64
import binascii

from loom_core.errors import ModelFormatError


def decode_base64(data: object, what: str) -> bytes:
    """Return the bytes of base64 text.

    Raises:
        ModelFormatError: Not text, or not base64 with its padding.
    """
    if not isinstance(data, str):
        raise ModelFormatError(f"{what} must be base64 text")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ModelFormatError(
            f"{what} is not base64: {error}",
            hint="Was the text cut or changed when it was copied?",
        ) from error


def encode_base64(data: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(data).decode("ascii")
