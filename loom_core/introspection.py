"""What can be called by public name, with real parameter names, types, defaults and docs.

The same description feeds the bridge, the TypeScript types and the documents.
"""

from __future__ import annotations

import inspect
import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from loom_core.arrays import F32, FloatData
from loom_core.cooperative import Cooperative
from loom_core.enums import ENUMS
from loom_core.public import (
    CLASSES,
    FUNCTIONS,
    METHODS,
    RECORDS,
    RESULTS,
    documentation_source,
    public_hints,
    public_type,
    record_fields,
    record_key,
)
from loom_core.version import __version__

Description: TypeAlias = dict[str, Any]

_PLAIN = {
    int: "number",
    float: "number",
    str: "string",
    bool: "boolean",
    object: "unknown",
    Any: "unknown",
}


def describe() -> Description:
    """Return every public function, class, record and enum; plain data, equal at every call."""
    return {
        "version": __version__,
        "functions": [describe_callable(name, f) for name, f in sorted(FUNCTIONS.items())],
        "classes": [
            {
                "name": name,
                "doc": first_line(cls.__doc__),
                "methods": [describe_callable(n, f, cls) for n, f in sorted(METHODS[cls].items())],
            }
            for name, cls in sorted(CLASSES.items())
        ],
        "records": [_describe_record(name, cls) for name, cls in sorted(RECORDS.items())],
        "enums": [
            {
                "name": enum.__name__,
                "doc": first_line(enum.__doc__),
                "values": {member.name: member.value for member in enum},
            }
            for enum in ENUMS
        ],
    }


def describe_callable(
    name: str, target: Callable[..., Any], owner: type | None = None
) -> Description:
    """Return a public callable's name, first line of documentation, parameters and result.

    Args:
        name: Its public name.
        target: A function, or a method as it stands in ``owner``.
        owner: The class of a method.
    """
    function = target.steps if isinstance(target, Cooperative) else target
    hints = public_hints(function)
    docs = _parameter_docs(name, function, owner, hints["return"])
    parameters = [
        {
            "name": parameter.name,
            "type": describe_type(hints[parameter.name]),
            **_optional(parameter.default, parameter.empty),
            "doc": docs.get(parameter.name, ""),
        }
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    returns = hints["return"]
    if isinstance(target, Cooperative):
        returns = get_args(returns)[2]  # Generator[yielded, sent, returned]
    return {
        "name": name,
        "doc": first_line(function.__doc__),
        "parameters": parameters,
        "returns": {"kind": "void"} if returns in (None, type(None)) else describe_type(returns),
        "cooperative": isinstance(target, Cooperative),
    }


def describe_type(hint: Any) -> Description:
    """Return a type annotation as plain data.

    Raises:
        TypeError: The annotation has no counterpart in JavaScript: a public name must not use it.
    """
    hint = public_type(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in (FloatData, F32):
        return {"kind": "float32array"}
    if hint in _PLAIN:
        return {"kind": _PLAIN[hint]}
    if hint is type(None):
        return {"kind": "null"}
    if origin in (Union, types.UnionType):
        options = [describe_type(option) for option in arguments]
        options = [option for option in options if option["kind"] != "null"] + [
            option for option in options if option["kind"] == "null"
        ]
        return options[0] if len(options) == 1 else {"kind": "union", "options": options}
    if origin is Literal:
        options = [{"kind": "literal", "value": value} for value in arguments]
        return options[0] if len(options) == 1 else {"kind": "union", "options": options}
    if origin in (list, Sequence) or (origin is tuple and arguments[1:] == (...,)):
        return {"kind": "array", "item": describe_type(arguments[0])}
    if origin in (dict, Mapping):
        return {"kind": "map", "item": describe_type(arguments[1])}
    if origin is Callable:
        told = {"kind": "callback", "parameters": [describe_type(item) for item in arguments[0]]}
        answer = arguments[1]  # of a function that is only told something: object
        return told if answer is object else {**told, "returns": describe_type(answer)}
    if origin is Annotated:
        return describe_type(arguments[0])
    if hint in CLASSES.values():
        return {"kind": "object", "name": hint.__name__}
    if hint in RECORDS.values():
        return {"kind": "record", "name": hint.__name__}
    raise TypeError(f"internal: {hint!r} is used by a public name but has no JavaScript type")


def type_text(described: Description) -> str:
    """Return a described type as a short text: ``number``, ``string[]``, ``Layer | null``."""
    kind = described["kind"]
    if kind == "array":
        item = type_text(described["item"])
        return f"({item})[]" if " " in item else f"{item}[]"
    if kind == "map":
        return f"{{[key]: {type_text(described['item'])}}}"
    if kind == "union":
        options = (type_text(option) for option in described["options"])
        return " | ".join(f"({option})" if "=>" in option else option for option in options)
    if kind == "callback":
        returns = type_text(described["returns"]) if "returns" in described else "void"
        return f"({', '.join(type_text(item) for item in described['parameters'])}) => {returns}"
    if kind in ("object", "record"):
        return str(described["name"])
    if kind == "literal":
        return json.dumps(described["value"])
    return str(kind)


def first_line(doc: str | None) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())


def _describe_record(name: str, cls: type) -> Description:
    hints = get_type_hints(cls, localns=CLASSES, include_extras=True)
    bases = reversed(cls.__mro__[:-1])  # fields may come from what a record derives from
    docs = _argument_docs(documentation_source(cls), *bases)
    return {
        "name": name,
        "doc": first_line(cls.__doc__),
        "input": cls not in RESULTS,
        "fields": [
            {
                "name": record_key(f),
                "type": describe_type(hints[f.name]),
                **_optional(
                    f.default if f.default_factory is MISSING else f.default_factory(), MISSING
                ),
                "doc": docs.get(f.name, ""),
            }
            for f in record_fields(cls)
        ],
    }


def _parameter_docs(
    name: str, function: Callable[..., Any], owner: type | None, returns: Any
) -> dict[str, str]:
    """Return what the parameters mean, by name.

    What a function does not say itself is said by the one that it is documented like, by the
    methods that it overrides, or, where it is called after the class that it makes, by that class.
    """
    bases = owner.__mro__ if owner is not None else ()
    overridden = [vars(base).get(function.__name__) for base in reversed(bases)]
    made = returns if name.startswith("New") and returns in CLASSES.values() else None
    return _argument_docs(made, *overridden, documentation_source(function), function)


def _argument_docs(*sources: object) -> dict[str, str]:
    """Return what docstrings say of parameters; a later source goes before an earlier one."""
    docs: dict[str, str] = {}
    for source in sources:
        docs |= argument_docs(source.__doc__) if source is not None else {}
    return docs


def _optional(default: Any, none: object) -> Description:
    """Return whether something may be left out, and what it then is, as JSON can hold it."""
    if default is none:
        return {"optional": False}
    if isinstance(default, float) and not math.isfinite(default):
        return {"optional": True, "default": None}
    if isinstance(default, list | tuple):
        return {"optional": True, "default": list(default)}
    if default is None or isinstance(default, bool | int | float | str):
        return {"optional": True, "default": default}
    raise TypeError(f"internal: the default {default!r} of a public name is no plain data")


def argument_docs(doc: str | None) -> dict[str, str]:
    """Return the entries of a Google-style ``Args`` section."""
    docs: dict[str, str] = {}
    name = ""
    lines = inspect.cleandoc(doc or "").splitlines()
    if "Args:" not in lines:
        return docs
    for line in lines[lines.index("Args:") + 1 :]:
        if line.strip() and not line.startswith("    "):
            break
        entry = line.strip()
        if line.startswith("    ") and not line.startswith("     ") and ": " in entry:
            name, _, entry = entry.partition(": ")
        if name and entry:
            docs[name] = f"{docs[name]} {entry}" if name in docs else entry
    return docs
