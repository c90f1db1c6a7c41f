"""Sending events by the browser's own ``fetch``, between the other tasks of its event loop."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from loom_core.observe.http_observer import BATCH, Outbox, body_of

if TYPE_CHECKING:
    js: Any
    JsException: type[Exception]
else:
    import js
    from pyodide.ffi import JsException


class FetchDelivery:
    """Sends one request after the other, as a task of the event loop."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Start a task, unless one is at work."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_event_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        """Send until nothing waits; what comes meanwhile goes into the next request."""
        await asyncio.sleep(0)
        while events := self._outbox.queue.poll(BATCH):
            self._outbox.count(len(events), await self._post(body_of(events).decode()))

    async def _post(self, body: str) -> str:
        """Send a JSON text and return what went wrong, or nothing."""
        timeout_ms = round(1000 * self._outbox.timeout)
        options = js.JSON.parse(
            json.dumps(
                {
                    "method": "POST",
                    "headers": {"Content-Type": "application/json"},
                    "body": body,
                    "redirect": "error",
                    "credentials": "omit",
                }
            )
        )
        options.signal = js.AbortSignal.timeout(timeout_ms)
        try:
            response = await js.fetch(self._outbox.target.url, options)
        except JsException as error:
            return str(error)
        return "" if response.ok else f"the server answered with status {response.status}"
