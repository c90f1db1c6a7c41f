"""Functions of a caller that give something back, at once or after a while."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from loom_core.cooperative import Wait
from loom_core.errors import CallError


class CallerFunction:
    """A function of a caller outside Python: objects cross as handles, numbers as plain data.

    Args:
        function: Called with plain data. Where its answers take time it has a method ``ask`` that
            gives a ticket: a promise that never rejects (``promise``), and what came of it to be
            read afterwards (``value``, or ``error`` and ``hint``).
        to_plain: Makes plain data of an argument.
        from_plain: Makes an answer of plain data.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        to_plain: Callable[[Any], Any],
        from_plain: Callable[[Any], Any],
    ) -> None:
        self._function = function
        self._to_plain = to_plain
        self._from_plain = from_plain

    def __call__(self, *args: Any) -> None:
        """Tell it something; what it gives back is not waited for."""
        self._function(*map(self._to_plain, args))

    def ask(self, *args: Any) -> Generator[Wait, None, Any]:
        """Call it and return its answer.

        Raises:
            CallError: The function failed.
        """
        plain = map(self._to_plain, args)
        if not hasattr(self._function, "ask"):
            return self._from_plain(self._function(*plain))
        ticket = self._function.ask(*plain)
        yield ticket.promise
        if ticket.error:
            raise CallError(f"a function of the caller failed: {ticket.error}", hint=ticket.hint)
        answer = ticket.value
        return self._from_plain(answer.to_py() if hasattr(answer, "to_py") else answer)


def ask(function: Callable[..., Any], *args: Any) -> Generator[Wait, None, Any]:
    """Call a function, in Python or outside, and return what it gives."""
    if isinstance(function, CallerFunction):
        return (yield from function.ask(*args))
    return function(*args)
