"""The blueprint of a network: parameters, shapes, JSON, text and memory against what exists."""

import json

import numpy as np
import pytest

import loom_core
from loom_core import Conv2D, Dense, Layer, Network, Parallel, Softmax, SpecError
from loom_core.bridge import Bridge
from loom_core.plans.step_graph import inference_plan, training_plan
from loom_core.watch.layer_words import layer_code
from tests.support.observed_networks import every_layer_type, nested_network, network_of
from tests.support.weights import arrays_of

NETWORKS = every_layer_type()


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_those_of_the_arrays_that_exist(name):
    network = NETWORKS[name]
    network.initialize_weights()
    model = loom_core.extract_network_blueprint(network, name)
    assert model.id == name
    for layer, described in zip(network.layers, model.layers, strict=True):
        assert described.parameters == sum(array.size for array in arrays_of(layer))
        assert described.num_params == described.parameters
    assert model.total_params == sum(layer.parameters for layer in model.layers)
    assert model.total_params == network.get_total_parameters()


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_are_those_of_the_data(name):
    network = NETWORKS[name]
    collected = []
    network.set_observer(
        loom_core.CallbackObserver(on_forward=lambda event: collected.append(event.stats))
    )
    network.forward_cpu(np.zeros((3, network.input_width()), np.float32))
    network.set_observer(None)
    described = network.get_blueprint().layers
    outermost = [stats for stats in collected if not stats.layer_path]
    for layer, stats in zip(described, outermost, strict=True):
        assert layer.output_size == np.prod(stats.output_shape[1:])
        assert layer.input_size == np.prod(stats.input_shape[1:])
        assert layer.output_size == np.prod(layer.output_shape)
        assert layer.input_size == np.prod(layer.input_shape)


def test_the_documented_counts_hold():
    network = network_of(
        Dense(512, input_size=1024),
        Dense(256, input_size=512),
        Dense(64, input_size=256),
        input_size=1024,
    )
    assert [layer.parameters for layer in network.get_blueprint().layers[:2]] == [524_800, 131_328]
    image = network_of(Conv2D(16, 3, input_channels=3, input_height=8, input_width=8))
    (layer,) = image.get_blueprint().layers
    assert (layer.parameters, layer.input_shape, layer.output_shape) == (448, [3, 8, 8], [16, 6, 6])
    branches = network_of(Parallel([Dense(32, input_size=64) for _ in range(3)]))
    assert branches.get_blueprint().total_params == 6_240


def test_places_follow_the_grid_in_reading_order():
    network = network_of(*(Dense(4, input_size=4) for _ in range(12)), rows=2, cols=2)
    blueprint = network.get_blueprint()
    places = [(layer.grid_row, layer.grid_col, layer.cell_layer) for layer in blueprint.layers]
    assert places == [(r, c, k) for r in range(2) for c in range(2) for k in range(3)]
    assert places == [(layer.row, layer.col, layer.layer) for layer in blueprint.layers]
    assert (blueprint.grid_rows, blueprint.grid_cols, blueprint.layers_per_cell) == (2, 2, 3)
    assert (blueprint.total_layers, blueprint.models[0].total_layers) == (12, 12)


def test_branches_children_and_gates_are_described_inside():
    layer = nested_network().get_blueprint().layers[1]
    assert (layer.type, layer.type_name, layer.combine_mode) == ("Parallel", "parallel", "filter")
    assert [inner.type for inner in layer.branches] == ["Dense", "Sequential", "Parallel"]
    assert [inner.type for inner in layer.branches[1].branches] == ["Dense", "LayerNorm"]
    assert layer.branches[2].combine_mode == "concat"
    assert layer.branches[1].combine_mode == ""
    assert (layer.gate.type, layer.gate.parameters) == ("Dense", 6 * 3 + 3)
    inside = sum(inner.parameters for inner in layer.branches)
    assert layer.parameters == inside + layer.gate.parameters
    assert [layer.activation, layer.branches[0].activation] == ["", "Tanh"]


def test_the_json_has_the_documented_keys():
    network = network_of(Dense(4, "tanh", input_size=8), Softmax(), model_id="m")
    model = json.loads(loom_core.extract_network_blueprint_json(network, "my-model"))
    first = model["layers"][0]
    assert model["id"] == "my-model"
    assert (model["total_layers"], model["total_parameters"]) == (2, 36)
    assert {key: first[key] for key in ("grid_row", "grid_col", "cell_layer")} == {
        "grid_row": 0, "grid_col": 0, "cell_layer": 0,
    }  # fmt: skip
    assert (first["type"], first["activation"], first["parameters"]) == ("Dense", "Tanh", 36)
    assert (first["input_shape"], first["output_shape"]) == ([8], [4])
    assert not {"branches", "combine_mode", "activation"} & model["layers"][1].keys()
    bundle = json.loads(network.get_blueprint_json())
    assert list(bundle) == ["models"]
    assert bundle["models"][0]["layers"] == model["layers"]


def test_several_networks_make_one_blueprint():
    parts = {
        "encoder": network_of(Dense(2, input_size=4)),
        "decoder": network_of(Dense(4, input_size=2)),
    }
    blueprint = loom_core.extract_bundle_blueprint(parts)
    assert [model.id for model in blueprint.models] == ["encoder", "decoder"]
    assert blueprint.total_params == 10
    with pytest.raises(loom_core.SpecError, match="at least one network"):
        loom_core.extract_bundle_blueprint({})


def test_what_is_not_known_is_left_open():
    (layer,) = Network(None, 1, 1, 1).get_blueprint().layers
    assert (layer.input_shape, layer.output_shape, layer.input_size) == ([], [], 0)
    assert Network(None, 1, 1, 1).get_blueprint().models[0].memory is None


def test_memory_is_that_of_the_plans():
    network = nested_network(batch_size=7)
    network.initialize_weights()
    memory = network.get_blueprint().models[0].memory
    assert memory.batch_size == 7
    assert memory.parameters == 4 * network.get_total_parameters()
    assert memory.inference == inference_plan(network.layers, 7, 5).arena_bytes
    assert memory.training == training_plan(network.layers, 7, 5, "mse").arena_bytes
    assert memory.total_inference == memory.parameters + memory.inference
    assert memory.total_training == memory.parameters + memory.training + memory.optimizer


def test_a_network_that_does_not_fit_together_says_so():
    network = network_of(Dense(3, input_size=4), Dense(2, input_size=5))
    with pytest.raises(loom_core.ShapeError, match=r"cell \(0, 0\) layer 1"):
        network.get_blueprint()


def test_a_layer_of_a_programs_own_has_no_word_unless_it_derives_from_one_that_has():
    own = type("Own", (Layer,), {})
    own.__abstractmethods__ = frozenset()
    with pytest.raises(SpecError, match=r"layers of type Own .* have no code"):
        layer_code(own())
    assert layer_code(type("Wide", (Dense,), {})()).name == "Dense"


def test_the_text_names_every_layer():
    text = nested_network(model_id="m").get_blueprint_text()
    lines = text.splitlines()
    assert lines[0].startswith("Model m: 4 layers, ")
    assert sum("Dense" in line for line in lines) == 7
    assert any("gate Dense" in line for line in lines)
    assert lines[-1].startswith("Memory at batch 1: weights ")


def test_javascript_gets_plain_objects():
    bridge = Bridge()
    config = '{"layers": [{"type": "dense", "input_size": 2, "output_size": 3}]}'
    handle = bridge.call(0, "BuildNetworkFromJSON", [config])["value"]["$object"]
    blueprint = bridge.call(handle, "GetBlueprint", [])["value"]
    assert blueprint["TotalParams"] == 9
    assert blueprint["Layers"][0]["InputShape"] == [2]
    assert blueprint["Models"][0]["Layers"] == blueprint["Layers"]
    named = {"$object": handle}
    model = bridge.call(0, "ExtractNetworkBlueprint", [named, "m"])["value"]
    assert (model["ID"], model["TotalParams"]) == ("m", 9)
    assert bridge.live_handles() == 1
