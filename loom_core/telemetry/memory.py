"""How much memory a network needs and holds, in bytes, as its plans say."""

from __future__ import annotations

from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.trained_weights import trained_weights
from loom_core.plans.step_graph import inference_plan, training_plan
from loom_core.running import NetworkGrid
from loom_core.telemetry.telemetry_records import MemoryTelemetry


def optimizers_of(network: NetworkGrid) -> list[Optimizer]:
    """Return the optimizers that a network holds: that of SetOptimizer, and of its last training.

    A training that names its optimizer has one of its own.
    """
    last = None if network.position is None else network.position.optimizer
    held = {id(o): o for o in (network.optimizer, network.training_optimizer, last) if o}
    return list(held.values())


def memory_telemetry(network: NetworkGrid, batch_size: int, width: int) -> MemoryTelemetry:
    """Return what runs of ``batch_size`` samples of ``width`` numbers need; weights are drawn.

    Raises:
        LimitError: A plan would need more than the limits allow.
    """
    network.require_weights()
    inference = inference_plan(network.layers, batch_size, width).arena_bytes
    training = training_plan(network.layers, batch_size, width, "mse").arena_bytes
    parameters = network.get_memory_usage()
    weights = trained_weights(network.layers)
    optimizer = max((o.needed_bytes(weights) for o in optimizers_of(network)), default=0)
    return MemoryTelemetry(
        batch_size=batch_size,
        parameters=parameters,
        inference=inference,
        training=training,
        optimizer=optimizer,
        total_inference=parameters + inference,
        total_training=parameters + training + optimizer,
    )
