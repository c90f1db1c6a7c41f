"""Outputs and gradients against PyTorch's, recorded by make_torch_fixtures.py."""

import numpy as np
import pytest

from loom_core.layers import (
    LSTM,
    RNN,
    Conv1D,
    Conv2D,
    Dense,
    LayerNorm,
    MultiHeadAttention,
    RMSNorm,
    Softmax,
    SwiGLU,
)
from tests.support.fixture_files import FIXTURES
from tests.support.torch_records import assert_equals_torch

ARRAYS = np.load(FIXTURES / "torch_layers.npz", allow_pickle=False)

CASES = {
    "dense 1": lambda: Dense(1, "tanh"),
    "dense odd": lambda: Dense(5, "sigmoid"),
    "dense large": lambda: Dense(67, "softplus"),
    "conv2d 1": lambda: Conv2D(1, 1, activation="linear"),
    "conv2d odd": lambda: Conv2D(4, 3, 2, 1, "linear"),
    "conv2d large": lambda: Conv2D(9, 5, 1, 2, "linear"),
    "conv1d 1": lambda: Conv1D(1, 1, activation="linear"),
    "conv1d odd": lambda: Conv1D(5, 3, 2, 1, "linear"),
    "conv1d large": lambda: Conv1D(8, 7, 1, 3, "linear"),
    "rnn 1": lambda: RNN(1),
    "rnn odd": lambda: RNN(3),
    "rnn large": lambda: RNN(17),
    "lstm 1": lambda: LSTM(1),
    "lstm odd": lambda: LSTM(3),
    "lstm large": lambda: LSTM(17),
    "attention 1": lambda: MultiHeadAttention(1),
    "attention odd": lambda: MultiHeadAttention(3),
    "attention causal": lambda: MultiHeadAttention(2, causal=True),
    "attention grouped": lambda: MultiHeadAttention(4, num_kv_heads=2, causal=True),
    "attention large": lambda: MultiHeadAttention(4),
    "layer_norm 1": LayerNorm,
    "layer_norm odd": LayerNorm,
    "layer_norm large": LayerNorm,
    "rms_norm 1": RMSNorm,
    "rms_norm odd": RMSNorm,
    "rms_norm large": RMSNorm,
    "swiglu 1": lambda: SwiGLU(1),
    "swiglu odd": lambda: SwiGLU(7),
    "swiglu large": lambda: SwiGLU(65),
    "softmax 1": Softmax,
    "softmax odd": lambda: Softmax(0.5),
    "softmax large": lambda: Softmax(3.0),
}


def test_every_recorded_case_is_used():
    assert {name.split("/")[0] for name in ARRAYS.files} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_layer_equals_torch(name):
    assert_equals_torch(CASES[name](), ARRAYS, name)
