"""Small networks with data, for the tests of training on the GPU."""

import numpy as np

from loom_core import Dense, Network, Softmax
from tests.backends.test_simd_networks import weights_of
from tests.support.tolerances import NETWORK, assert_close

SETTINGS = {"Epochs": 3, "LearningRate": 0.05, "LossType": "cross_entropy", "GradientClip": 0.8}


def network(seed=3, **options):
    made = Network(12, 1, 1, 3, seed=seed, **options)
    made.set_layer(0, 0, 0, Dense(9, "relu", input_size=12))
    made.set_layer(0, 0, 1, Dense(4, "linear", input_size=9))
    made.set_layer(0, 0, 2, Softmax())
    return made


def data(count=96, batch=16):
    x = np.random.default_rng(0).standard_normal((count, 12)).astype(np.float32)
    return {"Inputs": x, "Labels": x[:, :4].argmax(axis=1), "BatchSize": batch}


def assert_same_weights(ours, theirs):
    for a, b in zip(weights_of(ours.layers), weights_of(theirs.layers), strict=True):
        assert_close(a, b, NETWORK, "weights")
