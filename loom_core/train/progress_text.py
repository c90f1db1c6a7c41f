"""The progress of a training, for people: a progress bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TextIO

from loom_core.console_text import print_text, terminal_width
from loom_core.train.config import TrainingProgress

BAR_CELLS = 20
LEAST_CELLS = 8
"""A bar that is shorter than this makes room by leaving out numbers."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


class ProgressText:
    """Writes events as text.

    Args:
        every_batch: Batches between two lines of their own; 0 for epochs only.
        out: Where to; standard output when left out.
    """

    def __init__(self, every_batch: int = 0, out: TextIO | None = None) -> None:
        self._every_batch = every_batch
        self._out = sys.stdout if out is None else out
        self._bar = self._out.isatty()
        self._drawn = 0

    def wants_batch(self, batch: int) -> bool:
        """Return whether a batch of an epoch, counted from 1, gets a line."""
        return self._every_batch > 0 and batch % self._every_batch == 0

    def show(self, event: TrainingProgress) -> None:
        """Write an event: a line, or the bar drawn anew."""
        if event.event == "epoch_end":
            self._line(_epoch_line(event))
        elif self.wants_batch(event.batch):
            self._line(_batch_line(event))
        elif self._bar:
            width = terminal_width()
            text = _bar_line(event, width)
            self._write("\r" + text.ljust(min(self._drawn, width)))
            self._drawn = len(text)
        self._out.flush()

    def close(self) -> None:
        """End a bar that was left standing, because the training was stopped."""
        if self._drawn:
            self._write("\n")
            self._drawn = 0

    def _line(self, text: str) -> None:
        start = "\r" if self._drawn else ""
        self._write(f"{start}{text.ljust(self._drawn)}\n")
        self._drawn = 0

    def _write(self, text: str) -> None:
        print_text(text, self._out)


def _epoch_line(event: TrainingProgress) -> str:
    parts = [f"epoch {event.epoch}/{event.epochs}", f"loss {event.epoch_loss:.6g}"]
    if event.validation_loss is not None:
        parts.append(f"validation loss {event.validation_loss:.6g}")
    if event.validation_accuracy is not None:
        parts.append(f"accuracy {event.validation_accuracy:.2%}")
    parts += [f"rate {event.learning_rate:.3g}", f"gradient norm {event.gradient_norm:.3g}"]
    parts += [f"{_duration(event.elapsed_seconds)}", f"{event.samples_per_second:.0f} samples/s"]
    return "  ".join(parts)


def _batch_line(event: TrainingProgress) -> str:
    return (
        f"epoch {event.epoch}/{event.epochs}  batch {event.batch}/{event.batches}  "
        f"loss {event.loss:.6g}  rate {event.learning_rate:.3g}"
    )


def _bar_line(event: TrainingProgress, width: int) -> str:
    """Return the bar with as many numbers as fit: a line that wraps cannot be drawn anew."""
    share = event.batch / event.batches
    head = f"epoch {event.epoch}/{event.epochs} {share:4.0%}"
    times = f"{_duration(event.elapsed_seconds)}<{_duration(event.remaining_seconds)}"
    rate, loss = f"{event.samples_per_second:.0f} samples/s", f"loss {event.loss:.4g}"
    batch = f"{event.batch}/{event.batches} "
    for tail in (f"{batch}[{times}, {rate}, {loss}]", f"{batch}[{times}, {loss}]", f"[{loss}]", ""):
        room = width - len(f"{head}|| {tail}")
        if room >= LEAST_CELLS:
            return f"{head}|{_bar(share, min(room, BAR_CELLS))}| {tail}"
    return head[: max(width, 0)]


def _bar(share: float, cells: int) -> str:
    full, part = divmod(round(share * cells * 8), 8)
    return (_EIGHTHS[8] * full + (_EIGHTHS[part] if part else "")).ljust(cells)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
