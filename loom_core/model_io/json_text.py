"""Strict, bounded JSON: what is untrusted is measured before it is parsed."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from loom_core import limits
from loom_core.errors import LimitError, ModelFormatError, NonFiniteError, kind_of

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)


def parse_json_object(text: object, what: str) -> dict[str, Any]:
    """Parse text that must hold one JSON object.

    Raises:
        ModelFormatError: Not text, not JSON, not an object, or a key that occurs twice.
        LimitError: Longer or deeper than the limits allow.
        NonFiniteError: A NaN or Infinity literal (JSON has none).
    """
    parsed = parse_json(text, what)
    if not isinstance(parsed, dict):
        raise ModelFormatError(
            f"{what} must be a JSON object, got {kind_of(parsed)}",
            hint="A model string starts with { and holds type, version and models.",
        )
    return parsed


def parse_json(text: object, what: str) -> Any:
    """Parse text that must hold JSON of any kind; raises as :func:`parse_json_object`."""
    if isinstance(text, bytes | bytearray | memoryview):
        try:
            text = bytes(text).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelFormatError(f"{what} is not UTF-8 text: {error.reason}") from error
    if not isinstance(text, str):
        raise ModelFormatError(
            f"{what} must be text, got {kind_of(text)}",
            hint="json.dumps makes text of it, or JSON.stringify in JavaScript.",
        )
    limits.require_within(len(text), limits.MODEL_STRING_CHARS, f"the length of {what}")
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start == "":
        raise ModelFormatError(f"{what} is empty", hint="Was the file saved or fetched completely?")
    if start == "<":
        raise ModelFormatError(
            f"{what} holds HTML, not JSON",
            hint="The address probably answered with a page, often an error page: open it.",
        )
    _require_shallow(text, what)
    try:
        return json.loads(
            text.lstrip("\ufeff"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise ModelFormatError(
            f"{what} is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}",
            hint="Was the text cut or changed when it was copied?",
        ) from error
    except ValueError as error:
        if isinstance(error, ModelFormatError | NonFiniteError):
            raise
        # CPython refuses to convert integers of thousands of digits
        raise ModelFormatError(f"{what} holds a number that cannot be read: {error}") from error


def _require_shallow(text: str, what: str) -> None:
    """Count brackets outside strings; a deep text could overflow the parser's stack."""
    depth = 0
    for match in _TOKEN.finditer(text):
        bracket = match.group()[0]
        if bracket in "[{":
            depth += 1
            if depth > limits.JSON_DEPTH:
                raise LimitError(f"{what} is nested deeper than {limits.JSON_DEPTH} levels")
        elif bracket in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ModelFormatError(f"the key {twice[:80]!r} occurs twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise NonFiniteError(
        f"the JSON holds {name}, which is not a number",
        hint="The model diverged before it was saved: load an earlier save.",
    )
