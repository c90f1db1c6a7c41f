"""Time as a test says it."""

from types import SimpleNamespace


def set_clock(monkeypatch, module, *readings):
    """Let a module read these times, in seconds, one after the other, and no more."""
    clock = SimpleNamespace(perf_counter=iter(readings).__next__)
    monkeypatch.setattr(module, "time", clock)
