"""Who is told what happens inside a network: the interface, and the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loom_core.console_text import print_text
from loom_core.errors import SpecError, kind_of
from loom_core.observers.records import LayerEvent, LayerStats, TrainingEvent
from loom_core.public import public, public_class, read_record

VALUES_KEPT = 20
"""How many inputs and outputs an event holds, where the observer does not say otherwise. As in
Loom v0.0.7's recordings."""


@public_class
class LayerObserver:
    """Base of all observers: what is overridden is called, the rest is ignored.

    Either the methods that get an event are overridden, or those of the guide on introspection,
    which get a layer's number and statistics. They are called between two steps, on the thread that
    runs the network; what they raise ends the call or the training that was watched.

    Attributes:
        values_kept: How many inputs and outputs an event holds.
    """

    values_kept: int = VALUES_KEPT

    @public("OnForward")
    def on_forward(self, event: LayerEvent) -> None:
        """A layer has computed its outputs.

        Args:
            event: Which layer, its statistics, and its first inputs and outputs.
        """
        event = read_event(event)
        self.on_layer_forward(event.layer_idx, event.stats)

    @public("OnBackward")
    def on_backward(self, event: LayerEvent) -> None:
        """The gradient has passed a layer.

        Args:
            event: Which layer, the statistics of its gradients, and the first of them.
        """
        event = read_event(event)
        self.on_layer_backward(event.layer_idx, event.stats)

    @public("OnTrainingEvent")
    def on_training_event(self, event: TrainingEvent) -> None:
        """An epoch has started or ended, or a batch has ended.

        Args:
            event: What happened, in which epoch and batch, with loss and accuracy.
        """

    def on_layer_forward(self, layer_index: int, stats: LayerStats) -> None:
        """A layer has computed its outputs."""

    def on_layer_backward(self, layer_index: int, stats: LayerStats) -> None:
        """The gradient has passed a layer."""


def require_observer(value: object) -> None:
    """Raise :class:`SpecError` for what is neither an observer nor None."""
    if value is not None and not isinstance(value, LayerObserver):
        raise SpecError(
            f"an observer is needed, got {kind_of(value)}",
            hint="Make one, as RecordingObserver() does; CallbackObserver makes one of functions.",
        )


def read_event(event: LayerEvent | Mapping[str, Any]) -> LayerEvent:
    """Return an event as a record; from JavaScript it comes as a mapping.

    Raises:
        SpecError: It has a field that there is not, or lacks one.
    """
    if isinstance(event, LayerEvent):
        return event
    if not isinstance(event, Mapping):
        raise SpecError(f"an event must be an object, got {kind_of(event)}")
    fields = {
        key: read_record(LayerStats, value) if key.lower() == "stats" else value
        for key, value in event.items()
    }
    return read_record(LayerEvent, fields)


class CallbackObserver(LayerObserver):
    """Calls functions, for those who do not want to write a class.

    Args:
        on_forward: Gets each LayerEvent of a forward pass.
        on_backward: Gets each LayerEvent of a backward pass.
        on_training_event: Gets each TrainingEvent.
    """

    def __init__(
        self,
        on_forward: Callable[[LayerEvent], object] | None = None,
        on_backward: Callable[[LayerEvent], object] | None = None,
        on_training_event: Callable[[TrainingEvent], object] | None = None,
    ) -> None:
        self._forward = on_forward
        self._backward = on_backward
        self._training = on_training_event

    def on_forward(self, event: LayerEvent) -> None:
        """Call the function for forward passes."""
        if self._forward is not None:
            self._forward(event)

    def on_backward(self, event: LayerEvent) -> None:
        """Call the function for backward passes."""
        if self._backward is not None:
            self._backward(event)

    def on_training_event(self, event: TrainingEvent) -> None:
        """Call the function for events of the training."""
        if self._training is not None:
            self._training(event)


@public_class
class ConsoleObserver(LayerObserver):
    """Prints each layer's numbers: three lines a layer, more where ``verbose``.

    Args:
        verbose: Print the first outputs too.
        write: Gets each text; standard output when left out.
    """

    def __init__(self, verbose: bool = False, write: Callable[[str], object] | None = None) -> None:
        self.verbose = verbose
        self._write = write

    @public("OnForward")
    def on_forward(self, event: LayerEvent) -> None:
        """Print a layer's outputs."""
        self._print(event, "Output")

    @public("OnBackward")
    def on_backward(self, event: LayerEvent) -> None:
        """Print a layer's gradients."""
        self._print(event, "Gradient")

    @public("OnTrainingEvent")
    def on_training_event(self, event: TrainingEvent) -> None:
        """Print where the training is."""
        event = read_record(TrainingEvent, event)
        place = f"epoch {event.epoch}" + (f", batch {event.batch}" if event.batch else "")
        loss = "" if event.type == "epoch_start" else f": loss={event.loss:.6f}"
        accuracy = "" if event.accuracy is None else f", accuracy={event.accuracy:.4f}"
        self._say(f"[{event.type}] {place}{loss}{accuracy}\n")

    def _print(self, event: LayerEvent, what: str) -> None:
        event = read_event(event)
        stats = event.stats
        place = ".".join(map(str, [event.layer_idx, *event.layer_path]))
        model = f"[{event.model_id}] " if event.model_id else ""
        shapes = f"{_sizes(stats.input_shape)} → {_sizes(stats.output_shape)}"
        moments = f"mean={stats.output_mean:.4f}, std={stats.output_std:.4f}"
        reach = f"range=[{stats.output_min:.2f}, {stats.output_max:.2f}]"
        lines = [
            f"{model}[Layer {place}] {stats.layer_type}: {shapes}",
            f"  {what}: {moments}, {reach}",
        ]
        if stats.gradient_norm is not None:
            lines.append(f"  Gradient norm: {stats.gradient_norm:.3e}")
        else:
            lines.append(
                f"  Active: {stats.active_neurons}/{stats.total_neurons}, "
                f"dead: {stats.dead_neurons}/{stats.neurons}"
            )
        if stats.compute_time_ns is not None:
            lines.append(f"  Time: {stats.compute_time_ns / 1e6:.3f}ms")
        if self.verbose:
            lines.append(f"  Values: {' '.join(f'{value:.4f}' for value in event.output)}")
        self._say("".join(f"{line}\n" for line in lines))

    def _say(self, text: str) -> None:
        if self._write is not None:
            self._write(text)
        else:
            print_text(text)


def _sizes(shape: list[int]) -> str:
    """Return a shape as the documents print it: one sample's size, or sizes."""
    return "x".join(map(str, shape[1:])) or "1"


@public("NewConsoleObserver")
def new_console_observer(verbose: bool = False) -> ConsoleObserver:
    """Return an observer that prints."""
    return ConsoleObserver(verbose)
