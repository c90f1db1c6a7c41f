"""The init functions of layers by name: what they take, and calling them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loom_core.calls import require_arguments
from loom_core.errors import CallError, kind_of
from loom_core.functions import layer_inits, softmax_inits
from loom_core.introspection import describe_callable, type_text
from loom_core.layers import Layer
from loom_core.public import FUNCTIONS, public, result_record


@result_record
@dataclass(frozen=True)
class LayerInitFunction:
    """One init function.

    Args:
        name: Its public name.
        num_args: How many parameters it has, optional ones included.
        arg_types: Their types, in order.
        arg_names: Their names, in order.
        doc: What it returns.
    """

    name: str
    num_args: int
    arg_types: list[str]
    arg_names: list[str]
    doc: str


def _init_functions() -> dict[str, Callable[..., Layer]]:
    modules = {layer_inits.__name__, softmax_inits.__name__}
    return {name: f for name, f in sorted(FUNCTIONS.items()) if f.__module__ in modules}


def _describe(name: str) -> LayerInitFunction:
    described = describe_callable(name, _init_functions()[name])
    parameters = described["parameters"]
    types = [type_text(parameter["type"]) for parameter in parameters]
    names = [parameter["name"] for parameter in parameters]
    return LayerInitFunction(name, len(parameters), types, names, described["doc"])


@public("ListLayerInitFunctions")
def list_layer_init_functions() -> list[LayerInitFunction]:
    """Return every init function, by name."""
    return [_describe(name) for name in _init_functions()]


@public("GetLayerInitFunction")
def get_layer_init_function(name: str) -> LayerInitFunction | None:
    """Return one init function's description, or None where there is none of that name.

    Args:
        name: Its public name, such as ``InitDenseLayer``.
    """
    return _describe(name) if name in _init_functions() else None


@public("CallLayerInit")
def call_layer_init(name: str, args: Sequence[object]) -> Layer:
    """Call an init function by its name.

    Args:
        name: Its public name, such as ``InitDenseLayer``.
        args: Its arguments in order; optional ones at the end may be left out.

    Raises:
        CallError: There is none of that name, or the arguments do not fit its parameters.
        SpecError: An argument has a value that is not allowed.
    """
    functions = _init_functions()
    if name not in functions:
        raise CallError(
            f"there is no layer init function {name!r:.60}",
            hint=f"There are {', '.join(functions)}.",
        )
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise CallError(f"{name} needs a list of arguments, got {kind_of(args)}")
    values: list[Any] = require_arguments(name, functions[name], list(args))
    return functions[name](*values)


FUNCTIONS["CallLayerInitFunction"] = call_layer_init  # the documents use both names
