"""An observer that keeps what it is told, up to a number of events."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from loom_core.checks import positive
from loom_core.json_records import to_json
from loom_core.observers.diagnosis import DiagnosisFinding, diagnose_stats
from loom_core.observers.observer import LayerObserver, read_event
from loom_core.observers.records import LayerEvent, LayerStats, RecordedActivity, TrainingEvent
from loom_core.observers.symptoms import DiagnosisThresholds
from loom_core.public import public, public_class, read_record

CAPACITY = 10_000
"""Events kept, where it is not said otherwise; each takes about two kilobytes."""


@public_class
class RecordingObserver(LayerObserver):
    """Keeps the newest events in order; what no longer fits is counted.

    Args:
        model_id: A name for the recording.
        capacity: Events of layers that are kept, and as many of the training.

    Raises:
        SpecError: A capacity below 1.
    """

    def __init__(self, model_id: str = "", capacity: int = CAPACITY) -> None:
        self.model_id = model_id
        self._events: deque[LayerEvent] = deque(maxlen=positive(capacity, "capacity"))
        self._training: deque[TrainingEvent] = deque(maxlen=capacity)
        self.clear()

    @public("OnForward")
    def on_forward(self, event: LayerEvent) -> None:
        """Keep an event."""
        self._total += 1
        self._events.append(read_event(event))

    @public("OnBackward")
    def on_backward(self, event: LayerEvent) -> None:
        """Keep an event."""
        self._total += 1
        self._events.append(read_event(event))

    @public("OnTrainingEvent")
    def on_training_event(self, event: TrainingEvent) -> None:
        """Keep an event."""
        self._training.append(read_record(TrainingEvent, event))

    @public("GetHistory")
    def get_history(self) -> list[LayerStats]:
        """Return the statistics of the forward passes that are kept, oldest first."""
        return [event.stats for event in list(self._events) if event.type == "forward"]

    @public("GetBackwardHistory")
    def get_backward_history(self) -> list[LayerStats]:
        """Return the statistics of the backward passes that are kept, oldest first."""
        return [event.stats for event in list(self._events) if event.type == "backward"]

    @public("GetTrainingEvents")
    def get_training_events(self) -> list[TrainingEvent]:
        """Return the events of the training that are kept, oldest first."""
        return list(self._training)

    @public("GetEvents")
    def get_events(self) -> list[LayerEvent]:
        """Return the events of layers that are kept, oldest first."""
        return list(self._events)

    @public("Diagnose")
    def diagnose(self, thresholds: DiagnosisThresholds | None = None) -> list[DiagnosisFinding]:
        """Return what is wrong in the passes that are kept; see DiagnoseStats.

        Args:
            thresholds: From where on a measure is a finding; the guide's where left out.
        """
        return diagnose_stats([event.stats for event in list(self._events)], thresholds)

    @public("DroppedEvents")
    def dropped_events(self) -> int:
        """Return how many events of layers no longer fit."""
        return self._total - len(self._events)

    @public("GetRecording")
    def get_recording(self) -> RecordedActivity:
        """Return all that is kept."""
        events = self.get_events()
        return RecordedActivity(
            model_id=self.model_id,
            recorded_at=self._started_at,
            duration=time.perf_counter() - self._started,
            total_events=self._total,
            dropped_events=self._total - len(events),
            events=events,
            training_events=self.get_training_events(),
        )

    @public("SaveToString")
    def save_to_string(self) -> str:
        """Return the recording as JSON; NaN and infinity, which JSON has not, become null."""
        return to_json(self.get_recording())

    @public("SaveToFile")
    def save_to_file(self, path: str) -> None:
        """Write the recording to a file as JSON.

        Args:
            path: Path of the file; one that is there is replaced.

        Raises:
            OSError: It cannot be written.
        """
        Path(path).write_text(self.save_to_string(), encoding="utf-8")

    @public("Clear")
    def clear(self) -> None:
        """Forget everything and start anew."""
        self._events.clear()
        self._training.clear()
        self._total = 0
        self._started = time.perf_counter()
        self._started_at = datetime.now(UTC).astimezone().isoformat(timespec="seconds")

    @public("Reset")
    def reset(self) -> None:
        """Same as Clear."""
        self.clear()


@public("NewRecordingObserver")
def new_recording_observer(model_id: str = "", capacity: int = CAPACITY) -> RecordingObserver:
    """Return an observer that keeps the newest events."""
    return RecordingObserver(model_id, capacity)
