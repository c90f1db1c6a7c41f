"""An observer that hands events on to whoever takes them, when they take them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from threading import Condition

from loom_core.checks import positive
from loom_core.cooperative import Cooperative
from loom_core.observers.observer import LayerObserver, read_event
from loom_core.observers.records import LayerEvent, TrainingEvent
from loom_core.public import public, public_class, read_record

BUFFER_SIZE = 1_000
"""Events that wait at most, where it is not said otherwise."""

BATCH = 256
"""Most events that one call hands over, where it is not said otherwise."""

Event = LayerEvent | TrainingEvent


@public_class
class ChannelObserver(LayerObserver):
    """A queue of bounded length between what is watched and who watches.

    It never holds up what it watches: when nobody takes events, new ones are dropped and counted,
    as Loom v0.0.7 drops them. Threads may take events while another trains.

    Args:
        buffer_size: Events that wait at most.

    Raises:
        SpecError: A size below 1.
    """

    def __init__(self, buffer_size: int = BUFFER_SIZE) -> None:
        self._size = positive(buffer_size, "buffer_size")
        self._events: deque[Event] = deque()
        self._changed = Condition()
        self._accepted = 0
        self._dropped = 0
        self._closed = False

    @public("OnForward")
    def on_forward(self, event: LayerEvent) -> None:
        """Queue an event, or drop it where the queue is full or closed."""
        self._put(read_event(event))

    @public("OnBackward")
    def on_backward(self, event: LayerEvent) -> None:
        """Queue an event, or drop it where the queue is full or closed."""
        self._put(read_event(event))

    @public("OnTrainingEvent")
    def on_training_event(self, event: TrainingEvent) -> None:
        """Queue an event, or drop it where the queue is full or closed."""
        self._put(read_record(TrainingEvent, event))

    @public("Poll")
    def poll(self, max_events: int = BATCH) -> list[LayerEvent | TrainingEvent]:
        """Return the events that wait, oldest first, without waiting for any.

        Args:
            max_events: Most to return, at least 1.

        Raises:
            SpecError: ``max_events`` is below 1.
        """
        limit = positive(max_events, "max_events")
        with self._changed:
            return [self._events.popleft() for _ in range(min(limit, len(self._events)))]

    def take(
        self, max_events: int = BATCH, timeout: float | None = None
    ) -> list[LayerEvent | TrainingEvent]:
        """Return events as Poll does, after waiting until there are any.

        Args:
            max_events: Most to return.
            timeout: Seconds to wait at most; None waits for as long as it takes.

        Returns:
            An empty list where the channel is closed and empty, or the time is over.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._closed, timeout)
        return self.poll(max_events)

    @public("Next")
    @Cooperative
    def next_events(
        self, max_events: int = BATCH
    ) -> Generator[bool, None, list[LayerEvent | TrainingEvent]]:
        """Wait for events and return those that wait; none when the channel is closed and empty.

        In Python, :meth:`take` wakes as soon as there are any.

        Args:
            max_events: Most to return, at least 1.
        """
        while not self._events and not self._closed:
            yield True
        return self.poll(max_events)

    @public("Listen")
    @Cooperative
    def listen(
        self, on_event: Callable[[LayerEvent | TrainingEvent], object]
    ) -> Generator[bool, None, None]:
        """Call a function with each event, until the channel is closed or the call cancelled.

        Args:
            on_event: Called with one event at a time, in their order.
        """
        while True:
            for event in self.poll():
                on_event(event)
            if self._closed and not self._events:
                return
            yield not self._events

    @public("DroppedEvents")
    def dropped_events(self) -> int:
        """Return how many events found no room, or came after the channel was closed."""
        return self._dropped

    def accepted_events(self) -> int:
        """Return how many events found room, those included that were taken since."""
        return self._accepted

    @public("Close")
    def close(self) -> None:
        """Take no more events; those that wait can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _put(self, event: Event) -> None:
        with self._changed:
            if self._closed or len(self._events) >= self._size:
                self._dropped += 1
                return
            self._events.append(event)
            self._accepted += 1
            self._changed.notify_all()


@public("NewChannelObserver")
def new_channel_observer(buffer_size: int = BUFFER_SIZE) -> ChannelObserver:
    """Return an observer whose events are taken one after the other."""
    return ChannelObserver(buffer_size)
