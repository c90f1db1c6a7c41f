"""Every error the package raises on purpose.

A message says where, what was expected and what came; the hint says what to do. The tree::

    LoomError
    ├── SpecError            a setting, field or argument value is not allowed (also ValueError)
    ├── ShapeError           sizes do not fit together (also ValueError)
    ├── ModelFormatError     a model string or file is not what it should be (also ValueError)
    ├── ModelNotFoundError   a bundle holds no model of that id (also LookupError)
    ├── NonFiniteError       NaN or infinity in weights, data or a loss (also ValueError)
    ├── LimitError           more memory, depth or length than the limits allow (also ValueError)
    ├── BusyError            the object is in use by a running job (also RuntimeError)
    │   └── WeightsAwayError a training on a GPU has newer weights, and the call cannot wait
    ├── BackendError         a backend cannot do what was asked (also RuntimeError)
    └── CallError            a call by public name is wrong: name, count or type (also TypeError)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, ClassVar, Self

_WORDS = {
    "NoneType": "nothing",
    "str": "text",
    "dict": "an object",
    "list": "a list",
    "tuple": "a list",
    "ndarray": "an array",
    "memoryview": "an array",
}


def kind_of(value: object) -> str:
    """Return how messages call what came, in words that are no language's: JavaScript reads them.

    A number is shown itself, plain data by its kind; anything else by the name of its class.
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, int) and value.bit_length() > 128:
        return "a huge number"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if callable(value):
        return "a function"
    name = type(value).__name__
    return _WORDS.get(name, name)


class LoomError(Exception):
    """Base of all errors; ``code`` is stable and crosses to JavaScript with message and hint.

    Python shows the hint below the message, as a note (PEP 678).
    """

    code: ClassVar[str] = "loom"

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.hint = hint
        self.where = where
        if hint:
            self.add_note(hint)

    def at(self, where: str) -> Self:
        """Return this error with an outer place said first: ``model 'm': cell (0, 0): ...``."""
        places = ": ".join(place for place in (where, self.where) if place)
        return self._said(places)

    def _said(self, where: str) -> Self:
        """Return this error as it is said of a place."""
        return type(self)(self.message, hint=self.hint, where=where)


class SpecError(LoomError, ValueError):
    """A setting, field or argument value is not allowed."""

    code = "spec"


class ShapeError(LoomError, ValueError):
    """Sizes do not fit together."""

    code = "shape"


class ModelFormatError(LoomError, ValueError):
    """A model string or file is not what it should be."""

    code = "model_format"


class ModelNotFoundError(LoomError, LookupError):
    """A bundle holds no model of the given id."""

    code = "model_not_found"


class NonFiniteError(LoomError, ValueError):
    """NaN or infinity in weights, data or a loss."""

    code = "non_finite"


class LimitError(LoomError, ValueError):
    """More memory, depth or length than :mod:`loom_core.limits` allows."""

    code = "limit"


class BusyError(LoomError, RuntimeError):
    """The object is in use by a running job."""

    code = "busy"


class WeightsAwayError(BusyError):
    """The newest weights are on a GPU, and the call cannot wait for them.

    Attributes:
        afterwards: For who can wait: given the call, it returns a cooperative generator that waits
            for the weights, then calls.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        where: str = "",
        afterwards: Callable[[Callable[[], object]], Generator[Any, None, object]],
    ) -> None:
        super().__init__(message, hint=hint, where=where)
        self.afterwards = afterwards

    def _said(self, where: str) -> Self:
        return type(self)(self.message, hint=self.hint, where=where, afterwards=self.afterwards)


class BackendError(LoomError, RuntimeError):
    """A backend cannot do what was asked of it."""

    code = "backend"


class CallError(LoomError, TypeError):
    """A call by public name is wrong: the name, the number or the type of its arguments."""

    code = "call"
