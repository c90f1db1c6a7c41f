"""What comes back from the device during a training on the GPU: counted in bytes."""

import numpy as np
import pytest

from loom_core import Conv2D, Dense, MultiHeadAttention, Network
from tests.support import webgpu_support
from tests.support.weights import weights_of

WIDTH, CLASSES, SAMPLES = 24, 4, 96
NUMBER = 4
"""Bytes of a float32."""

NETWORKS = {
    "dense": lambda: [Dense(9, "relu", input_size=WIDTH), Dense(CLASSES, "linear", input_size=9)],
    "convolution": lambda: [
        Conv2D(
            input_height=4, input_width=6, input_channels=1,
            filters=3, kernel_size=3, padding=1, activation="relu",
        ),
        Dense(CLASSES, "linear", input_size=3 * WIDTH),
    ],
    "attention": lambda: [MultiHeadAttention(2, 8, seq_length=3), Dense(CLASSES, "linear")],
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_device():
    """Keep one device for the whole module: pipelines are compiled once."""
    return webgpu_support.backend()


def network(name):
    return Network.of(*NETWORKS[name](), input_size=WIDTH, seed=3)


@pytest.mark.parametrize(("optimizer", "means"), [("sgd", 0), ("adamw", 2)], ids=["sgd", "adamw"])
@pytest.mark.parametrize("name", NETWORKS)
def test_only_what_is_reported_comes_back_and_the_weights_once(name, optimizer, means):
    net = network(name)
    x = np.random.default_rng(0).standard_normal((SAMPLES, WIDTH)).astype(np.float32)
    data = {"Inputs": x, "Labels": x[:, :CLASSES].argmax(axis=1), "BatchSize": 16}
    settings = {"LearningRate": 0.01, "Optimizer": optimizer, "UseGPU": True}
    net.train(data, {**settings, "Epochs": 1})  # compiles and checks the kernels
    before = net.backend_report()
    steps = net.train(data, {**settings, "Epochs": 40}).steps
    after = net.backend_report()
    net.release_gpu()
    assert steps == 240
    weights = weights_of(net.layers)
    halted = NUMBER
    # Of each step: its loss, the norm of its gradient, that of each array, whether it halted.
    reported = steps * ((2 + len(weights)) * NUMBER + halted)
    trained = sum(array.nbytes for array in weights)
    bytes_read = after.transferred_bytes - before.transferred_bytes
    assert bytes_read == reported + trained * (1 + means) + halted
    assert 2 <= after.transfers - before.transfers <= steps // 4  # losses of many steps at once
