"""MaxPool2D and AvgPool2D: PyTorch's numbers, their settings, and where they show."""

import json

import numpy as np
import pytest

import loom_core
from loom_core import (
    AvgPool2D,
    Conv2D,
    Dense,
    LimitError,
    MaxPool2D,
    Network,
    RecordingObserver,
    ShapeError,
    SpecError,
)
from loom_core.graph.builder import GraphBuilder
from loom_core.telemetry.blueprint import extract_model
from tests.support import webgpu_support
from tests.support.fixture_files import FIXTURES
from tests.support.simd_support import backend
from tests.support.tolerances import CURVE
from tests.support.torch_records import assert_equals_torch

ARRAYS = np.load(FIXTURES / "torch_gru_pooling.npz", allow_pickle=False)
WINDOWS = {
    "1": (1,),
    "odd": (2,),
    "over": (3, 2, 1),
    "dense": (3, 1, 1),
    "gaps": (2, 3),
    "large": (5, 4, 2),
    "ties": (3, 2, 1),
    "global": ("global",),
}
KINDS = {"max_pool2d": MaxPool2D, "avg_pool2d": AvgPool2D}
IMAGE = {"input_channels": 2, "input_height": 6, "input_width": 5}
X = np.random.default_rng(8).standard_normal((6, 60)).astype(np.float32)
DATA = {"Inputs": X, "Targets": np.tanh(X[:, :2]), "BatchSize": 3}


def network_of(runs="numpy"):
    layers = [
        Conv2D(3, 3, 1, 1, "tanh", **IMAGE),
        MaxPool2D(3, 2, 1),
        AvgPool2D("global"),
        Dense(2, "linear"),
    ]
    network = Network.of(*layers, input_size=60, seed=4)
    network.set_backend(runs)
    network.initialize_weights()
    return network


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_layer_equals_torch(kind, window):
    assert_equals_torch(KINDS[kind](*WINDOWS[window]), ARRAYS, f"{kind} {window}")


@pytest.mark.parametrize("runs", ["simd", "webgpu"])
@pytest.mark.usefixtures("one_device")
def test_backends_train_alike(runs):
    other = {"simd": backend, "webgpu": webgpu_support.backend}[runs]()
    networks = [network_of(), network_of(other)]
    settings = {"Epochs": 5, "LearningRate": 0.05, "Optimizer": "adamw"}
    losses = [network.train(DATA, settings).loss_history for network in networks]
    np.testing.assert_allclose(losses[1], losses[0], rtol=CURVE)
    assert networks[1].backend_report().fallbacks == {}


def test_what_lies_beyond_the_border_is_no_maximum_and_counts_as_zeros_in_a_mean():
    x = -np.arange(1.0, 5.0, dtype=np.float32)  # 2 x 2
    sizes = {"input_channels": 1, "input_height": 2, "input_width": 2}
    largest = Network.of(MaxPool2D(2, 2, 1, **sizes), input_size=4).forward_cpu(x)
    np.testing.assert_array_equal(largest, [-1, -2, -3, -4])
    mean = Network.of(AvgPool2D(2, 2, 1, **sizes), input_size=4).forward_cpu(x)
    np.testing.assert_array_equal(mean, [-0.25, -0.5, -0.75, -1])


def test_a_global_window_gives_one_number_a_channel():
    for kind, reduce in ((MaxPool2D, np.max), (AvgPool2D, np.mean)):
        y = Network.of(kind("global", **IMAGE), input_size=60).forward_cpu(X[0])
        np.testing.assert_allclose(y, reduce(X[0].reshape(2, 30), axis=1), rtol=1e-5)


@pytest.mark.parametrize("kernel_size", [2, "global"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_description_makes_it_and_settings_come_back(kind, kernel_size):
    layer = {"type": kind, "kernel_size": kernel_size, **IMAGE}
    network = loom_core.build_network_from_json(json.dumps({"layers": [layer]}))
    assert network.layers[0].settings() == layer
    assert network.forward_cpu(X[0]).shape == ((2,) if kernel_size == "global" else (12,))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ((0,), SpecError, "kernel_size must be a whole number"),
        (("globe",), SpecError, "a size or \"global\", got 'globe'"),
        ((3, 0), SpecError, "stride must be"),
        ((3, 1, 2), SpecError, "at most half of kernel_size 3, got 2"),
        (("global", 2), SpecError, "a global window has no stride"),
        (("global", None, 1), SpecError, "a global window has no stride and no padding"),
        ((8,), ShapeError, "a window of 8 does not fit 2x6x5"),
        ((2**30, 1, 2**29), LimitError, "one image with its padding"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        Network.of(MaxPool2D(*settings, **IMAGE), input_size=60).forward_cpu(X[0])


@pytest.mark.parametrize("size", [(0, 3), (3, 0)])
def test_the_op_itself_refuses_images_without_a_cell(size):
    graph = GraphBuilder()
    x = graph.input("x", (1, 2, *size))
    with pytest.raises(ShapeError, match="with cells in each image"):
        graph.emit("max_pool2d", x, kernel=(2, 2), stride=(1, 1), padding=(1, 1))


def test_a_misspelt_window_in_a_description_is_refused():
    layer = {"type": "avg_pool2d", "kernel_size": "globl", **IMAGE}
    with pytest.raises(SpecError, match="kernel_size must be a size or \"global\", got 'globl'"):
        loom_core.build_network_from_json(json.dumps({"layers": [layer]}))


def test_sizes_that_nobody_gives_are_asked_for():
    with pytest.raises(ShapeError, match="max_pool2d needs input_channels, input_height and"):
        Network.of(Dense(60, "tanh"), MaxPool2D(2), input_size=3).forward_cpu([1.0, 2.0, 3.0])


def test_loom_has_no_such_layer():
    with pytest.raises(SpecError, match=r"cell \(0, 0\) layer 1.*has no layer type 'max_pool2d'"):
        network_of().save_model_to_string("m", "loom")


def test_documents_and_observers_know_their_names():
    network = network_of()
    described = extract_model(network, "m").layers[1:3]
    assert [(layer.type, layer.type_name) for layer in described] == [
        ("MaxPool2D", "max_pool2d"),
        ("AvgPool2D", "avg_pool2d"),
    ]
    assert [layer.input_shape for layer in described] == [[3, 6, 5], [3, 3, 3]]
    assert [layer.output_shape for layer in described] == [[3, 3, 3], [3, 1, 1]]
    assert [layer.parameters for layer in described] == [0, 0]
    watcher = RecordingObserver("m")
    network.set_observer(watcher)
    network.forward_cpu(X[0])
    stats = [event.stats for event in watcher.get_events()][1:3]
    assert [(each.layer_type, each.neurons) for each in stats] == [
        ("MaxPool2D", 3),
        ("AvgPool2D", 3),
    ]
