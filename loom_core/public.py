"""Public names: the one table that makes Python functions callable from JavaScript.

A function or method is written once in Python under a PEP 8 name. :func:`public` gives it the name
under which the seeds document it; introspection, the bridge and the TypeScript types are made
from this table, never by hand, and nothing outside it can be called by name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import update_wrapper
from types import FunctionType
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    TypeAlias,
    TypeVar,
    cast,
    get_type_hints,
    overload,
)

from loom_core.errors import BackendError, SpecError

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

Wait: TypeAlias = bool | Awaitable[object]
"""What a cooperative generator yields: True while it waits for someone else, False to give way,
or an awaitable (a promise of the browser) that must resolve before it goes on."""

TURN_SECONDS = 0.005
"""How long a call that waits for others sleeps before it looks again."""

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

_PUBLIC_NAME = "__loom_public_name__"
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
        raise SpecError(f"{name} must be an object, got {type(value).__name__}")
    by_plain_name = {_plain(f.name): f for f in record_fields(cls)}
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


def write_record(value: object) -> dict[str, Any]:
    """Return a record as a dict under public field names; nested values are left as they are."""
    return {record_key(f): getattr(value, f.name) for f in record_fields(type(value))}


def record_fields(cls: type) -> tuple[Field[Any], ...]:
    """Return the dataclass fields of a record class."""
    return fields(cls)


def wait_here(awaitable: Awaitable[object]) -> None:
    """Wait for a promise of the browser inside a synchronous call.

    Raises:
        BackendError: This browser, or this call, cannot wait (it needs JavaScript Promise
            Integration and a call that may be suspended).
    """
    try:
        from pyodide.ffi import can_run_sync, run_sync
    except ImportError as error:
        raise TypeError("internal: an awaitable outside a browser") from error
    if not can_run_sync():
        raise BackendError(
            "this call has to wait for the GPU or for another call (that resumes a training, say), "
            "and a synchronous call cannot wait here",
            hint="Call InitGPU first and use calls that give promises (ForwardGPU, Train).",
        )
    run_sync(awaitable)


def give_turn() -> None:
    """Let others have their turn: threads and signals, or in a browser its other tasks.

    Raises:
        BackendError: As :func:`wait_here` does: nobody else can have a turn in this call.
    """
    if sys.platform != "emscripten":
        time.sleep(TURN_SECONDS)
        return
    import asyncio

    turn = asyncio.sleep(TURN_SECONDS)
    try:
        wait_here(turn)
    finally:
        turn.close()  # where it has not begun


def finish(generator: Generator[Wait, None, R]) -> R:
    """Run a cooperative generator to its end and return its return value.

    Whatever interrupts it, Ctrl+C included, ends the generator too: nothing stays half done.

    Raises:
        BackendError: It has to wait for the browser, which needs an asynchronous call here.
    """
    with closing(generator):
        while True:
            try:
                wait = next(generator)
            except StopIteration as end:
                return cast(R, end.value)
            if not isinstance(wait, bool):
                wait_here(wait)
            elif wait:
                give_turn()


class Cooperative(Generic[P, R]):
    """A function written as a generator that can be run to its end, or step by step.

    Called like a function it runs to the end and returns the generator's return value. A caller
    with other things to do (the bridge, inside a browser worker) uses :meth:`steps` and goes on
    whenever it likes; what is yielded is a :data:`Wait`.
    """

    def __init__(self, function: Callable[P, Generator[Wait, None, R]]) -> None:
        self.steps = function
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run to the end and return the result."""
        return finish(self.steps(*args, **kwargs))

    @overload
    def __get__(self, instance: None, owner: type) -> Cooperative[P, R]: ...
    @overload
    def __get__(
        self: Cooperative[Concatenate[S, P], R], instance: S, owner: type
    ) -> Callable[P, R]: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        """Bind like a function does."""
        if instance is None:
            return self
        return lambda *args, **kwargs: self(instance, *args, **kwargs)
