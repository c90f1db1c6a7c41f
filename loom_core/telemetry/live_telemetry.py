"""How a network fares now: norms of weights and gradients, ranges of activations, memory."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from loom_core.observers.records import LayerStats
from loom_core.optimize.trained_weights import trained_weights
from loom_core.running import NetworkGrid
from loom_core.telemetry.memory import optimizers_of
from loom_core.telemetry.telemetry_records import LayerHealth, Telemetry
from loom_core.watch.layer_events import WatchedRun, all_weights
from loom_core.watch.layer_words import layer_code
from loom_core.watch.statistics import norm_of


def live_telemetry(
    network: NetworkGrid, activations: WatchedRun | None, gradients: WatchedRun | None
) -> Telemetry:
    """Return how a network fares; see GetTelemetry.

    Args:
        network: Whose weights, plans and gradients are looked at.
        activations: The run to show.
        gradients: The run whose gradients are shown instead of those of BackwardCPU.
    """
    network.require_weights()
    with np.errstate(over="ignore", invalid="ignore"):
        layers = _layers(network, activations, gradients)
    weights = network.get_memory_usage()
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


def _layers(
    network: NetworkGrid, shown: WatchedRun | None, watched: WatchedRun | None
) -> list[LayerHealth]:
    activations = {} if shown is None else _outer_stats(shown)
    gradients = _gradient_norms(network, watched)
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


def of_present_layers(network: NetworkGrid, run: WatchedRun | None) -> WatchedRun | None:
    """Return a watched step if it was of the layers that are there now."""
    outer = [] if run is None else [watched.layer for watched in run.layers if not watched.path]
    return run if all(layer in network.layers for layer in outer) else None


def _outer_stats(run: WatchedRun) -> dict[int, LayerStats]:
    """Return the statistics of each layer of the grid."""
    return {
        watched.index: run.forward_stats(number)
        for number, watched in enumerate(run.layers)
        if not watched.path
    }


def _gradient_norms(network: NetworkGrid, watched: WatchedRun | None) -> Mapping[int, float]:
    """Return the norm of each layer's gradients: of a training, else what BackwardCPU left."""
    if watched is not None:
        return watched.gradient_norms()
    if not network.gradients.filled:
        return {}
    squares: dict[int, float] = {}
    for weight in trained_weights(network.layers):
        found = norm_of(network.gradients.of(weight.array)) ** 2
        squares[weight.index] = squares.get(weight.index, 0.0) + found
    return {index: math.sqrt(square) for index, square in squares.items()}
