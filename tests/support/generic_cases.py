"""Every layer type as a pair of functions on tensors: containers here, the others beside it."""

import numpy as np

from loom_core import generic as g
from loom_core.activations import ACTIVATIONS
from loom_core.layers import Dense, LayerNorm, Residual, RMSNorm, Sequential, SwiGLU
from tests.support.generic_layer_cases import (
    Case,
    activation,
    attention,
    conv1d,
    conv2d,
    dense,
    embedding,
    layer_norm,
    lstm,
    residual,
    rms_norm,
    rnn,
    softmax,
    swiglu,
)  # fmt: skip


def sequential():
    layers = [
        Dense(4, "tanh", input_size=4), Residual(), Sequential([RMSNorm(), SwiGLU(3)]),
        Dense(3, "tanh", input_size=4, disabled=True), Dense(2, "sigmoid", input_size=4),
    ]  # fmt: skip

    def run(t):
        found = g.sequential_forward(t["input"], layers, 3)
        return found.output, found.intermediates

    def back(dy, t, intermediates):
        return {"input": g.sequential_backward(dy, t["input"], layers, intermediates).grad_input}

    return Case({"input": (3, 4)}, run, back)


def parallel(mode):
    branches = [
        Dense(3, "tanh", input_size=4),
        Dense(3, "sigmoid", input_size=4),
        Sequential([LayerNorm(4), Dense(3, input_size=4)]),
    ]

    def run(t):
        found = g.parallel_forward(t["input"], branches, 2, mode)
        return found.output, found.intermediates

    def back(dy, t, outputs):
        found = g.parallel_backward(dy, t["input"], branches, outputs, mode)
        return {"input": found.grad_input}

    return Case({"input": (2, 4)}, run, back)


def filtered():
    branches, gate = (
        [Dense(3, "tanh", input_size=4), Dense(2, "tanh", input_size=4)],
        Dense(2, "linear", input_size=4),
    )

    def run(t):
        found = g.parallel_forward_filtered(t["input"], branches, gate, "standard", 0.5, 2)
        return found.output, found

    def back(dy, t, kept):
        found = g.parallel_backward_filtered(
            dy, t["input"], branches, kept.branch_outputs, kept.gate_weights, gate, 0, 0.5
        )
        return {"input": found.grad_input}

    return Case({"input": (2, 4)}, run, back)


CASES = {
    "dense 1": dense(1, 1, 1, "tanh"),
    "dense odd": dense(3, 5, 7, "sigmoid"),
    "dense linear": dense(2, 4, 3, "linear"),
    "dense by input": dense(2, 4, 3, "gelu"),
    "dense kink": dense(2, 4, 3, "leaky_relu"),
    "conv2d": conv2d(1, 1, "tanh"),
    "conv2d stride": conv2d(2, 0, "softplus"),
    "conv2d linear": conv2d(2, 1, -1),
    "conv1d": conv1d("tanh"),
    "conv1d by input": conv1d("silu"),
    "rnn": rnn(2, 3, 4, 3),
    "rnn 1": rnn(1, 1, 1, 1),
    "lstm": lstm(2, 3, 4, 2),
    "attention": attention(2, 2, 2, 0.0, False, (3, 4)),
    "attention causal": attention(2, 1, 3, 100.0, True, (2, 3, 5)),
    "layer norm": layer_norm(),
    "rms norm": rms_norm(),
    "swiglu": swiglu(3, 4, 5),
    "embedding": embedding(),
    "residual": residual(),
    "softmax": softmax((3, 5), 0.7),
    "softmax vector": softmax((4,), 2.0),
    "softmax grid": softmax((2, 6), 1.5, (2, 3)),
    **{f"activate {name}": activation(name) for name in ACTIVATIONS},
    "sequential": sequential(),
    "parallel concat": parallel("concat"),
    "parallel add": parallel("add"),
    "parallel avg": parallel("avg"),
    "parallel filter": parallel("filter"),
    "filtered": filtered(),
}


def make_tensors(case, dtype="float64", seed=3):
    """Return tensors of random values for a case, away from kinks."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, shape in case.shapes.items():
        values = rng.uniform(0.2, 1.0, shape) * rng.choice([-1.0, 1.0], shape)
        made[name] = g.convert_tensor_float32_to_t(g.Tensor(values), dtype)
    return made
