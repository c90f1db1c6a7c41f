"""Noise: what each kind makes of random words, and that a training draws it word by word."""

import math

import numpy as np
import pytest

from loom_core import Dense, Network, Softmax
from loom_core.graph.noise import GumbelNoise, KeepMask
from loom_core.random_stream import RandomStream

WORDS = RandomStream(3, 1).bits(4000)


def test_gumbel_noise_is_the_formula_of_each_word():
    expected = [-math.log(-math.log(((int(word) >> 11) + 0.5) / 2**53)) for word in WORDS]
    np.testing.assert_allclose(GumbelNoise().numbers(WORDS), expected, rtol=1e-6, atol=1e-7)


def test_gumbel_noise_is_finite_at_the_ends_of_its_range():
    ends = np.array([0, 2**64 - 1], np.uint64)
    np.testing.assert_allclose(GumbelNoise().numbers(ends), [-3.62, 37.4], rtol=0.02)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9])
def test_a_mask_keeps_its_share_and_is_1_in_the_mean(rate):
    mask = KeepMask(rate).numbers(WORDS)
    assert mask.dtype == np.float32
    expected = [0.0 if (int(word) >> 11) / 2**53 < rate else 1 / (1 - rate) for word in WORDS]
    np.testing.assert_array_equal(mask, np.array(expected, np.float32))
    deviation = math.sqrt(rate / (1 - rate) / WORDS.size)  # of the mean of independent factors
    assert abs(float(mask.mean()) - 1) <= 4 * deviation


def test_a_mask_is_exact_at_the_ends_of_its_range():
    ends = np.array([0, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)
    np.testing.assert_array_equal(KeepMask(0.5).numbers(ends), [0, 0, 2, 2])
    np.testing.assert_array_equal(KeepMask(0.0).numbers(ends), [1, 1, 1, 1])


def test_the_noise_of_a_training_is_what_its_seed_names():
    """The first step's loss is that of the noise drawn by hand."""
    network = Network.of(
        Softmax(variant="gumbel"), Dense(2, "linear"), input_size=4, seed=9, backend="numpy"
    )
    network.initialize_weights()
    x, t = np.arange(8, dtype=np.float32).reshape(2, 4) / 8, np.zeros((2, 2), np.float32)
    kernel = network.layers[1].weights["kernel"].astype(np.float64)
    words = RandomStream(9, -1).bits(8)
    scores = x + GumbelNoise().numbers(words).reshape(2, 4)
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = np.mean((y @ kernel) ** 2)
    found = network.train([{"Input": x, "Target": t}], {"Epochs": 1, "LearningRate": 0.1})
    np.testing.assert_allclose(found.loss_history[0], expected, rtol=1e-5)
