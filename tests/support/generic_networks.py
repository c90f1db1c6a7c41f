"""Networks and inputs for the tests of passes in any numeric type."""

import numpy as np

from loom_core import (
    LSTM,
    Dense,
    MultiHeadAttention,
    Network,
    Parallel,
    Residual,
    RMSNorm,
    Sequential,
    Softmax,
    SwiGLU,
)  # fmt: skip
from loom_core.backends.numpy_backend import NumpyBackend


def network(*layers, inputs=None):
    """Layers with their weights, run by NumPy, which takes any numeric type."""
    made = Network.of(*layers, input_size=inputs, seed=3, backend=NumpyBackend())
    made.require_weights()
    return made


def mixed():
    """Most kinds of layers, a skip, a disabled and a frozen one, children to two depths."""
    return network(
        Dense(8, "tanh", input_size=8),
        Residual(),
        RMSNorm(4),
        MultiHeadAttention(2, causal=True, rope_theta=100.0),
        Dense(8, "linear", input_size=8, frozen=True),
        Parallel([SwiGLU(3), Sequential([LSTM(4, disabled=True), Dense(8, "sigmoid")])], "add"),
        Dense(5, "tanh", input_size=8, disabled=True),
        Dense(3, "linear", input_size=8),
        Softmax(),
        inputs=8,
    )  # fmt: skip


def samples(count=2, width=8, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (count, width)).astype(np.float32)
