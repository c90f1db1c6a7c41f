"""Who may touch a network while it trains: one training at a time, pause, resume, stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from loom_core.errors import BusyError


class TrainingControl:
    """State of a network's training; requests take effect between two chunks of steps.

    Attributes:
        in_steps: A chunk runs, or has run and is not recorded yet.
        whole_steps: Held while steps change the layers' own arrays: another thread that takes it
            finds the weights of a whole step.
    """

    def __init__(self) -> None:
        self.running = False
        self.paused = False
        self.stopping = False
        self.in_steps = False
        self.whole_steps = threading.RLock()

    def require_idle(self, action: str) -> None:
        """Raise :class:`BusyError` while a training runs."""
        if self.running:
            raise BusyError(
                f"cannot {action}: the network is training",
                hint="Wait for the training to end, or call StopTraining first.",
            )

    @contextmanager
    def training(self) -> Iterator[None]:
        """Hold the network for one training.

        Raises:
            BusyError: Another training holds it.
        """
        self.require_idle("start a training")
        self.running, self.paused, self.stopping = True, False, False
        try:
            yield
        finally:
            self.running = self.paused = self.stopping = self.in_steps = False

    def pause(self) -> None:
        """Ask a running training to wait; without one, nothing happens."""
        self.paused = self.running

    def resume(self) -> None:
        """Let a paused training continue."""
        self.paused = False

    def stop(self) -> None:
        """Ask a running training to end, paused or not."""
        self.stopping = self.running
        self.paused = False
