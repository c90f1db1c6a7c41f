"""From the arrays of a watched run to the events that observers get."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from loom_core.arrays import F32, Array, FloatData
from loom_core.backends.arena import ArenaProgram
from loom_core.backends.base import Program
from loom_core.backends.simd_backend import SimdProgram
from loom_core.cooperative import Wait
from loom_core.graph.plan import Plan
from loom_core.layers import Layer
from loom_core.layers.base import is_bias
from loom_core.observers.observer import LayerObserver
from loom_core.observers.records import LayerEvent, LayerStats
from loom_core.watch.layer_words import activation_name, activation_word, layer_code
from loom_core.watch.statistics import Summarize, array_statistics, norm_of, saturated_share
from loom_core.watch.watched_layers import WatchedLayer

VALUES = ("output.", "output_gradient.", "gradient_norms", "value.")
"""Beginnings of the names of ports that events are made from; ``value.`` are inputs of a tick."""


def watched_values(plan: Plan) -> list[str]:
    """Return the ports of a watched plan that have to be read after a run."""
    return [name for name in plan.ports if name.startswith(VALUES)]


def read_values(program: Program) -> Generator[Wait, None, dict[str, Array]]:
    """Return what a :class:`WatchedRun` needs of a program that has just run.

    On a CPU they are the program's own memory, valid until it runs again.
    """
    names = ["input", *watched_values(program.plan)]
    if isinstance(program, ArenaProgram):
        return {name: program.view(name) for name in names}
    return dict((yield from program.fetch(names)))


def summary_of(program: Program) -> Summarize | None:
    """Return the kernel for statistics, if the program runs by kernels on the CPU, else None."""
    return program.library.summarize if isinstance(program, SimdProgram) else None


@dataclass(frozen=True)
class WatchedRun:
    """One run of a watched plan.

    Args:
        place: Gives row, column and place in the cell of a layer, by its index in the grid.
        model_id: The network's.
        plan: The one that ran.
        layers: Those that ran, in the plan's order.
        values: From :func:`read_values`.
        mode: See :class:`~loom_core.observers.records.LayerEvent`.
        step: Steps done before.
        times: Nanoseconds that each layer of the grid took, by its index, where they were measured.
        summarize: From :func:`summary_of`.
    """

    place: Callable[[int], tuple[int, int, int]]
    model_id: str
    plan: Plan
    layers: list[WatchedLayer]
    values: Mapping[str, Array]
    mode: str = "normal"
    step: int = 0
    times: Mapping[int, int] = field(default_factory=dict)
    summarize: Summarize | None = None
    _norms: dict[int, tuple[float, float]] = field(default_factory=dict, init=False)

    def emit_forward(self) -> None:
        """Tell each layer's observer, in the order of the run."""
        with np.errstate(over="ignore", invalid="ignore"):
            told = list(self._forward_events())
        for observer, event in told:
            observer.on_forward(event)

    def emit_backward(self) -> None:
        """Tell each layer's observer, in the order of the pass: the last layer first."""
        with np.errstate(over="ignore", invalid="ignore"):
            told = list(self._backward_events())
        for observer, event in told:
            observer.on_backward(event)

    def _forward_events(self) -> Iterator[tuple[LayerObserver, LayerEvent]]:
        for number, watched in enumerate(self.layers):
            if watched.observer is not None:
                stats = self.forward_stats(number, watched.observer.values_kept)
                first = self._first_inputs(number, watched.observer.values_kept)
                yield watched.observer, self._event("forward", watched, stats, first)

    def _backward_events(self) -> Iterator[tuple[LayerObserver, LayerEvent]]:
        for number, watched in reversed(list(enumerate(self.layers))):
            if watched.observer is not None:
                stats = self.backward_stats(number, watched.observer.values_kept)
                if stats is not None:
                    yield watched.observer, self._event("backward", watched, stats, [])

    def forward_stats(self, number: int, keep: int = 0) -> LayerStats:
        """Return the statistics of what a layer gave, with its first ``keep`` values."""
        return self._stats(number, self.values[f"output.{number}"], keep, None)

    def backward_stats(self, number: int, keep: int = 0) -> LayerStats | None:
        """Return the statistics of a gradient, or None where the pass did not reach it."""
        gradient = self.values.get(f"output_gradient.{number}")
        norm = self.gradient_norm(number)
        if gradient is None:
            return None
        if norm is None:
            norm = norm_of(gradient)
        return self._stats(number, gradient, keep, norm)

    def gradient_norm(self, number: int) -> float | None:
        """Return the norm of the gradients of a layer's weights; None where it trains none."""
        weights = all_weights(self.layers[number].layer)
        found = [self._squares[id(w)] for _, w in weights if id(w) in self._squares]
        return math.sqrt(sum(found)) if found else None

    @cached_property
    def _squares(self) -> dict[int, float]:
        """The sum of squares of each trained weight's gradient, by the identity of the weight."""
        if "gradient_norms" not in self.values:
            return {}
        squares = self.values["gradient_norms"].reshape(-1).tolist()
        ports = self.plan.ports
        return {id(ports[f"trained.{i}"].array): square for i, square in enumerate(squares)}

    def gradient_norms(self) -> dict[int, float]:
        """Return the norm of the gradients of each layer of the grid that trains weights."""
        found = {
            watched.index: self.gradient_norm(number)
            for number, watched in enumerate(self.layers)
            if not watched.path
        }
        return {index: norm for index, norm in found.items() if norm is not None}

    def _stats(self, number: int, y: Array, keep: int, gradient_norm: float | None) -> LayerStats:
        watched = self.layers[number]
        layer = watched.layer
        image = y.ndim == 4 or (layer.channels_first and y.ndim == 3)  # (B, C, H, W) or (B, C, T)
        unit_axis = 1 if image else -1
        found = array_statistics(y, unit_axis=unit_axis, summarize=self.summarize)
        weight_norm, bias_norm = self._weight_norms(number)
        forward = gradient_norm is None
        return LayerStats(
            layer_index=watched.index,
            layer_type=layer_code(layer).name,
            layer_path=list(watched.path),
            activation=activation_word(layer),
            input_shape=list(self.plan.ports[f"layer_input.{number}"].shape),
            output_shape=list(y.shape),
            weight_norm=weight_norm,
            bias_norm=bias_norm,
            output_min=found.minimum,
            output_max=found.maximum,
            output_mean=found.mean,
            output_std=found.std,
            output_norm=found.norm,
            output_values=y.reshape(-1)[:keep].copy(),
            zero_share=found.zeros / y.size if y.size else 0.0,
            neurons=found.neurons,
            dead_neurons=found.dead,
            saturated_share=saturated_share(y, activation_name(layer)) if forward else None,
            nan_count=found.nans,
            inf_count=found.infinities,
            gradient_norm=gradient_norm,
            compute_time_ns=None if watched.path else self.times.get(watched.index),
            avg_activation=found.mean,
            max_activation=found.maximum,
            min_activation=found.minimum,
            active_neurons=found.positives,
            total_neurons=y.size,
        )

    def _weight_norms(self, number: int) -> tuple[float, float]:
        """Return the norms of a layer's weights and of its biases, once for both passes."""
        if number not in self._norms:
            weights = list(all_weights(self.layers[number].layer))
            kernels = norm_of(*(array for name, array in weights if not is_bias(name)))
            biases = norm_of(*(array for name, array in weights if is_bias(name)))
            self._norms[number] = kernels, biases
        return self._norms[number]

    def _first_inputs(self, number: int, keep: int) -> FloatData:
        """Return the first numbers of a layer's input, if a value of the run holds it."""
        root = self.plan.ports[f"layer_input.{number}"].root
        for name, array in self.values.items():
            if self.plan.ports[name].root is root:
                return array.reshape(-1)[:keep].copy()
        return []

    def _event(
        self,
        kind: Literal["forward", "backward"],
        watched: WatchedLayer,
        stats: LayerStats,
        first_inputs: FloatData,
    ) -> LayerEvent:
        row, col, layer = self.place(watched.index)
        return LayerEvent(
            type=kind,
            layer_idx=watched.index,
            layer_type=int(layer_code(watched.layer)),
            stats=stats,
            mode=self.mode,
            input=first_inputs,
            output=stats.output_values,
            step_count=self.step,
            grid_row=row,
            grid_col=col,
            cell_layer=layer,
            model_id=self.model_id,
            branch_idx=watched.path[-1] if watched.in_parallel else 0,
            is_parallel_branch=watched.in_parallel,
            layer_path=list(watched.path),
        )


def all_weights(layer: Layer) -> Iterator[tuple[str, F32]]:
    """Yield the parameters of a layer and of all layers inside it, by their names there."""
    for name, array in layer.weights.items():
        if name not in layer.running_statistics:
            yield name, array
    for child in layer.children:
        yield from all_weights(child)
