"""How a network fares now: norms of weights and gradients, ranges of activations, memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from loom_core.observe.memory import FLOAT_BYTES, optimizers_of
from loom_core.observe.telemetry_records import LayerHealth, Telemetry
from loom_core.observers.records import LayerStats
from loom_core.optimize.trained_weights import trained_weights
from loom_core.watch.layer_events import WatchedRun, all_weights
from loom_core.watch.layer_words import layer_code
from loom_core.watch.statistics import norm_of

if TYPE_CHECKING:
    from loom_core.observe.network_observing import Observing


def live_telemetry(network: Observing) -> Telemetry:
    """Return how a network fares; see GetTelemetry."""
    network.require_weights()
    with np.errstate(over="ignore", invalid="ignore"):
        layers = _layers(network)
    weights = FLOAT_BYTES * network.get_total_parameters()
    plans = sum(program.plan.arena_bytes for program in network.programs)
    optimizer = sum(optimizer.nbytes for optimizer in optimizers_of(network))
    gradient_sums = network.gradients.nbytes
    return Telemetry(
        memory_usage=weights + plans + optimizer + gradient_sums,
        weight_bytes=weights,
        plan_bytes=plans,
        optimizer_bytes=optimizer,
        gradient_bytes=gradient_sums,
        layer_stats=layers,
    )


def _layers(network: Observing) -> list[LayerHealth]:
    run = _of_present_layers(network, network.watched_activations) or _last_forward(network)
    activations = {} if run is None else _outer_stats(run)
    gradients = _gradient_norms(network)
    layers = []
    for index, layer in enumerate(network.layers):
        stats = activations.get(index)
        layers.append(
            LayerHealth(
                index=index,
                type=layer_code(layer).name,
                weight_norm=norm_of(*(array for _, array in all_weights(layer))),
                gradient_norm=gradients.get(index),
                activation_min=None if stats is None else stats.output_min,
                activation_max=None if stats is None else stats.output_max,
                activation_mean=None if stats is None else stats.output_mean,
                dead_neurons=None if stats is None else stats.dead_neurons,
            )
        )
    return layers


def _of_present_layers(network: Observing, run: WatchedRun | None) -> WatchedRun | None:
    """Return a watched step if it was of the layers that are there now."""
    outer = [] if run is None else [watched.layer for watched in run.layers if not watched.path]
    return run if all(layer in network.layers for layer in outer) else None


def _last_forward(network: Observing) -> WatchedRun | None:
    """Return a run for the input of the last ForwardCPU; None before the first."""
    if network.last_forward is None:
        return None
    x = network.last_forward.read("input")
    program = network.watched_inference(*x.shape)
    if program is not network.last_forward:
        program.write("input", x)
        program.run()
    return network.watched_run(program)


def _outer_stats(run: WatchedRun) -> dict[int, LayerStats]:
    """Return the statistics of each layer of the grid."""
    return {
        watched.index: run.forward_stats(number)
        for number, watched in enumerate(run.layers)
        if not watched.path
    }


def _gradient_norms(network: Observing) -> Mapping[int, float]:
    """Return the norm of each layer's gradients: of a training, else what BackwardCPU left."""
    watched = _of_present_layers(network, network.watched_gradients)
    if watched is not None:
        return watched.gradient_norms()
    if not network.gradients.filled:
        return {}
    squares: dict[int, float] = {}
    for weight in trained_weights(network.layers):
        found = norm_of(network.gradients.of(weight.array)) ** 2
        squares[weight.index] = squares.get(weight.index, 0.0) + found
    return {index: math.sqrt(square) for index, square in squares.items()}
