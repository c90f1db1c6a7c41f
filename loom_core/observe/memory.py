"""How much memory a network needs and holds, in bytes, as its plans say."""

from __future__ import annotations

from loom_core.network_grid import NetworkGrid
from loom_core.observe.telemetry_records import MemoryTelemetry
from loom_core.train.step_graph import inference_plan, training_plan
from loom_core.train.trained_weights import trained_weights

FLOAT_BYTES = 4


def optimizer_bytes(network: NetworkGrid) -> int:
    """Return what the network's optimizer keeps beside the weights; 0 where it has none."""
    if network.optimizer is None:
        return 0
    _, _, states = network.optimizer.update_op()
    numbers = sum(weight.array.size for weight in trained_weights(network.layers))
    return FLOAT_BYTES * len(states) * numbers


def memory_telemetry(network: NetworkGrid, batch_size: int, width: int) -> MemoryTelemetry:
    """Return what runs of ``batch_size`` samples of ``width`` numbers need; weights are drawn.

    Raises:
        LimitError: A plan would need more than the limits allow.
    """
    network.require_weights()
    inference = inference_plan(network.layers, batch_size, width).arena_bytes
    training = training_plan(network.layers, batch_size, width, "mse").arena_bytes
    parameters = FLOAT_BYTES * network.get_total_parameters()
    optimizer = optimizer_bytes(network)
    return MemoryTelemetry(
        batch_size=batch_size,
        parameters=parameters,
        inference=inference,
        training=training,
        optimizer=optimizer,
        total_inference=parameters + inference,
        total_training=parameters + training + optimizer,
    )
