"""GRU: PyTorch's numbers, its settings and weights, and where it shows."""

import json

import numpy as np
import pytest

import loom_core
from loom_core import GRU, Dense, Network, RecordingObserver, ShapeError, SpecError
from loom_core.telemetry.blueprint import extract_model
from tests.support import webgpu_support
from tests.support.fixture_files import FIXTURES
from tests.support.simd_support import backend
from tests.support.tolerances import CURVE, NETWORK
from tests.support.torch_records import assert_equals_torch

ARRAYS = np.load(FIXTURES / "torch_gru_pooling.npz", allow_pickle=False)
X = np.random.default_rng(5).standard_normal((6, 10)).astype(np.float32)
DATA = {"Inputs": X, "Targets": np.tanh(X[:, :2]), "BatchSize": 3}


def network_of(runs="numpy"):
    network = Network(10, 1, 1, 2, seed=4, backend=runs)
    network.set_layer(0, 0, 0, GRU(3, 2))
    network.set_layer(0, 0, 1, Dense(2, "linear"))
    network.initialize_weights()
    return network


@pytest.mark.parametrize(("name", "hidden"), [("1", 1), ("odd", 3), ("large", 17)])
def test_layer_equals_torch(name, hidden):
    assert_equals_torch(GRU(hidden), ARRAYS, f"gru {name}")


def test_without_reset_and_update_it_is_a_plain_recurrence():
    """With r = 1 and z = 0 the candidate alone is left: tanh(W x + U h + b + c)."""
    layer = GRU(2, 1, seq_length=3)
    layer.initialize(1)
    open_gates = np.array([40, 40, -40, -40, 0.3, -0.2], np.float32)
    layer.set_weights({"input": np.ones((6, 1)), "bias": open_gates, "recurrent_bias": [0.1, 0.4]})
    network = Network.of(layer, input_size=3)
    u, h = layer.weights["recurrent"][4:], np.zeros(2)
    inputs = [0.5, -1.0, 2.0]
    for x, found in zip(inputs, network.forward_cpu(inputs).reshape(3, 2), strict=True):
        h = np.tanh(x + u @ h + [0.4, 0.2])
        np.testing.assert_allclose(found, h, rtol=1e-5)


@pytest.mark.parametrize("runs", ["simd", "webgpu"])
@pytest.mark.usefixtures("one_device")
def test_backends_train_alike(runs):
    networks = [
        network_of(),
        network_of({"simd": backend, "webgpu": webgpu_support.backend}[runs]()),
    ]
    settings = {"Epochs": 5, "LearningRate": 0.05, "Optimizer": "adamw"}
    losses = [network.train(DATA, settings).loss_history for network in networks]
    np.testing.assert_allclose(losses[1], losses[0], rtol=CURVE)
    outputs = [network.forward_cpu(X) for network in networks]
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=NETWORK, atol=NETWORK)
    assert networks[1].backend_report().fallbacks == {}


def test_fresh_weights_are_orthogonal_for_each_gate_and_biases_are_zero():
    layer = GRU(5, 3)
    layer.initialize(2)
    for block in np.split(layer.weights["recurrent"], 3):
        np.testing.assert_allclose(block @ block.T, np.eye(5), atol=1e-6)
    assert not layer.weights["bias"].any()
    assert not layer.weights["recurrent_bias"].any()
    assert np.abs(layer.weights["input"]).max() <= np.sqrt(6 / 8)


def test_a_description_makes_it_and_settings_come_back():
    layer = {"type": "gru", "input_size": 2, "hidden_size": 3, "seq_length": 5}
    network = loom_core.build_network_from_json(json.dumps({"layers": [layer]}))
    assert network.layers[0].settings() == layer
    assert network.forward_cpu(X[0]).shape == (15,)


def test_loom_has_no_such_layer():
    with pytest.raises(SpecError, match=r"cell \(0, 0\) layer 0.*has no layer type 'gru'"):
        network_of().save_model_to_string("m", "loom")


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(SpecError, match="hidden_size"):
        GRU(0)
    with pytest.raises(ShapeError, match="gru expects rows of 3 numbers"):
        Network.of(GRU(2, 3), input_size=10).forward_cpu(X[0])
    with pytest.raises(ShapeError, match="gru expects 4 steps"):
        Network.of(GRU(2, 2, seq_length=4), input_size=10).forward_cpu(X[0])


def test_documents_and_observers_know_its_name():
    network = network_of()
    described = extract_model(network, "m").layers[0]
    assert (described.type, described.type_name, described.parameters) == ("GRU", "gru", 57)
    assert (described.input_shape, described.output_shape) == ([5, 2], [5, 3])
    watcher = RecordingObserver("m")
    network.set_observer(watcher)
    network.forward_cpu(X[0])
    event = watcher.get_events()[0]
    assert (event.stats.layer_type, event.stats.neurons) == ("GRU", 3)
