"""Public names: the one table that makes Python functions callable from JavaScript.

A function or method is written once in Python under a PEP 8 name. :func:`public` gives it the name
that JavaScript calls it by, Loom's own where Loom has it; introspection, the bridge and the
TypeScript types are made from this table, never by hand, and nothing outside it can be called by
name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from types import FunctionType
from typing import Any, TypeVar, cast, get_type_hints

from loom_core.cooperative import Cooperative
from loom_core.errors import SpecError, kind_of

T = TypeVar("T")

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Public module functions by public name."""

CLASSES: dict[str, type] = {}
"""Public classes by public name."""

METHODS: dict[type, dict[str, Callable[..., Any]]] = {}
"""Public methods of each public class, by public name."""

RECORDS: dict[str, type] = {}
"""Plain data classes that cross to JavaScript as objects, by name."""

RESULTS: set[type] = set()
"""The records that only come out; the others are arguments, read by read_record."""

STAND_INS: dict[type, str] = {}
"""Protocols that lower modules name in the place of a public class, with that class's name."""

# Records cross with every call of a training: what their names make is worked out once.
_FIELDS: dict[type, dict[str, Field[Any]]] = {}
_KEYS: dict[type, list[tuple[str, str]]] = {}

_PUBLIC_NAME = "__loom_public_name__"
_DOCUMENTED_LIKE = "__loom_documented_like__"
_INITIALISMS = {word: word.upper() for word in ("cpu", "gpu", "hh", "id", "ih", "json", "kv", "lr")}


def public(name: str) -> Callable[[T], T]:
    """Mark a module function or a method as public under ``name``."""

    def mark(target: T) -> T:
        setattr(target, _PUBLIC_NAME, name)
        qualified = getattr(target, "__qualname__", "")
        if "." not in qualified:
            FUNCTIONS[name] = cast(Callable[..., Any], target)
        return target

    return mark


def documented_like(source: Callable[..., object]) -> Callable[[T], T]:
    """Let parameters that a function or record does not describe be described as in ``source``.

    Its own docstring then describes only parameters that ``source`` lacks, or means otherwise.
    """

    def mark(target: T) -> T:
        setattr(target, _DOCUMENTED_LIKE, source)
        return target

    return mark


def documentation_source(target: object) -> object | None:
    """Return what :func:`documented_like` named for ``target``; None where it named nothing."""
    return getattr(target, _DOCUMENTED_LIKE, None)


def public_class(cls: type[T]) -> type[T]:
    """Register a class whose methods carry public names; JavaScript sees it by its own name.

    A property is a method there: reading it is a call to the worker.
    """
    CLASSES[cls.__name__] = cls
    inherited = {name: m for base in reversed(cls.__mro__) for name, m in vars(base).items()}
    members = [m.fget if isinstance(m, property) else m for m in inherited.values()]
    METHODS[cls] = {
        getattr(member, _PUBLIC_NAME): member
        for member in members
        if isinstance(member, FunctionType | Cooperative) and hasattr(member, _PUBLIC_NAME)
    }
    return cls


def public_class_of(cls: type) -> type | None:
    """Return the nearest public class that ``cls`` is or derives from, or None."""
    return next((base for base in cls.__mro__ if base in METHODS), None)


def stands_for(name: str) -> Callable[[type[T]], type[T]]:
    """Let a protocol be described and checked as the public class that it asks something of."""

    def mark(protocol: type[T]) -> type[T]:
        STAND_INS[protocol] = name
        return protocol

    return mark


def public_type(hint: Any) -> Any:
    """Return the public class that a hint stands for, or the hint itself."""
    return CLASSES[STAND_INS[hint]] if isinstance(hint, type) and hint in STAND_INS else hint


def public_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's annotations; it may name any public class, imported there or not."""
    scope = {**CLASSES, **getattr(function, "__globals__", {})}
    hints = get_type_hints(function, scope, include_extras=True)
    return {name: public_type(hint) for name, hint in hints.items()}


def record(cls: type[T]) -> type[T]:
    """Register a dataclass that JavaScript passes as a plain object."""
    if not is_dataclass(cls):
        raise TypeError(f"internal: {cls.__name__} is not a dataclass")
    RECORDS[cls.__name__] = cls
    return cls


def result_record(cls: type[T]) -> type[T]:
    """Register a dataclass that JavaScript receives as a plain object."""
    RESULTS.add(cls)
    return record(cls)


def public_field_name(name: str) -> str:
    """Return the public form of a snake_case field: ``learning_rate`` becomes ``LearningRate``."""
    return "".join(_INITIALISMS.get(word, word.capitalize()) for word in name.split("_"))


def record_key(field: Field[Any]) -> str:
    """Return a record field's public name: its ``public`` metadata, or made from its name."""
    return str(field.metadata.get("public") or public_field_name(field.name))


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def read_record(cls: type[T], value: object) -> T:
    """Return ``value`` as a record: itself, or made from a mapping.

    Keys are matched without regard to case and underscores, as Loom's JSON does; ``None`` means
    that a field is left out.

    Raises:
        SpecError: Not a mapping, an unknown key, a key given twice, or a required one missing.
    """
    if isinstance(value, cls):
        return value
    name = cls.__name__
    if not isinstance(value, dict):
        hint = f"Pass {name}(...) in Python, an object with its fields in JavaScript."
        if isinstance(value, type):
            hint = f"Call the class: {value.__name__}(...)."
        raise SpecError(f"{name} must be an object, got {kind_of(value)}", hint=hint)
    by_plain_name = _fields_by_plain_name(cls)
    given: dict[str, Any] = {}
    for key, item in value.items():
        field = by_plain_name.get(_plain(str(key)))
        if field is None:
            known = ", ".join(record_key(f) for f in by_plain_name.values())
            raise SpecError(f"{name} has no field {key!r}", hint=f"Its fields are {known}.")
        if field.name in given:
            raise SpecError(f"{name} has the field {record_key(field)} twice")
        if item is not None:
            given[field.name] = item
    missing = [
        record_key(f)
        for f in record_fields(cls)
        if f.name not in given and f.default is MISSING and f.default_factory is MISSING
    ]
    if missing:
        raise SpecError(f"{name} needs {', '.join(missing)}")
    return cls(**given)


def is_record(cls: type) -> bool:
    """Whether objects of a class cross to JavaScript as plain objects."""
    return RECORDS.get(cls.__name__) is cls


def write_record(value: Any) -> dict[str, Any]:
    """Return a record as a dict under public field names; nested values are left as they are."""
    return {key: getattr(value, name) for name, key in _record_keys(type(value))}


def _fields_by_plain_name(cls: type) -> dict[str, Field[Any]]:
    if cls not in _FIELDS:
        _FIELDS[cls] = {_plain(field.name): field for field in record_fields(cls)}
    return _FIELDS[cls]


def _record_keys(cls: type) -> list[tuple[str, str]]:
    if cls not in _KEYS:
        _KEYS[cls] = [(field.name, record_key(field)) for field in record_fields(cls)]
    return _KEYS[cls]


def record_fields(cls: type) -> tuple[Field[Any], ...]:
    """Return the dataclass fields of a record class."""
    return fields(cls)
