"""What observers are told, as records that cross to JavaScript.

Loom v0.0.7's fields and those of the guide on introspection are both there, under both names where
they mean the same (``AvgActivation`` and ``OutputMean``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from loom_core.arrays import FloatData
from loom_core.public import result_record


@result_record
@dataclass(frozen=True, slots=True)
class LayerStats:
    """The numbers of one layer in one pass.

    In a forward pass "output" means what the layer gives; in a backward pass, the gradient of the
    loss with respect to that (for a softmax that is one with its loss, with respect to its scores).

    Args:
        layer_index: Of the layer of the grid, in the order in which data flows.
        layer_type: ``"Dense"``, ``"MultiHeadAttention"`` ...
        layer_path: Numbers of the children on the way to a layer inside a layer; empty for a
            layer of the grid.
        activation: ``"ReLU"`` (the scaled one), ``"Tanh"`` ...; empty where there is none.
        input_shape: With the batch first.
        output_shape: With the batch first.
        weight_norm: Square root of the sum of squares of the weights, biases apart.
        bias_norm: The same of the biases.
        output_min: Least output.
        output_max: Largest output.
        output_mean: Mean output; NaN where one is NaN.
        output_std: Standard deviation of the outputs.
        output_norm: Square root of the sum of squares of the outputs.
        output_values: The first outputs; how many the observer says.
        zero_share: Share of outputs that are 0, from 0 to 1.
        neurons: Units: features, or channels of images.
        dead_neurons: Units that are 0 in every sample and place.
        saturated_share: Share of outputs in the flat ends of sigmoid or tanh; None for others.
        nan_count: Outputs that are NaN.
        inf_count: Outputs that are infinite.
        gradient_norm: Backward: square root of the sum of squares of the gradients of the layer's
            weights, or of its outputs where it trains none. None in a forward pass.
        compute_time_ns: Nanoseconds that the layer took; None where it was not timed by itself.
        avg_activation: Same as output_mean.
        max_activation: Same as output_max.
        min_activation: Same as output_min.
        active_neurons: Outputs above 0.
        total_neurons: Outputs in all.
    """

    layer_index: int
    layer_type: str
    layer_path: list[int] = field(default_factory=list)
    activation: str = ""
    input_shape: list[int] = field(default_factory=list)
    output_shape: list[int] = field(default_factory=list)
    weight_norm: float = 0.0
    bias_norm: float = 0.0
    output_min: float = 0.0
    output_max: float = 0.0
    output_mean: float = 0.0
    output_std: float = 0.0
    output_norm: float = 0.0
    output_values: FloatData = field(default_factory=list)
    zero_share: float = 0.0
    neurons: int = 0
    dead_neurons: int = 0
    saturated_share: float | None = None
    nan_count: int = field(default=0, metadata={"public": "NaNCount"})
    inf_count: int = 0
    gradient_norm: float | None = None
    compute_time_ns: int | None = None
    avg_activation: float = 0.0
    max_activation: float = 0.0
    min_activation: float = 0.0
    active_neurons: int = 0
    total_neurons: int = 0


@result_record
@dataclass(frozen=True, slots=True)
class LayerEvent:
    """One layer has computed.

    Args:
        mode: ``"normal"`` (ForwardCPU, BackwardCPU), ``"training"`` or ``"step"``.
        type: ``"forward"`` or ``"backward"``.
        layer_idx: Of the layer of the grid, in the order in which data flows.
        layer_type: Code of the layer's type.
        stats: Its numbers.
        input: The first inputs; how many the observer says. Empty in a backward event.
        output: The first outputs, or their gradients.
        step_count: Steps of the training, or ticks of step execution, done before.
        grid_row: Row of the cell.
        grid_col: Column of the cell.
        cell_layer: Layer within the cell.
        model_id: The network's name.
        branch_idx: Number of the branch of a Parallel; 0 elsewhere.
        is_parallel_branch: It is a branch (or, after the last branch, the gate) of a Parallel.
        layer_path: Numbers of the children on the way to a layer inside a layer; empty for a
            layer of the grid.
    """

    type: Literal["forward", "backward"] = field(metadata={"json": "Type"})
    layer_idx: int
    layer_type: int
    stats: LayerStats
    mode: str = field(default="normal", metadata={"json": "mode"})
    input: FloatData = field(default_factory=list)
    output: FloatData = field(default_factory=list)
    step_count: int = field(default=0, metadata={"json": "step_count"})
    grid_row: int = field(default=0, metadata={"json": "grid_row"})
    grid_col: int = field(default=0, metadata={"json": "grid_col"})
    cell_layer: int = field(default=0, metadata={"json": "cell_layer"})
    model_id: str = field(default="", metadata={"json": "model_id"})
    branch_idx: int = field(default=0, metadata={"json": "branch_idx"})
    is_parallel_branch: bool = field(default=False, metadata={"json": "is_parallel_branch"})
    layer_path: list[int] = field(default_factory=list, metadata={"json": "layer_path"})


@result_record
@dataclass(frozen=True, slots=True)
class TrainingEvent:
    """The training got on.

    Args:
        type: ``"epoch_start"``, ``"batch_end"`` or ``"epoch_end"``.
        epoch: From 1.
        batch: Within the epoch, from 1; 0 at an epoch's start.
        loss: Of the batch, or the mean of the epoch; NaN at the start of the first.
        accuracy: Share of held-out samples classified rightly at the last evaluation, or None.
        step: Steps done since the training started.
        learning_rate: Of the last step.
    """

    type: Literal["epoch_start", "batch_end", "epoch_end"]
    epoch: int
    batch: int = 0
    loss: float = float("nan")
    accuracy: float | None = None
    step: int = 0
    learning_rate: float = 0.0


@result_record
@dataclass(frozen=True, slots=True)
class RecordedActivity:
    """What a RecordingObserver has kept.

    Args:
        model_id: The name that the recording was given.
        recorded_at: Start, as an ISO 8601 time with offset.
        duration: Seconds from the start to this reading.
        total_events: Events of layers that there were, those included that no longer fit.
        dropped_events: How many of them no longer fit.
        events: Those that are kept, oldest first.
        training_events: Events of the training that are kept, oldest first.
    """

    model_id: str = field(metadata={"json": "model_id"})
    recorded_at: str = field(metadata={"json": "recorded_at"})
    duration: float = field(metadata={"json": "duration_seconds"})
    total_events: int = field(metadata={"json": "total_events"})
    dropped_events: int = field(metadata={"json": "dropped_events"})
    events: list[LayerEvent] = field(metadata={"json": "events"})
    training_events: list[TrainingEvent] = field(metadata={"json": "training_events"})
