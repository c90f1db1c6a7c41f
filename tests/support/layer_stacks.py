"""One list of layers, alone and stacked, that gradients, backends and saving are tried on."""

import numpy as np

from loom_core import (
    GRU,
    LSTM,
    RNN,
    AvgPool2D,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    GridPosition,
    LayerNorm,
    MaxPool2D,
    MultiHeadAttention,
    Parallel,
    Residual,
    RMSNorm,
    Sequential,
    Softmax,
    SwiGLU,
)
from loom_core.activations import ACTIVATIONS
from loom_core.layers import LAYER_TYPES, LOOM_LAYER_TYPES
from loom_core.layers.chain import complete_chain
from loom_core.random_stream import RandomStream


def stack(*layers, width):
    """Complete, initialise and return layers for inputs of a width, no weight on a kink."""
    shape = complete_chain(layers, (width,), str)[-1]
    for number, layer in enumerate(layers):
        layer.initialize(5, number)
        for count, (owner, name) in enumerate(layer.trained_weights()):
            if "bias" in name or name == "gain":
                weight = owner.weights[name]
                weight += RandomStream(6, number, count).uniform(weight.shape, 0.3)
    return list(layers), int(np.prod(shape))


IMAGE = {"input_channels": 2, "input_height": 5, "input_width": 4}
STACKS = {
    "dense 1": (lambda: [Dense(1, "tanh", input_size=1)], 1),
    "dense odd": (lambda: [Dense(5, "sigmoid", input_size=7), Dense(3, "linear", input_size=5)], 7),
    **{
        f"dense {name}": (
            (lambda name=name: [Dense(4, name, input_size=3), Dense(2, "tanh", input_size=4)]),
            3,
        )
        for name in ACTIVATIONS
    },
    **{
        f"conv {name}": (lambda name=name: [Conv2D(2, 2, 1, 0, name, **IMAGE)], 40)
        for name in ACTIVATIONS
    },
    "bare activation": (
        lambda: [Dense(activation="softplus"), Dense(2, "linear", input_size=3)],
        3,
    ),
    "conv": (lambda: [Conv2D(3, 3, 1, 1, "leaky_relu", **IMAGE), Dense(2, "linear")], 40),
    "conv stride": (lambda: [Conv2D(2, 2, 2, 1, "tanh", **IMAGE)], 40),
    "conv conv": (lambda: [Conv2D(2, 3, 1, 1, "tanh", **IMAGE), Conv2D(3, 2, 2, 0, "tanh")], 40),
    "max pool": (lambda: [Conv2D(3, 3, 1, 1, "tanh", **IMAGE), MaxPool2D(2), Dense(2)], 40),
    "max pool over": (lambda: [MaxPool2D(3, 2, 1, **IMAGE)], 40),
    "max pool global": (lambda: [MaxPool2D("global", **IMAGE), Dense(2, "linear")], 40),
    "avg pool": (lambda: [AvgPool2D(2, **IMAGE), Conv2D(2, 2, activation="tanh")], 40),
    "avg pool over": (lambda: [AvgPool2D(3, 1, 1, **IMAGE)], 40),
    "avg pool global": (lambda: [Conv2D(3, 2, 1, 0, "tanh", **IMAGE), AvgPool2D("global")], 40),
    "softmax last": (lambda: [Dense(3, "tanh", input_size=4), Softmax(0.7)], 4),
    "softmax inside": (lambda: [Softmax(), Dense(3, "sigmoid", input_size=4)], 4),
    "softmax over batch": (lambda: [Dense(3, "tanh", input_size=4), Softmax(over_batch=True)], 4),
    "padded dense": (
        lambda: [Dense(4, "tanh", input_size=3), Dense(2, "tanh", input_size=6, input_fit="pad")],
        3,
    ),
    "cut dense": (
        lambda: [Dense(4, "tanh", input_size=3), Dense(2, "tanh", input_size=3, input_fit="pad")],
        3,
    ),
    "conv1d": (lambda: [Conv1D(3, 3, 2, 1, "tanh", input_channels=2), Conv1D(2, 2)], 10),
    "conv1d 1": (lambda: [Conv1D(1, 1, activation="linear")], 1),
    "rnn": (lambda: [RNN(3, 2), Dense(2, "linear")], 10),
    "rnn 1": (lambda: [RNN(1, 1)], 1),
    "lstm": (lambda: [LSTM(3, 2), Dense(2, "linear")], 10),
    "lstm lstm": (lambda: [LSTM(2, 3), LSTM(3)], 6),
    "gru": (lambda: [GRU(3, 2), Dense(2, "linear")], 10),
    "gru gru": (lambda: [GRU(2, 3), GRU(3)], 6),
    "layer norm": (lambda: [LayerNorm(3), Dense(2, "tanh")], 6),
    "layer norm first groups": (lambda: [LayerNorm(3, first_groups_only=True)], 6),
    "layer norm skip": (lambda: [Dense(4, "tanh", input_size=4), LayerNorm(skip_from=0)], 4),
    "rms norm": (lambda: [RMSNorm(2, 0.1), Dense(2, "tanh")], 6),
    "residual": (
        lambda: [
            Dense(3, "tanh", input_size=3),
            Residual(),
            Dense(3, "tanh", input_size=3),
            Residual(3),
        ],
        3,
    ),
    "swiglu": (lambda: [SwiGLU(5, 3)], 6),
    "swiglu skip": (lambda: [Dense(4, "tanh", input_size=4), SwiGLU(3, skip_from=0)], 4),
    "batch norm": (
        lambda: [Dense(4, "tanh", input_size=3), BatchNorm(), Dense(2, "tanh", input_size=4)],
        3,
    ),
    "batch norm images": (
        lambda: [Conv2D(3, 2, 1, 0, "linear", **IMAGE), BatchNorm(epsilon=0.01), Dense(2, "tanh")],
        40,
    ),
    "batch norm sequences": (
        lambda: [Conv1D(3, 3, 2, 1, "tanh", input_channels=2), BatchNorm(3, momentum=0.5)],
        10,
    ),
    "batch norm inside": (
        lambda: [Sequential([Dense(3, "tanh", input_size=4), Parallel([BatchNorm(), RMSNorm()])])],
        4,
    ),
    "dropout": (
        lambda: [Dense(4, "tanh", input_size=3), Dropout(0.4), Dense(2, "tanh", input_size=4)],
        3,
    ),
    "attention 1": (lambda: [MultiHeadAttention(1, 1)], 1),
    "attention": (lambda: [MultiHeadAttention(2, 4)], 12),
    "attention causal rope": (
        lambda: [MultiHeadAttention(3, 6, causal=True, rope_theta=100.0, head_dim=3)],
        18,
    ),
    "attention grouped": (
        lambda: [MultiHeadAttention(4, 8, num_kv_heads=2, causal=True, skip_from=0)],
        16,
    ),
    "attention over batch": (lambda: [MultiHeadAttention(2, 4, over_batch=True)], 8),
    "attention bias only": (lambda: [MultiHeadAttention(2, 4, bias_only=True)], 8),
    "transformer block": (
        lambda: [
            RMSNorm(4),
            MultiHeadAttention(2, causal=True, rope_theta=1e4),
            Residual(2),
            RMSNorm(),
            SwiGLU(6),
            Residual(2),
            Dense(2, "linear", input_size=4),
        ],
        12,
    ),
    "sequential": (
        lambda: [
            Sequential(
                [Dense(3, "tanh", input_size=3), Residual(), Sequential([RMSNorm(), SwiGLU(2)])]
            )
        ],
        3,
    ),
    "parallel concat": (
        lambda: [Parallel([Dense(2, "tanh", input_size=4), LSTM(3, 2), Softmax()])],
        4,
    ),
    "parallel concat by branch": (
        lambda: [
            Parallel(
                [Dense(2, "tanh", input_size=4), Dense(3, "tanh", input_size=4)],
                concat_by_branch=True,
            )
        ],
        4,
    ),
    "parallel add": (
        lambda: [
            Parallel([Dense(3, "tanh", input_size=4), Dense(3, "sigmoid", input_size=4)], "add")
        ],
        4,
    ),
    "parallel avg": (lambda: [Parallel([RMSNorm(4), LayerNorm(4), SwiGLU(3, 4)], "avg")], 4),
    "parallel scatter": (
        lambda: [
            Parallel(
                [Dense(3, "tanh", input_size=4), RNN(2, 2), Dense(1, "tanh", input_size=4)],
                "grid_scatter",
                grid_positions=[
                    GridPosition(0, 1, 1),
                    GridPosition(1, 0, 0),
                    GridPosition(2, 1, 0),
                ],
                grid_shape=(2, 2, 1),
            )
        ],
        4,
    ),
    "parallel filter": (
        lambda: [
            Parallel(
                [Dense(3, "tanh", input_size=4), Dense(2, "tanh", input_size=4)],
                "filter",
                gate=Dense(2, "linear", input_size=4),
                gate_softmax=Softmax(0.5),
            )
        ],
        4,
    ),
    "parallel filter, deep gate": (
        lambda: [
            Parallel(
                [Dense(3, "tanh", input_size=4), MultiHeadAttention(2, 4), LSTM(3, 4)],
                "filter",
                gate=Sequential([RNN(2, 2), Dense(3, "linear")]),
                gate_softmax=Softmax(variant="entmax", alpha=1.5),
            )
        ],
        4,
    ),
    "parallel filter without gate": (
        lambda: [
            Parallel([Dense(3, "tanh", input_size=4), Dense(1, "tanh", input_size=4)], "filter")
        ],
        4,
    ),
    "parallel nested": (
        lambda: [
            Parallel(
                [
                    Parallel(
                        [
                            Dense(2, "tanh", input_size=4),
                            Parallel([Dense(1, "tanh", input_size=4)]),
                        ],
                        "concat",
                    ),
                    Sequential([Conv1D(2, 3, padding=1, activation="tanh"), Dense(3)]),
                ],
                "add",
            )
        ],
        4,
    ),
    "disabled child": (
        lambda: [Parallel([Dense(3, "tanh", input_size=3, disabled=True), RMSNorm(3)])],
        3,
    ),
    "softmax grid": (lambda: [Softmax(0.5, variant="grid", rows=2, cols=3)], 6),
    "softmax hierarchical": (lambda: [Softmax(variant="hierarchical", levels=[2, 3])], 6),
    "softmax hierarchical deep": (
        lambda: [Softmax(2.0, variant="hierarchical", levels=[2, 1, 3])],
        6,
    ),
    "softmax hierarchical nodes": (lambda: [Softmax(variant="hierarchical", levels=[2, 3])], 8),
    "softmax gumbel": (lambda: [Softmax(0.7, variant="gumbel")], 5),
    "softmax masked": (lambda: [Softmax(variant="masked", mask=[True, False, True, True])], 4),
    "softmax all masked": (lambda: [Softmax(variant="masked", mask=[False] * 3)], 3),
    "softmax sparse": (
        lambda: [Dense(4, "linear", input_size=4), Softmax(3.0, variant="sparse")],
        4,
    ),
    "softmax entmax": (lambda: [Softmax(variant="entmax", alpha=1.5)], 5),
    "softmax entmax 1": (lambda: [Softmax(variant="entmax", alpha=1.0)], 5),
    "softmax adaptive": (lambda: [Softmax(variant="adaptive", clusters=[[3, 0], [1], [4, 2]])], 5),
    "softmax mixture": (lambda: [Softmax(variant="mixture", mixture_weights=[1, 3])], 6),
}
"""Functions that make layers anew, and the width of their inputs."""


def settings_of_newer_types():
    """Return the settings in the stacks of each layer type that Loom does not have, by its name."""
    newer = [kind for kind in LAYER_TYPES if kind not in LOOM_LAYER_TYPES]
    found = {kind.type_name: [] for kind in newer}
    layers = [layer for make, width in STACKS.values() for layer in stack(*make(), width=width)[0]]
    while layers:
        layer = layers.pop(0)
        layers += layer.children
        if type(layer) in newer:
            found[layer.type_name].append(layer.settings())
    return found
