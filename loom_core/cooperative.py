"""Calls that take long, written as generators: they give way to others, and wait for the browser.

Called as a function, such a call runs to its end. The bridge, in a browser's worker, runs it step
by step and answers other calls in between, so that no threads are needed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from functools import update_wrapper
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, cast, overload

from loom_core.errors import BackendError

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
Q = ParamSpec("Q")

Wait: TypeAlias = bool | Awaitable[object]
"""What a cooperative generator yields: True while it waits for another call, False to let others
run, or an awaitable (a promise of the browser) that must resolve before it can continue."""

TURN_SECONDS = 0.005
"""How long a call that waits for others sleeps before it looks again."""


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
    with other things to do (the bridge, inside a browser worker) uses :meth:`steps` and continues
    when it has time; what is yielded is a :data:`Wait`.
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
        self: Cooperative[Concatenate[S, Q], R], instance: S, owner: type
    ) -> Callable[Q, R]: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        """Bind like a function does."""
        if instance is None:
            return self
        return MethodType(self, instance)
