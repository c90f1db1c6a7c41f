"""An observer that sends events to an address, beside the training and never in its way."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from loom_core.errors import SpecError
from loom_core.observers.channel import ChannelObserver
from loom_core.observers.http_outbox import BATCH, Delivery, Outbox, body_of, reason_of
from loom_core.observers.observer import LayerObserver
from loom_core.observers.records import LayerEvent, TrainingEvent
from loom_core.public import public, public_class, result_record

TIMEOUT = 5.0
"""Seconds; nothing waits for a request but the next one."""

LONGEST_TIMEOUT = 3600.0
"""Seconds; sockets and browsers can count more, but not without end."""

QUEUE_SIZE = 10_000
"""Events that wait at most."""


@result_record
@dataclass
class DeliveryStatus:
    """What became of the events of an HTTPObserver.

    Args:
        sent: Taken by the server.
        failed: In requests that failed; they are not sent again.
        dropped: Found no room in the queue, or came after Close.
        waiting: Still in the queue.
        last_error: What the last failed request failed of; empty if none did.
    """

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    last_error: str = ""


class ThreadDelivery:
    """Sends by a thread of its own, which ends when the queue is closed."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Start the thread at the first event."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=_send_all, args=(self._outbox,), name="loom-http-observer", daemon=True
            )
            self._thread.start()


def _send_all(outbox: Outbox) -> None:
    from loom_core.observers.http_post import post  # it needs ssl, which a browser's Python lacks

    while events := outbox.queue.take(BATCH):
        error = ""
        try:
            body = body_of(events)
            post(outbox.target, body, timeout=outbox.timeout, allow_private=outbox.allow_private)
        except Exception as failure:  # whatever it is, those who flush wait for the next request
            error = reason_of(failure)
        outbox.count(len(events), error)


@public_class
class HTTPObserver(LayerObserver):
    """POSTs events as JSON arrays, many in one request, without holding up what it watches.

    Outside a browser a thread sends; there, private networks are refused unless they are allowed,
    and redirects are not followed. In a browser its ``fetch`` sends, under the browser's rules.
    Nothing is lost silently: GetStatus counts what was sent, failed, dropped and waits. Values of
    inputs and outputs are not sent, as in Loom v0.0.7.

    Args:
        url: http or https.
        allow_private: Whether this machine and private networks may be sent to.
        timeout: Seconds that a request may take, above 0 and at most 3600.
        queue_size: Events that wait at most; newer ones are dropped.

    Raises:
        SpecError: The address is none of these, or a number is out of its range.
    """

    values_kept = 0

    def __init__(
        self,
        url: str,
        allow_private: bool = False,
        timeout: float = TIMEOUT,
        queue_size: int = QUEUE_SIZE,
    ) -> None:
        from loom_core.observers.http_address import read_target  # what few need, nobody waits for

        in_browser = sys.platform == "emscripten"
        target = read_target(url, allow_private=allow_private or in_browser)
        number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
        if not (number and 0 < timeout <= LONGEST_TIMEOUT):
            raise SpecError(
                f"timeout must be a number of seconds above 0 and at most {LONGEST_TIMEOUT:g}, "
                f"got {timeout!r:.40}"
            )
        queue = ChannelObserver(queue_size)
        self._outbox = Outbox(target, float(timeout), allow_private, queue)
        self._delivery = _delivery(in_browser)(self._outbox)
        weakref.finalize(self, queue.close)  # lets the thread end when nobody holds the observer

    @property
    def url(self) -> str:
        """Where the events are sent."""
        return self._outbox.target.url

    @property
    def timeout(self) -> float:
        """Seconds that a request may take."""
        return self._outbox.timeout

    @public("OnForward")
    def on_forward(self, event: LayerEvent) -> None:
        """Queue an event."""
        self._outbox.queue.on_forward(event)
        self._delivery.wake()

    @public("OnBackward")
    def on_backward(self, event: LayerEvent) -> None:
        """Queue an event."""
        self._outbox.queue.on_backward(event)
        self._delivery.wake()

    @public("OnTrainingEvent")
    def on_training_event(self, event: TrainingEvent) -> None:
        """Queue an event."""
        self._outbox.queue.on_training_event(event)
        self._delivery.wake()

    @public("GetStatus")
    def get_status(self) -> DeliveryStatus:
        """Return how many events were sent, failed, dropped, and wait."""
        box = self._outbox
        with box.settled:
            return DeliveryStatus(
                sent=box.sent,
                failed=box.failed,
                dropped=box.queue.dropped_events(),
                waiting=box.queue.accepted_events() - box.sent - box.failed,
                last_error=box.last_error,
            )

    @public("Close")
    def close(self) -> None:
        """Take no more events; those that wait are still sent."""
        self._outbox.queue.close()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until nothing waits any more, for ``timeout`` seconds at most; say whether so.

        For programs outside a browser, before they end.
        """
        box = self._outbox
        with box.settled:
            return box.settled.wait_for(
                lambda: box.queue.accepted_events() == box.sent + box.failed, timeout
            )


def _delivery(in_browser: bool) -> Callable[[Outbox], Delivery]:
    if not in_browser:
        return ThreadDelivery
    from loom_core.observers.http_fetch import FetchDelivery

    return FetchDelivery


@public("NewHTTPObserver")
def new_http_observer(
    url: str, allow_private: bool = False, timeout: float = TIMEOUT
) -> HTTPObserver:
    """Return an observer that sends events to an address."""
    return HTTPObserver(url, allow_private, timeout)
