"""The examples of the package's documents on building, running and saving, one test a section.

Go's ForwardCPU also returns the time it took; here it returns the output.
"""

import json

import numpy as np
import pytest

from loom_core import (
    ActivationType,
    Network,
    load_bundle,
    load_bundle_from_string,
    load_model,
    load_model_from_string,
    save_bundle,
    save_bundle_to_string,
)
from loom_core.functions.registry import call_layer_init, list_layer_init_functions


def run(network, samples=1):
    """Run a network forward and backward on made-up numbers."""
    inputs = np.random.default_rng(4).normal(size=samples * network.input_width())
    output = network.forward_cpu(inputs)
    gradient = network.backward_cpu(np.ones_like(output))
    assert gradient.shape == (samples * network.input_width(),)
    assert np.isfinite(gradient).all()
    return output


def network_with(input_size, *layers):
    return Network.of(*layers, input_size=input_size, seed=2)


def test_registry_based_layer_initialization():
    functions = {function.name: function for function in list_layer_init_functions()}
    dense = functions["InitDenseLayer"]
    assert (dense.num_args, dense.arg_names) == (3, ["input_size", "output_size", "activation"])
    layer = call_layer_init("InitDenseLayer", [128, 64, int(ActivationType.ScaledReLU)])
    assert run(network_with(128, layer)).shape == (64,)
    # The order of these arguments is that of the functions; two of the document's calls give
    # another (a filter size first, a sequence length in the place of the number of heads).
    conv2d = call_layer_init("InitConv2DLayer", [28, 28, 1, 3, 1, 1, 32, "relu"])
    assert run(network_with(784, conv2d)).shape == (32 * 784,)
    attention = call_layer_init("InitMultiHeadAttentionLayer", [64, 8, 1, 10])
    assert run(network_with(640, attention)).shape == (640,)
    rnn = call_layer_init("InitRNNLayer", [32, 64, 1, 10])
    assert run(network_with(320, rnn)).shape == (640,)
    lstm = call_layer_init("InitLSTMLayer", [32, 64, 1, 10])
    assert run(network_with(320, lstm)).shape == (640,)


def test_creating_a_dense_neural_network():
    network = Network(1024, 2, 2, 2, seed=1)
    network.set_layer(0, 0, 0, call_layer_init("InitDenseLayer", [1024, 512, "relu"]))
    assert network.total_layers() == 8
    assert run(network).shape == (512,)  # the other seven are activations


def test_creating_a_conv2d_network():
    layer = call_layer_init("InitConv2DLayer", [4, 4, 3, 3, 1, 1, 2, "relu"])
    network = network_with(48, layer)
    assert run(network, samples=2).shape == (2 * 2 * 4 * 4,)


def test_mixed_layer_types():
    network = Network(48, 2, 1, 2, seed=1)
    network.set_layer(0, 0, 0, call_layer_init("InitConv2DLayer", [4, 4, 3, 3, 1, 1, 2, 0]))
    assert run(network, samples=2).shape == (2 * 32,)


def test_multi_head_attention():
    batch_size, seq_length, d_model, num_heads = 2, 4, 8, 2
    arguments = [d_model, num_heads, batch_size, seq_length]
    network = network_with(
        seq_length * d_model, call_layer_init("InitMultiHeadAttentionLayer", arguments)
    )
    assert run(network, batch_size).shape == (batch_size * seq_length * d_model,)


@pytest.mark.parametrize(("name", "hidden"), [("InitRNNLayer", 16), ("InitLSTMLayer", 12)])
def test_recurrent_networks(name, hidden):
    batch_size, seq_length, input_size = 2, 4, 8
    layer = call_layer_init(name, [input_size, hidden, batch_size, seq_length])
    output = run(network_with(seq_length * input_size, layer), batch_size)
    assert output.shape == (batch_size * seq_length * hidden,)


@pytest.mark.parametrize(
    ("name", "arguments", "rows"),
    [
        ("InitSoftmaxLayer", [], [12]),
        ("InitGridSoftmaxLayer", [3, 4], [4, 4, 4]),
        ("InitHierarchicalSoftmaxLayer", [[3, 4]], None),
        ("InitTemperatureSoftmaxLayer", [0.1], [12]),
        ("InitSparsemaxLayer", [], [12]),
        ("InitEntmaxLayer", [1.5], [12]),
    ],
)
def test_softmax_layers(name, arguments, rows):
    dense = call_layer_init("InitDenseLayer", [5, 12, "leaky_relu"])
    output = run(network_with(5, dense, call_layer_init(name, arguments)))
    assert output.shape == (12,)
    assert (output >= 0).all()
    if rows is not None:
        sums = [part.sum() for part in np.split(output, np.cumsum(rows)[:-1])]
        assert sums == pytest.approx([1.0] * len(rows), rel=1e-5)


def test_masked_softmax_legal_moves_only():
    masked = call_layer_init("InitMaskedSoftmaxLayer", [6])
    masked.set_mask([True, False, True, True, False, True])
    dense = call_layer_init("InitDenseLayer", [5, 6, "linear"])
    output = run(network_with(5, dense, masked))
    assert output[[1, 4]] == pytest.approx([0, 0], abs=1e-7)
    assert output.sum() == pytest.approx(1, rel=1e-5)


@pytest.fixture
def saved():
    network = network_with(6, call_layer_init("InitDenseLayer", [6, 4, "tanh"]))
    return network, network.forward_cpu(np.arange(6))


def test_file_based_serialization(saved, tmp_path):
    network, output = saved
    path, bundle = str(tmp_path / "model.json"), str(tmp_path / "bundle.json")
    network.save_model(path, "my_model_v1")
    again = load_model(path, "my_model_v1")
    np.testing.assert_array_equal(again.forward_cpu(np.arange(6)), output)
    save_bundle(bundle, {"model_a": network, "model_b": again})
    models = load_bundle(bundle)
    assert list(models) == ["model_a", "model_b"]
    np.testing.assert_array_equal(models["model_a"].forward_cpu(np.arange(6)), output)


def test_string_based_serialization(saved):
    network, output = saved
    text = network.save_model_to_string("my_model_v1")
    again = load_model_from_string(text, "my_model_v1")
    np.testing.assert_array_equal(again.forward_cpu(np.arange(6)), output)
    bundle = load_bundle_from_string(save_bundle_to_string({"a": network, "b": again}))
    np.testing.assert_array_equal(bundle["b"].forward_cpu(np.arange(6)), output)


def test_model_format(saved):
    network, _ = saved
    document = json.loads(network.save_model_to_string("my_model_v1", "loom"))
    assert (document["type"], document["version"]) == ("modelhost/bundle", 1)
    (model,) = document["models"]
    assert model["id"] == "my_model_v1"
    assert model["cfg"]["layers"][0]["type"] == "dense"
    assert model["weights"]["fmt"] == "jsonModelB64"
