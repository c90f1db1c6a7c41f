"""Small networks with data, for the tests of training on the GPU."""

import numpy as np

from loom_core import Dense, Network, Softmax
from tests.support.tolerances import NETWORK, assert_close
from tests.support.weights import weights_of

SETTINGS = {"Epochs": 3, "LearningRate": 0.05, "LossType": "cross_entropy", "GradientClip": 0.8}


def network(seed=3, **options):
    """A classifier for four classes of that data."""
    layers = [Dense(9, "relu"), Dense(4, "linear"), Softmax()]
    return Network.of(*layers, input_size=12, seed=seed, **options)


def data(count=96, batch=16):
    """Rows of 12 numbers; the class is the place of the largest of the first four."""
    x = np.random.default_rng(0).standard_normal((count, 12)).astype(np.float32)
    return {"Inputs": x, "Labels": x[:, :4].argmax(axis=1), "BatchSize": batch}


def assert_same_weights(ours, theirs):
    """Compare what two networks were trained to, on whatever backends."""
    for a, b in zip(weights_of(ours.layers), weights_of(theirs.layers), strict=True):
        assert_close(a, b, NETWORK, "weights")
