"""Calls by public name with plain data: the Python end of the JavaScript API.

Nothing here knows JavaScript; a page, a worker or a test can drive it. Objects stay in Python
and are named by integer handles; numbers, text, arrays, lists and dicts cross as they are. No
attribute is ever looked up by a caller's name: only the table of public names is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any

import numpy as np

from loom_core.calls import require_arguments
from loom_core.cooperative import Cooperative, Wait
from loom_core.errors import CallError, LoomError, WeightsAwayError
from loom_core.public import FUNCTIONS, METHODS, is_record, public_class_of, write_record
from loom_core.questions import CallerFunction
from loom_core.running import NetworkGrid

Envelope = dict[str, Any]


class Bridge:
    """A table of live objects and jobs, and the calls on them."""

    def __init__(self) -> None:
        self._objects: dict[int, object] = {}
        self._jobs: dict[int, Generator[Wait, None, Any]] = {}
        self._job_objects: dict[int, int] = {}
        self._last_number = 0
        self._at_once = False

    def answer_at_once(self) -> None:
        """Never give a job for what is no cooperative call: its caller wants the value itself."""
        self._at_once = True

    def call(self, target: int, name: str, args: list[Any]) -> Envelope:
        """Call a public function (target 0) or a method of the object with that handle.

        Returns:
            ``{"value": ...}``, ``{"job": number}`` for a cooperative call that :meth:`advance`
            drives (and for any other that reads weights which have to come back from a GPU), or
            ``{"error": {code, message, hint, type}}``.
        """
        return _enveloped(lambda: self._call(target, name, args))

    def advance(self, job: int, budget_ms: float) -> Envelope:
        """Run a job for about ``budget_ms`` milliseconds, at least one step.

        Returns:
            ``{"pending": True, "paused": bool}`` while there is more to do, with a promise as
            ``"wait"`` where that has to settle before the job is advanced again; else as
            :meth:`call`.
        """
        return _enveloped(lambda: self._advance(job, budget_ms))

    def cancel(self, job: int) -> Envelope:
        """End a job now; a training keeps the weights of its last whole step.

        Returns:
            ``{"job": number}`` where these still have to come back from a GPU; no other call should
            be made before that job has ended. Else ``{"value": None}``.
        """
        return _enveloped(lambda: self._cancel(job))

    def prepare_forward(self, handle: int, length: int) -> int:
        """Return where the call sheet of ``ForwardCPU`` lies, for a flat input of that length.

        See :meth:`~loom_core.running.NetworkGrid.forward_sheet`. It holds until anything else is
        asked of this bridge.

        Returns:
            0 where ForwardCPU has to be called, which may raise an error that says why.
        """
        reply = _enveloped(lambda: {"value": self._prepare_forward(handle, length)})
        return int(reply.get("value", 0))

    def release(self, handle: int) -> None:
        """Forget an object; its jobs are cancelled."""
        for job in [job for job, owner in self._job_objects.items() if owner == handle]:
            reply = self.cancel(job)
            if "job" in reply:  # nobody wants the weights of what is forgotten
                self._forget_job(reply["job"])
        self._objects.pop(handle, None)

    def live_handles(self) -> int:
        """Return how many objects JavaScript holds."""
        return len(self._objects)

    def live_jobs(self) -> int:
        """Return how many cooperative calls are under way."""
        return len(self._jobs)

    def _call(self, target: int, name: str, args: list[Any]) -> Envelope:
        if target == 0:
            owner, table, what = None, FUNCTIONS, "function"
        else:
            owner = self._object(target)
            kind = public_class_of(type(owner)) or type(owner)
            table, what = METHODS[kind], f"method of {kind.__name__}"
        function = table.get(name)
        if function is None:
            raise CallError(f"there is no {what} {str(name)[:60]!r}")
        values = [self._from_plain(arg) for arg in args]
        bound = values if owner is None else [owner, *values]
        bound = require_arguments(name, function, bound, bound=0 if owner is None else 1)
        if isinstance(function, Cooperative):
            return self._job(target, function.steps(*bound))
        try:
            return {"value": self._to_plain(function(*bound))}
        except WeightsAwayError as error:
            if self._at_once:
                raise
            afterwards = error.afterwards
        return self._job(target, afterwards(partial(function, *bound)))

    def _job(self, target: int, steps: Generator[Wait, None, Any]) -> Envelope:
        number = self._number()
        self._jobs[number] = steps
        self._job_objects[number] = target
        return {"job": number}

    def _prepare_forward(self, handle: int, length: int) -> int:
        owner = self._object(handle)
        return owner.forward_sheet(length) if isinstance(owner, NetworkGrid) else 0

    def _advance(self, job: int, budget_ms: float) -> Envelope:
        if job not in self._jobs:
            raise CallError(f"there is no job {job}")
        end = time.perf_counter() + budget_ms / 1000
        try:
            while True:
                wait = next(self._jobs[job])
                if not isinstance(wait, bool):
                    return {"pending": True, "paused": False, "wait": wait}
                if wait or time.perf_counter() >= end:
                    return {"pending": True, "paused": wait}
        except StopIteration as finished:
            self._forget_job(job)
            return {"value": self._to_plain(finished.value)}
        except BaseException:
            self._forget_job(job)
            raise

    def _cancel(self, job: int) -> Envelope:
        if job not in self._jobs:
            return {"value": None}
        target = self._job_objects[job]
        self._jobs[job].close()
        self._forget_job(job)
        owner = self._objects.get(target)
        rest = owner.left_on_gpu() if isinstance(owner, NetworkGrid) else None
        return {"value": None} if rest is None else self._job(target, rest)

    def _forget_job(self, job: int) -> None:
        self._jobs.pop(job, None)
        self._job_objects.pop(job, None)

    def _number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _object(self, handle: object) -> object:
        if not isinstance(handle, int) or handle not in self._objects:
            raise CallError(
                f"there is no object {handle!r}", hint="It was disposed, or never existed."
            )
        return self._objects[handle]

    def _from_plain(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if "$object" in value:
                return self._object(value["$object"])
            return {key: self._from_plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._from_plain(item) for item in value] if _nested(value) else value
        if callable(value):
            return CallerFunction(value, self._to_plain, self._from_plain)
        return value

    def _to_plain(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return np.ascontiguousarray(value).reshape(-1)
        if isinstance(value, np.generic):
            return value.item()
        if is_record(type(value)):
            return self._to_plain(write_record(value))
        kind = public_class_of(type(value))
        if kind is not None:
            handle = self._number()
            self._objects[handle] = value
            return {"$object": handle, "$class": kind.__name__}
        if isinstance(value, Mapping):
            return {str(key): self._to_plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._to_plain(item) for item in value] if _nested(value) else list(value)
        return value


def _nested(values: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a list may hold objects or functions; a long list of numbers is left alone."""
    return any(not isinstance(value, int | float | str) for value in values)


def _enveloped(action: Callable[[], Envelope]) -> Envelope:
    """Run an action; what it raises becomes data, since exceptions do not cross as they are.

    The one place that catches everything: behind it lies another language. Errors that are not
    ours are defects and say so.
    """
    try:
        return action()
    except LoomError as error:
        return _refused(error, error.code, error.hint)
    except MemoryError as error:
        hint = "Use a smaller model or batch, or dispose of networks in use."
        return _refused(error, "memory", hint)
    except OSError as error:
        return _refused(error, "file", "")
    except Exception as error:
        hint = "This is a defect in loom_core: please report it."
        return _refused(error, "internal", hint)


def _refused(error: Exception, code: str, hint: str) -> Envelope:
    """Return an error as data.

    No frame that the error has come through may name it once it is handled: error and traceback
    would hold each other, and with them the network, until the collector comes round.
    """
    message = str(error) or type(error).__name__
    return {
        "error": {
            "code": code,
            "message": message,
            "hint": hint,
            "type": type(error).__name__,
        }
    }
