"""Sending events by the browser's own ``fetch``, between the other tasks of its event loop."""

from __future__ import annotations

import asyncio

from loom_core.errors import BackendError
from loom_core.observers.http_outbox import BATCH, Outbox, body_of, reason_of

try:
    import loom_http
except ImportError as error:
    raise BackendError(
        "sending events in a browser needs Python to be started by loadLoom",
        hint="Use loadLoom of loom/index.js, or a ChannelObserver and fetch of your own.",
    ) from error


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
        target, timeout_ms = self._outbox.target, round(1000 * self._outbox.timeout)
        while events := self._outbox.queue.poll(BATCH):
            try:
                body = body_of(events).decode()
                error = str(await loom_http.post(target.url, body, timeout_ms))
            except Exception as failure:  # the events of this request fail, not the task
                error = reason_of(failure)
            self._outbox.count(len(events), error)
