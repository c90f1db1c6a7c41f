"""Arguments of calls by public name, checked against the function's own signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import Parameter, signature
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import numpy as np

from loom_core.cooperative import Cooperative
from loom_core.errors import CallError, kind_of
from loom_core.public import public_class_of, public_hints

_SIMPLE = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}

_LISTS = (list, Sequence)
_OBJECTS = (dict, Mapping)


def require_arguments(
    name: str, function: Callable[..., Any], values: list[Any], *, bound: int = 0
) -> list[Any]:
    """Return the arguments, without those at the end that are left out (None).

    Args:
        name: Public name, for messages.
        function: What will be called.
        values: Positional arguments.
        bound: How many of them the caller does not see (the object of a method).

    Raises:
        CallError: Too few or too many, or one is of another type than is said.
    """
    parameters = _parameters(function)
    required = sum(not parameter.optional for parameter in parameters)
    values = list(values)
    while len(values) > required and values[-1] is None:
        values.pop()
    if not required <= len(values) <= len(parameters):
        expected = ", ".join(parameter.name for parameter in parameters[bound:]) or "none"
        raise CallError(f"{name} takes {expected}; got {len(values) - bound} arguments")
    for parameter, value in list(zip(parameters, values, strict=False))[bound:]:
        if value is None and (parameter.may_be_none or parameter.optional):
            continue
        options = parameter.types
        if options and not any(_fits(value, option) for option in options):
            wanted = " or ".join(dict.fromkeys(_words(option) for option in options))
            raise CallError(f"{name}: {parameter.name} must be {wanted}, got {kind_of(value)}")
    return values


class _Parameter(NamedTuple):
    """What a call must know of one parameter; no types where it is checked where it is used."""

    name: str
    optional: bool
    may_be_none: bool
    types: tuple[Any, ...]


@cache
def _parameters(function: Callable[..., Any]) -> tuple[_Parameter, ...]:
    """Return a function's parameters; kept, since resolving annotations costs more than a call."""
    plain = function.steps if isinstance(function, Cooperative) else function
    hints = public_hints(plain)
    described = []
    for parameter in signature(plain).parameters.values():
        options = _options(hints.get(parameter.name, Any))
        types = tuple(option for option in options if option is not type(None))
        optional = parameter.default is not Parameter.empty
        checked = types if all(map(_is_checked, types)) else ()
        described.append(_Parameter(parameter.name, optional, types != options, checked))
    return tuple(described)


def _options(hint: Any) -> tuple[Any, ...]:
    """Return the types that a hint allows; which texts are allowed says the function itself."""
    options = get_args(hint) if get_origin(hint) in (UnionType, Union) else (hint,)
    return tuple(str if get_origin(option) is Literal else option for option in options)


def _words(option: Any) -> str:
    if get_origin(option) is not None:
        return "a list" if get_origin(option) in _LISTS else "an object"
    if option in _SIMPLE:
        return _SIMPLE[option]
    name = option.__name__
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"


def _is_checked(option: Any) -> bool:
    """Whether calls check a type: simple ones, public classes, lists and objects of whatever."""
    if get_origin(option) in _LISTS + _OBJECTS:
        return True
    return option in _SIMPLE or (isinstance(option, type) and public_class_of(option) is not None)


def _fits(value: object, option: Any) -> bool:
    origin = get_origin(option)
    if origin in _LISTS and isinstance(value, np.ndarray | memoryview):
        return get_args(option)[0] in (int, float, bool)
    if origin in _LISTS + _OBJECTS:
        return isinstance(value, list | tuple if origin in _LISTS else Mapping)
    if option is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if option is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, option)
