"""What an HTTPObserver and its delivery share: the events that wait, and what became of others."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from loom_core.errors import LoomError
from loom_core.json_records import to_json
from loom_core.observers.channel import ChannelObserver, Event
from loom_core.observers.http_address import Target

BATCH = 200
"""Most events in one request."""


class Delivery(Protocol):
    """What takes events out of a queue and sends them."""

    def wake(self) -> None:
        """Start sending, if it has not started yet."""


@dataclass
class Outbox:
    """What an observer and its delivery share.

    Args:
        target: Where to, from :func:`~loom_core.observers.http_address.read_target`.
        timeout: Seconds that a request may take.
        allow_private: Whether the host may be in a private network.
        queue: Events that wait.
        sent: Taken by the server.
        failed: In requests that failed.
        last_error: What the last of them failed of.
        settled: Is notified after each request.
    """

    target: Target
    timeout: float
    allow_private: bool
    queue: ChannelObserver
    sent: int = 0
    failed: int = 0
    last_error: str = ""
    settled: threading.Condition = field(default_factory=threading.Condition)

    def count(self, events: int, error: str = "") -> None:
        """Note what became of a request."""
        with self.settled:
            if error:
                self.failed += events
                self.last_error = error
            else:
                self.sent += events
            self.settled.notify_all()


def reason_of(failure: Exception) -> str:
    """Return what a request failed of, in words."""
    known = isinstance(failure, OSError | LoomError) and str(failure)
    return known or f"{type(failure).__name__}: {failure}"


def body_of(events: list[Event]) -> bytes:
    """Return the JSON array of some events as UTF-8."""
    return to_json(events).encode()
