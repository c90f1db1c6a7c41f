"""The blueprint of a network: its layers with places, shapes and weights, without running it."""

from __future__ import annotations

from collections.abc import Sequence

from loom_core.arrays import Shape, element_count
from loom_core.layers import Layer, Parallel, Sequential
from loom_core.layers.chain import complete_chain, complete_layer
from loom_core.running import NetworkGrid
from loom_core.telemetry.memory import memory_telemetry
from loom_core.telemetry.telemetry_records import LayerTelemetry, ModelTelemetry, NetworkBlueprint
from loom_core.watch.layer_words import activation_word, layer_code

Place = tuple[int, int, int]


def extract_model(network: NetworkGrid, model_id: str) -> ModelTelemetry:
    """Return what a network is made of.

    Parameters are counted from the settings that also give the arrays their shapes, so that they
    equal the arrays that exist, those inside branches, children and gates included.

    Raises:
        ShapeError, LimitError: The layers do not fit together, or need more than the limits allow.

    Source: Loom v0.0.7, telemetry.go, which leaves embeddings, one-dimensional convolutions, layers
    inside Sequential and gates uncounted.
    """
    width = network.input_width()
    start: Shape | None = None if width is None else (width,)
    network.complete_sizes()
    layers = _chain(network.layers, start, network)
    return ModelTelemetry(
        id=model_id,
        total_layers=len(layers),
        total_params=sum(layer.parameters for layer in layers),
        layers=layers,
        grid_rows=network.rows,
        grid_cols=network.cols,
        layers_per_cell=network.layers_per_cell,
        memory=None if width is None else memory_telemetry(network, network.batch_size, width),
    )


def blueprint_of(models: Sequence[ModelTelemetry]) -> NetworkBlueprint:
    """Return a blueprint of one network or several."""
    first = models[0]
    return NetworkBlueprint(
        models=list(models),
        grid_rows=first.grid_rows,
        grid_cols=first.grid_cols,
        layers_per_cell=first.layers_per_cell,
        total_layers=first.total_layers,
        total_params=first.total_params,
        layers=first.layers,
    )


def _chain(
    layers: Sequence[Layer], shape: Shape | None, network: NetworkGrid
) -> list[LayerTelemetry]:
    outputs = complete_chain(layers, shape, network.layer_name)
    inputs = [shape, *outputs[:-1]]
    return [
        _layer(layer, network.place(index), x, y)
        for index, (layer, x, y) in enumerate(zip(layers, inputs, outputs, strict=True))
    ]


def _layer(layer: Layer, place: Place, x: Shape | None, y: Shape | None) -> LayerTelemetry:
    branches = _inside(layer, place, x)
    gate = branches.pop() if getattr(layer, "gate", None) is not None else None
    seen = _as_the_layer_sees(layer, x, y)
    row, col, index = place
    count = layer.parameter_count()
    return LayerTelemetry(
        grid_row=row,
        grid_col=col,
        cell_layer=index,
        type=layer_code(layer).name,
        activation=activation_word(layer),
        parameters=count,
        input_shape=list(seen or ()),
        output_shape=list(y or ()),
        branches=branches,
        combine_mode=layer.combine_mode if isinstance(layer, Parallel) else "",
        gate=gate,
        type_name=layer.type_name,
        row=row,
        col=col,
        layer=index,
        input_size=0 if seen is None else element_count(seen),
        output_size=0 if y is None else element_count(y),
        num_params=count,
        frozen=layer.frozen,
        disabled=layer.disabled,
    )


def _inside(layer: Layer, place: Place, x: Shape | None) -> list[LayerTelemetry]:
    """Return the layers inside a layer: one after the other in a Sequential, else side by side."""
    described = []
    for child in layer.children:
        y = complete_layer(child, x)
        described.append(_layer(child, place, x, y))
        if isinstance(layer, Sequential):
            x = y
    return described


def _as_the_layer_sees(layer: Layer, x: Shape | None, y: Shape | None) -> Shape | None:
    """Return an input shape as the layer reads it: a flat sample as image, sequence or tokens."""
    if layer.channels_first:
        names = ("input_channels", "input_height", "input_width", "input_length")
        return tuple(size for name in names if (size := getattr(layer, name, None)) is not None)
    if x is None or len(x) != 1 or y is None or len(y) != 2:
        return x
    tokens = y[0]
    return x if x[0] % tokens or x[0] == tokens else (tokens, x[0] // tokens)
