"""What a network says of its own methods: names, parameters, types, defaults and documentation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from loom_core.errors import CallError
from loom_core.introspection import describe_callable, type_text
from loom_core.json_records import to_json
from loom_core.public import METHODS, public, public_class_of, result_record
from loom_core.running import NetworkGrid


@result_record
@dataclass(frozen=True)
class ParameterInfo:
    """One parameter of a method.

    Args:
        name: As messages call it.
        type: A short text, such as ``number`` or ``TrainingConfig | null``.
        optional: It may be left out.
        default: What it then is; null also where there is none.
        doc: What it means.
    """

    name: str = field(metadata={"json": "name"})
    type: str = field(metadata={"json": "type"})
    optional: bool = field(metadata={"json": "optional"})
    default: object = field(metadata={"json": "default"})
    doc: str = field(metadata={"json": "doc"})


@result_record
@dataclass(frozen=True)
class MethodInfo:
    """One method of a network.

    Args:
        method_name: Its public name.
        parameters: In order.
        returns: Types of what it returns; empty if that is nothing.
        doc: What it does, in one line.
    """

    method_name: str = field(metadata={"json": "method_name"})
    parameters: list[ParameterInfo] = field(metadata={"json": "parameters"})
    returns: list[str] = field(metadata={"json": "returns"})
    doc: str = field(metadata={"json": "doc"})

    @property
    def signature(self) -> str:
        """The method as one line: ``Train(batches: ..., config: ... = null) -> TrainingResult``."""
        parameters = [
            f"{p.name}: {p.type}" + (f" = {json.dumps(p.default)}" if p.optional else "")
            for p in self.parameters
        ]
        arrow = f" -> {', '.join(self.returns)}" if self.returns else ""
        return f"{self.method_name}({', '.join(parameters)}){arrow}"


class Introspecting(NetworkGrid):
    """Methods that tell what a network can do.

    They know the public methods and no other attribute.
    """

    @public("GetMethods")
    def get_methods(self) -> list[MethodInfo]:
        """Return every public method, by name."""
        return list(_methods(type(self)).values())

    @public("GetMethodsJSON")
    def get_methods_json(self) -> str:
        """Return every public method as JSON: method_name, parameters, returns, doc."""
        return to_json(self.get_methods(), indent=2)

    @public("ListMethods")
    def list_methods(self) -> list[str]:
        """Return the names of all public methods, in alphabetical order."""
        return list(_methods(type(self)))

    @public("HasMethod")
    def has_method(self, method_name: str) -> bool:
        """Return whether there is a public method of that name.

        Args:
            method_name: The public name, in the case in which ListMethods gives it.
        """
        return method_name in _methods(type(self))

    @public("GetMethodSignature")
    def get_method_signature(self, method_name: str) -> str:
        """Return a public method as one line: its parameters, their defaults, and the result.

        Args:
            method_name: One of ListMethods.

        Raises:
            CallError: There is no public method of that name.
        """
        methods = _methods(type(self))
        if method_name not in methods:
            from difflib import get_close_matches  # only a mistake needs it

            near = get_close_matches(str(method_name), methods, 1)
            raise CallError(
                f"a network has no method {method_name!r:.60}",
                hint=f"Is {near[0]} meant?" if near else "ListMethods names them all.",
            )
        return methods[method_name].signature


_DESCRIBED: dict[type, dict[str, MethodInfo]] = {}
"""The methods of each class that was asked; they never change, so once is enough."""


def _methods(cls: type) -> dict[str, MethodInfo]:
    """Return the public methods of a class by name."""
    if cls not in _DESCRIBED:
        public_methods: dict[str, Callable[..., Any]] = METHODS[public_class_of(cls) or cls]
        _DESCRIBED[cls] = {
            name: _method(name, f, cls) for name, f in sorted(public_methods.items())
        }
    return _DESCRIBED[cls]


def _method(name: str, function: Callable[..., Any], owner: type) -> MethodInfo:
    described = describe_callable(name, function, owner)
    parameters = [
        ParameterInfo(
            parameter["name"],
            type_text(parameter["type"]),
            parameter["optional"],
            parameter.get("default"),
            parameter["doc"],
        )
        for parameter in described["parameters"]
    ]
    returns = described["returns"]
    types = [] if returns["kind"] == "void" else [type_text(returns)]
    return MethodInfo(name, parameters, types, described["doc"])
