"""The examples of the guide to network telemetry, one test a section.

The sample outputs printed there are not all of one network (an attention of [10, 256] behind a
Dense of 128, an LSTM of 24,704 weights where the formula gives 12,416). The tests use a network
whose layers fit, and the counts that the guide's own formulas give.
"""

import json

import pytest

from loom_core import (
    LSTM,
    RNN,
    Conv2D,
    Dense,
    LayerNorm,
    MultiHeadAttention,
    Network,
    Parallel,
    RMSNorm,
    Softmax,
    SwiGLU,
    extract_bundle_blueprint,
    extract_network_blueprint,
    extract_network_blueprint_json,
)

LAYERS = [
    Dense(512, "relu", input_size=1024),
    Dense(256, "relu", input_size=512),
    Dense(256, input_size=256),
    MultiHeadAttention(8, 256, num_kv_heads=4, seq_length=1),
    Dense(64, input_size=256),
    Softmax(),
    LSTM(32, 64, seq_length=1),
    Dense(10, "linear", input_size=32),
    Softmax(),
    Dense(64, "tanh", input_size=10),
    Parallel([Dense(32, input_size=64), LSTM(32, 64), MultiHeadAttention(4, 64)], "filter"),
    Dense(10, input_size=64),
]

PARAMETERS = [524_800, 131_328, 65_792, 197_376, 16_448, 0, 12_416, 330, 0, 704, 31_136, 650]
"""By the guide's formulas; of the Parallel, 2,080 + 12,416 + 4 (64 x 64 + 64)."""


def grid(layers, rows, cols, layers_per_cell, inputs):
    network = Network(inputs, rows, cols, layers_per_cell, seed=1)
    for index, layer in enumerate(layers):
        cell, place = divmod(index, layers_per_cell)
        network.set_layer(cell // cols, cell % cols, place, layer)
    return network


@pytest.fixture
def network():
    return grid(LAYERS, 2, 2, 3, 1024)


@pytest.fixture
def telemetry(network):
    return extract_network_blueprint(network, "my-classifier")


def test_network_blueprint_may_hold_several_models():
    encoder = grid([Dense(4, input_size=8)], 1, 1, 1, 8)
    decoder = grid([Dense(8, input_size=4)], 1, 1, 1, 4)
    blueprint = extract_bundle_blueprint({"encoder": encoder, "decoder": decoder})
    assert [model.id for model in blueprint.models] == ["encoder", "decoder"]
    assert [model.total_params for model in blueprint.models] == [36, 40]


def test_extracting_telemetry_from_a_network(telemetry, network):
    assert telemetry.id == "my-classifier"
    assert telemetry.total_layers == 12
    assert telemetry.total_params == sum(PARAMETERS) == network.get_total_parameters()


def test_extracting_telemetry_inspecting_layers(telemetry):
    lines = [
        f"[{layer.grid_row},{layer.grid_col},{layer.cell_layer}] {layer.type}: "
        f"{layer.input_shape} → {layer.output_shape} ({layer.parameters} params)"
        for layer in telemetry.layers
    ]
    assert lines[:4] == [
        "[0,0,0] Dense: [1024] → [512] (524800 params)",
        "[0,0,1] Dense: [512] → [256] (131328 params)",
        "[0,0,2] Dense: [256] → [256] (65792 params)",
        "[0,1,0] MultiHeadAttention: [1, 256] → [1, 256] (197376 params)",
    ]
    assert [layer.parameters for layer in telemetry.layers] == PARAMETERS


@pytest.mark.parametrize(
    ("layer", "parameters"),
    [
        pytest.param(Dense(512, input_size=1024), 524_800, id="dense_layer"),
        pytest.param(
            Conv2D(16, 3, input_channels=3, input_height=8, input_width=8), 448, id="conv2d_layer"
        ),
        pytest.param(
            MultiHeadAttention(8, 256, num_kv_heads=4), 197_376, id="multi_head_attention"
        ),
        pytest.param(LSTM(32, 64), 12_416, id="lstm_layer"),
        pytest.param(RNN(32, 64), 3_104, id="rnn_layer"),
        pytest.param(LayerNorm(256), 512, id="layer_norm"),
        pytest.param(RMSNorm(256), 256, id="rms_norm"),
        pytest.param(SwiGLU(2048, 512), 3_150_336, id="swiglu"),
        pytest.param(Softmax(), 0, id="softmax_layer"),
        pytest.param(
            Parallel([Dense(32, input_size=64) for _ in range(3)]), 6_240, id="parallel_layer"
        ),
    ],
)
def test_parameter_counting(layer, parameters):
    network = Network.of(layer)
    (described,) = extract_network_blueprint(network, "one layer").layers
    assert described.parameters == parameters


def test_grid_position_mapping(telemetry):
    columns, layers_per_cell = telemetry.grid_cols, telemetry.layers_per_cell
    for index, layer in enumerate(telemetry.layers):
        assert layer.grid_row == index // (columns * layers_per_cell)
        assert layer.grid_col == (index // layers_per_cell) % columns
        assert layer.cell_layer == index % layers_per_cell
    places = [(at.grid_row, at.grid_col, at.cell_layer) for at in telemetry.layers]
    assert places[:4] == [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)]
    assert places[6] == (1, 0, 0)


def test_inspecting_parallel_layers(telemetry):
    lines = []
    for layer in telemetry.layers:
        if layer.type == "Parallel":
            at = f"({layer.grid_row},{layer.grid_col},{layer.cell_layer})"
            lines += [f"Parallel layer at {at}:", f" Combine mode: {layer.combine_mode}"]
            lines += [" Branches:"]
            for i, branch in enumerate(layer.branches):
                lines.append(f" [{i}] {branch.type}: {branch.parameters} params")
    assert lines == [
        "Parallel layer at (1,1,1):",
        " Combine mode: filter",
        " Branches:",
        " [0] Dense: 2080 params",
        " [1] LSTM: 12416 params",
        " [2] MultiHeadAttention: 16640 params",
    ]


def test_json_export(network):
    exported = json.loads(extract_network_blueprint_json(network, "my-model"))
    assert exported["id"] == "my-model"
    assert exported["total_layers"] == 12
    assert exported["total_parameters"] == sum(PARAMETERS)
    documented = {
        "grid_row": 0,
        "grid_col": 0,
        "cell_layer": 0,
        "type": "Dense",
        "activation": "ReLU",
        "parameters": 524_800,
        "input_shape": [1024],
        "output_shape": [512],
    }
    first = exported["layers"][0]
    assert {key: first[key] for key in documented} == documented


def test_use_cases_validation_before_deployment(network):
    telemetry = extract_network_blueprint(network, "production-model")
    max_params = 10_000_000
    assert telemetry.total_params <= max_params
    warnings = [
        f"LSTM found at ({layer.grid_row},{layer.grid_col}) - may be slow on mobile"
        for layer in telemetry.layers
        if layer.type == "LSTM"
    ]
    assert warnings == ["LSTM found at (1,0) - may be slow on mobile"]


def test_use_cases_architecture_comparison():
    tel1 = extract_network_blueprint(
        grid([Dense(8, input_size=8), Dense(4, input_size=8), Softmax()], 1, 1, 3, 8), "v1"
    )
    tel2 = extract_network_blueprint(grid([Dense(8, input_size=8), LSTM(4, 8)], 1, 1, 2, 8), "v2")
    differences = []
    for i, layer in enumerate(tel1.layers):
        if i >= len(tel2.layers):
            differences.append(f"Layer {i}: only in v1")
        elif layer.type != tel2.layers[i].type:
            differences.append(f"Layer {i}: {layer.type} vs {tel2.layers[i].type}")
    assert differences == ["Layer 1: Dense vs LSTM", "Layer 2: only in v1"]


def test_use_cases_building_a_model_explorer_ui(network):
    body = extract_network_blueprint_json(network, "live-model")
    assert [layer["type"] for layer in json.loads(body)["layers"]][:2] == ["Dense", "Dense"]


def test_use_cases_memory_estimation(network):
    telemetry = extract_network_blueprint(network, "my-model")
    bytes_for_params = telemetry.total_params * 4
    assert bytes_for_params == network.get_memory_usage()
    memory = telemetry.memory
    assert memory.parameters == bytes_for_params
    # The guide guesses twice the parameters for a training; the plan knows.
    assert memory.total_training == memory.parameters + memory.training + memory.optimizer
    assert memory.training >= bytes_for_params
    assert memory.total_inference == memory.parameters + memory.inference
    assert 0 < memory.inference < memory.training
