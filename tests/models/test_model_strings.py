"""Model strings: Loom's own files give Loom's outputs, ours come back exactly."""

import base64
import json

import numpy as np
import pytest

import loom_core
from loom_core import (
    Conv1D,
    Conv2D,
    Dense,
    Network,
    Residual,
    Sequential,
    ShapeError,
    Softmax,
    SpecError,
)
from loom_core.activations import ACTIVATIONS
from tests.support.fixture_files import FIXTURES, LOOM_MODELS

LOADABLE = json.loads((LOOM_MODELS / "loadable.json").read_text())


def fixture(name):
    return json.loads((LOOM_MODELS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", LOADABLE)
def test_loom_strings_give_looms_outputs(name):
    case = fixture(name)
    outputs = case.get("reload", {}).get("outputs") or case["outputs"]
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    for x, expected in zip(case["inputs"], outputs, strict=True):
        np.testing.assert_allclose(network.forward_cpu(x), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", LOADABLE)
def test_a_loom_string_saved_by_us_still_gives_looms_outputs(name):
    case = fixture(name)
    first = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    again = loom_core.load_model_from_string(first.save_model_to_string("x"), "x")
    for x in case["inputs"]:
        np.testing.assert_array_equal(again.forward_cpu(x), first.forward_cpu(x))


GOLDEN = json.loads((FIXTURES / "loom_layers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [c for c in GOLDEN if c.get("Bundle")], ids=lambda c: c["Name"])
def test_more_loom_strings_give_looms_outputs(case):
    (model_id,) = loom_core.list_models(case["Bundle"])
    network = loom_core.load_model_from_string(case["Bundle"], model_id)
    np.testing.assert_allclose(network.forward_cpu(case["Input"]), case["Output"], atol=1e-5)


def test_a_grouped_attention_that_loom_cannot_reload_gives_its_first_outputs():
    case = fixture("mha_goapi_gqa_4q_2kv")
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    assert network.layers[0].num_kv_heads == 2
    for x, expected in zip(case["inputs"], case["outputs"], strict=True):
        np.testing.assert_allclose(network.forward_cpu(x), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["conv1d_dense", "embedding_config", "parallel_embedding_branch"])
def test_a_layer_that_loom_saved_without_its_type_is_an_error(name):
    case = fixture(name)
    with pytest.raises(SpecError, match="unknown layer type 'unknown'"):
        loom_core.load_model_from_string(case["model_json"], case["model_id"])


def test_looms_gumbel_noise_is_off_when_a_model_is_used():
    case = fixture("softmax_gumbel")
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    x = np.array(case["inputs"][0])
    np.testing.assert_allclose(network.forward_cpu(x), np.exp(x) / np.exp(x).sum(), rtol=1e-5)


def test_looms_linear_is_its_scaled_relu_unless_read_as_documented():
    case = fixture("dense_linear")
    text = case["model_json"].replace('"activation": "relu"', '"activation": "linear"')
    as_loom = loom_core.load_model_from_string(text, "dense_linear")
    documented = loom_core.load_model_from_string(text, "dense_linear", "documented")
    assert as_loom.layers[0].activation == "scaled_relu"
    assert documented.layers[0].activation == "linear"


def test_wrong_input_lengths_are_an_error_where_loom_pads_in_silence():
    case = fixture("dense_wrong_input_lengths")
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    np.testing.assert_allclose(
        network.forward_cpu(case["inputs"][0]), case["outputs"][0], atol=1e-5
    )
    for x in case["inputs"][1:]:
        with pytest.raises(ShapeError, match="expected a multiple of 5"):
            network.forward_cpu(x)


def small_network(seed=3):
    network = Network(36, 1, 2, 2, seed=seed)
    network.set_layer(
        0, 0, 0, Conv2D(2, 3, 1, 1, "tanh", input_channels=1, input_height=6, input_width=6)
    )
    network.set_layer(0, 0, 1, Conv2D(3, 2, 2, 0, "leaky_relu", frozen=True))
    network.set_layer(0, 1, 0, Dense(4, "linear"))
    network.set_layer(0, 1, 1, Softmax(0.5, variant="temperature"))
    return network


@pytest.mark.parametrize("save_as", ["compact", "loom"])
def test_save_load_save_gives_the_same_string_and_outputs(save_as):
    network = small_network()
    x = np.linspace(-1, 1, 72, dtype=np.float32)
    text = network.save_model_to_string("small", save_as)
    loaded = loom_core.load_model_from_string(text, "small")
    assert loaded.save_model_to_string("small", save_as) == text
    np.testing.assert_array_equal(loaded.forward_cpu(x), network.forward_cpu(x))
    assert [layer.frozen for layer in loaded.layers] == [False, True, False, False]


@pytest.mark.parametrize("save_as", ["compact", "loom"])
def test_extreme_weights_come_back_bit_for_bit(save_as):
    network = Network.of(Dense(4, "linear"), input_size=3)
    network.require_weights()
    extremes = [
        0.0,
        -0.0,
        1e-45,
        -1e-38,
        3.4028235e38,
        1 / 3,
        0.1,
        16777217.0,
        1e-8,
        7.0,
        -1.5,
        2e9,
    ]
    network.layers[0].set_weights({"kernel": np.array(extremes, np.float32)})
    loaded = loom_core.load_model_from_string(network.save_model_to_string("e", save_as), "e")
    before, after = network.layers[0].weights["kernel"], loaded.layers[0].weights["kernel"]
    assert before.tobytes() == after.tobytes()


def test_our_strings_hold_what_loom_reads():
    bundle = json.loads(small_network().save_model_to_string("small", "loom"))
    model = bundle["models"][0]
    weights = json.loads(base64.b64decode(model["weights"]["data"]))
    assert bundle["type"] == "modelhost/bundle"
    assert bundle["version"] == 1
    assert model["weights"]["fmt"] == "jsonModelB64"
    conv, _, dense, softmax = model["cfg"]["layers"]
    assert (conv["type"], conv["output_height"], conv["output_width"]) == ("conv2d", 6, 6)
    assert (dense["type"], dense["input_height"], dense["output_height"]) == ("dense", 27, 4)
    assert softmax["softmax_variant"] == "temperature"
    assert weights["type"] == "float32"
    assert [sorted(layer) for layer in weights["layers"]] == [
        ["conv_bias", "kernel"],
        ["conv_bias", "kernel"],
        ["biases", "kernel"],
        [],
    ]
    assert len(weights["layers"][0]["kernel"]) == 2 * 1 * 3 * 3


def test_bundles_hold_several_models(tmp_path):
    networks = {"b": small_network(1), "a": small_network(2)}
    path = tmp_path / "bundle.json"
    loom_core.save_bundle(str(path), networks)
    text = path.read_text(encoding="utf-8")
    assert loom_core.list_models(text) == ["b", "a"]
    loaded = loom_core.load_bundle(str(path))
    x = np.ones(36, np.float32)
    for name, network in networks.items():
        np.testing.assert_array_equal(loaded[name].forward_cpu(x), network.forward_cpu(x))
    one = loom_core.load_model(str(path), "a")
    np.testing.assert_array_equal(one.forward_cpu(x), networks["a"].forward_cpu(x))


def test_looms_own_bundle_of_three():
    case = fixture("bundle_three_models")
    ids = loom_core.list_models(case["bundle_json"])
    assert sorted(ids) == sorted(case["outputs"])


def test_saving_a_network_keeps_a_hostile_id_as_text():
    name = "</script><img src=x onerror=alert(1)> ünï \u2028"
    text = small_network().save_model_to_string(name)
    assert loom_core.list_models(text) == [name]
    assert loom_core.load_model_from_string(text, name).model_id == name


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_comes_back_and_those_that_loom_lacks_are_not_saved_for_it(name):
    network = Network(2, 1, 1, 2)
    network.set_layer(0, 0, 0, Dense(4, name, input_size=2))
    network.set_layer(0, 0, 1, Sequential([Conv1D(2, 1, activation=name, input_length=4)]))
    text = network.save_model_to_string("m")
    loaded = loom_core.load_model_from_string(text, "m")
    assert loaded.layers[0].activation == loaded.layers[1].children[0].activation == name
    assert loaded.save_model_to_string("m") == text
    if ACTIVATIONS[name].loom_name:
        network.save_model_to_string("m", "loom")
        return
    for place in ("layer 0 dense", "layer 1 sequential: child 0 conv1d"):
        with pytest.raises(SpecError, match=f"{place}: Loom v0.0.7 has no activation '{name}'"):
            network.save_model_to_string("m", "loom")
        network.set_layer(0, 0, 0, Dense(4, "tanh", input_size=2))


class Own(Residual):
    """A layer that Loom does not know."""

    type_name = "own"


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ([Dense(2, input_size=2), Own()], r"cell \(0, 0\) layer 1 own: "),
        ([Sequential([Own()])], r"cell \(0, 0\) layer 0 sequential: child 0 own: "),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_layers_that_loom_lacks_are_not_saved_for_it(layers, place, dtype):
    network = Network.of(*layers, input_size=2)
    with pytest.raises(SpecError, match=place + "Loom v0.0.7 has no layer type 'own'"):
        network.save_model_with_dtype("m", dtype, "loom")
    assert '"type": "own"' in network.save_model_with_dtype("m", dtype)
