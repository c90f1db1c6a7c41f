"""What a network is made of and how it fares, as records that cross to JavaScript.

The documents show a blueprint twice, under different names: as Loom v0.0.7 gives it (``GridRow``,
``Parameters``, ``InputShape``) and as the guide on introspection prints it (``Row``, ``NumParams``,
``InputSize``). Where both fit into one record, both are there, and the JSON has the first. Types
are called as the documents call them, with Loom v0.0.7's lower-case name beside; an activation is
given only where a layer has one, while v0.0.7 says relu everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from loom_core.public import result_record

NOT_IN_JSON = {"json": "-"}


@result_record
@dataclass(frozen=True)
class LayerTelemetry:
    """One layer of a blueprint.

    Args:
        grid_row: Row of the cell; that of the outermost layer for a layer inside a layer.
        grid_col: Column of the cell.
        cell_layer: Layer within the cell.
        type: As the documents write it, ``"Dense"``, ``"MultiHeadAttention"``.
        activation: ``"ReLU"`` (the scaled one), ``"Tanh"`` ...; empty where the layer has none.
        parameters: Number of weights, those of branches, children and a gate included.
        input_shape: Of one sample; empty where any size is taken.
        output_shape: Of one sample; empty where it is not known.
        branches: Layers of a Parallel, or of a Sequential in their order.
        combine_mode: How a Parallel joins its branches; else empty.
        gate: What weighs the branches of the mode filter, or None.
        type_name: As model strings and Loom v0.0.7's telemetry write it, ``"dense"``.
        row: Same as grid_row.
        col: Same as grid_col.
        layer: Same as cell_layer.
        input_size: Numbers in one input sample; 0 where any size is taken.
        output_size: Numbers in one output sample; 0 where it is not known.
        num_params: Same as parameters.
        frozen: Training leaves it alone.
        disabled: It passes its input through.
    """

    grid_row: int = field(metadata={"json": "grid_row"})
    grid_col: int = field(metadata={"json": "grid_col"})
    cell_layer: int = field(metadata={"json": "cell_layer"})
    type: str = field(metadata={"json": "type"})
    activation: str = field(metadata={"json": "activation", "omit_empty": True})
    parameters: int = field(metadata={"json": "parameters"})
    input_shape: list[int] = field(metadata={"json": "input_shape", "omit_empty": True})
    output_shape: list[int] = field(metadata={"json": "output_shape", "omit_empty": True})
    branches: list[LayerTelemetry] = field(metadata={"json": "branches", "omit_empty": True})
    combine_mode: str = field(metadata={"json": "combine_mode", "omit_empty": True})
    gate: LayerTelemetry | None = field(metadata={"json": "gate", "omit_empty": True})
    type_name: str = field(metadata={"json": "type_name"})
    row: int = field(metadata=NOT_IN_JSON)
    col: int = field(metadata=NOT_IN_JSON)
    layer: int = field(metadata=NOT_IN_JSON)
    input_size: int = field(metadata=NOT_IN_JSON)
    output_size: int = field(metadata=NOT_IN_JSON)
    num_params: int = field(metadata=NOT_IN_JSON)
    frozen: bool = field(metadata={"json": "frozen", "omit_empty": True})
    disabled: bool = field(metadata={"json": "disabled", "omit_empty": True})


@result_record
@dataclass(frozen=True)
class MemoryTelemetry:
    """Bytes that a network needs, computed from its plans; nothing is allocated to find out.

    Args:
        batch_size: Samples of one run that the numbers hold for.
        parameters: All weights.
        inference: Working memory of one inference: activations, as many as are alive at once.
        training: Working memory of one training step: activations kept for the backward pass,
            and gradients.
        optimizer: What the optimizer keeps beside the weights: that of SetOptimizer or of the last
            training, whichever keeps more.
        total_inference: parameters + inference.
        total_training: parameters + training + optimizer.
    """

    batch_size: int = field(metadata={"json": "batch_size"})
    parameters: int = field(metadata={"json": "parameters"})
    inference: int = field(metadata={"json": "inference"})
    training: int = field(metadata={"json": "training"})
    optimizer: int = field(metadata={"json": "optimizer"})
    total_inference: int = field(metadata={"json": "total_inference"})
    total_training: int = field(metadata={"json": "total_training"})


@result_record
@dataclass(frozen=True)
class ModelTelemetry:
    """One network of a blueprint.

    Args:
        id: The model's name.
        total_layers: Layers in the grid.
        total_params: Number of all weights.
        layers: In the order in which data flows.
        grid_rows: Rows of cells.
        grid_cols: Columns of cells.
        layers_per_cell: Layers in each cell.
        memory: In bytes; None where the input's size is not known.
    """

    id: str = field(metadata={"json": "id"})
    total_layers: int = field(metadata={"json": "total_layers"})
    total_params: int = field(metadata={"json": "total_parameters"})
    layers: list[LayerTelemetry] = field(metadata={"json": "layers"})
    grid_rows: int = field(metadata={"json": "grid_rows"})
    grid_cols: int = field(metadata={"json": "grid_cols"})
    layers_per_cell: int = field(metadata={"json": "layers_per_cell"})
    memory: MemoryTelemetry | None = field(metadata={"json": "memory", "omit_empty": True})


@result_record
@dataclass(frozen=True)
class NetworkBlueprint:
    """One network or several, as a bundle holds them; the other fields are those of the first.

    Args:
        models: The networks.
        grid_rows: Rows of cells.
        grid_cols: Columns of cells.
        layers_per_cell: Layers in each cell.
        total_layers: Layers in the grid.
        total_params: Number of all weights.
        layers: In the order in which data flows.
    """

    models: list[ModelTelemetry] = field(metadata={"json": "models"})
    grid_rows: int = field(metadata=NOT_IN_JSON)
    grid_cols: int = field(metadata=NOT_IN_JSON)
    layers_per_cell: int = field(metadata=NOT_IN_JSON)
    total_layers: int = field(metadata=NOT_IN_JSON)
    total_params: int = field(metadata=NOT_IN_JSON)
    layers: list[LayerTelemetry] = field(metadata=NOT_IN_JSON)


@result_record
@dataclass(frozen=True)
class LayerHealth:
    """How one layer fares.

    Args:
        index: Place in the order in which data flows.
        type: ``"Dense"`` ...
        weight_norm: Square root of the sum of squares of all its weights, children included.
        gradient_norm: The same of the gradients of its weights: of the last watched step of the
            last training, or those that BackwardCPU has left since; None where there are none.
        activation_min: Least output in the last watched step of the last training, or for the
            input of the last ForwardCPU where that came later; None before both.
        activation_max: Largest output there.
        activation_mean: Mean output there.
        dead_neurons: Units that are 0 in every sample and place there.
    """

    index: int
    type: str
    weight_norm: float
    gradient_norm: float | None
    activation_min: float | None
    activation_max: float | None
    activation_mean: float | None
    dead_neurons: int | None


@result_record
@dataclass(frozen=True)
class Telemetry:
    """How a network fares.

    Args:
        memory_usage: Bytes that it holds now: weights, gradients, working memory of its plans, and
            what optimizers keep. All that lies on a GPU is in GetGPUDeviceInfo.
        weight_bytes: Of these, the weights.
        plan_bytes: Of these, the plans, those that run on a GPU included.
        optimizer_bytes: Of these, what the optimizers of SetOptimizer and of the last training
            keep beside the weights.
        gradient_bytes: Of these, the gradients that BackwardCPU adds up.
        layer_stats: One entry for each layer of the grid.
    """

    memory_usage: int
    weight_bytes: int
    plan_bytes: int
    optimizer_bytes: int
    gradient_bytes: int
    layer_stats: list[LayerHealth]
