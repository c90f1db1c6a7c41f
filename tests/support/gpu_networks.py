"""Small networks with data, for the tests of training on the GPU."""

import numpy as np

from loom_core import Dense, Network, Softmax
from tests.backends.test_simd_networks import weights_of
from tests.support.tolerances import NETWORK, assert_close

SETTINGS = {"Epochs": 3, "LearningRate": 0.05, "LossType": "cross_entropy", "GradientClip": 0.8}


def network(seed=3, **options):
    return Network.of(
        Dense(9, "relu"), Dense(4, "linear"), Softmax(), input_size=12, seed=seed, **options
    )


def data(count=96, batch=16):
    x = np.random.default_rng(0).standard_normal((count, 12)).astype(np.float32)
    return {"Inputs": x, "Labels": x[:, :4].argmax(axis=1), "BatchSize": batch}


def assert_same_weights(ours, theirs):
    for a, b in zip(weights_of(ours.layers), weights_of(theirs.layers), strict=True):
        assert_close(a, b, NETWORK, "weights")
