"""Records as JSON under the documented keys, where those differ from the public field names."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from loom_core.public import record_key


def to_json(value: object, indent: int | None = None) -> str:
    """Return a value as JSON text; see :func:`to_json_data`."""
    return json.dumps(to_json_data(value), indent=indent, ensure_ascii=False, allow_nan=False)


def to_json_data(value: Any) -> Any:
    """Return a value as what JSON holds.

    A record becomes an object. A field's key is the ``json`` of its metadata, else its public name;
    ``"-"`` leaves the field out, as does ``omit_empty`` where it is empty. NaN and infinity, which
    JSON has not, become null.
    """
    if is_dataclass(value) and not isinstance(value, type):
        written = {}
        for item in fields(value):
            key, content = item.metadata.get("json") or record_key(item), getattr(value, item.name)
            omitted = "omit_empty" in item.metadata and not content
            if key != "-" and not omitted:
                written[key] = to_json_data(content)
        return written
    if isinstance(value, np.ndarray):
        return [to_json_data(item) for item in value.reshape(-1).tolist()]
    if isinstance(value, list | tuple):
        return [to_json_data(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json_data(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
