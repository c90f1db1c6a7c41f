"""Networks for the tests of what can be seen inside them, and their layers run one by one."""

import numpy as np

from loom_core import (
    LSTM,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    LayerNorm,
    LayerObserver,
    MultiHeadAttention,
    Network,
    Parallel,
    Residual,
    RMSNorm,
    Sequential,
    Softmax,
    SwiGLU,
)


def network_of(*layers, rows=1, cols=1, input_size=None, **options):
    """A grid with these layers in their order."""
    per_cell = len(layers) // (rows * cols)
    network = Network(input_size, rows, cols, per_cell, seed=3, **options)
    for index, layer in enumerate(layers):
        network.set_layer(*network.place(index), layer)
    return network


def guide_network():
    """A grid of 2 x 3 cells of 2 layers, as the guide's blueprint has it, only smaller."""
    sizes = [16, 12, 8, 8, 8, 8, 8, 8, 8, 8, 8, 6]
    layers = [Dense(size, "tanh") for size in sizes[:-1]] + [Softmax()]
    return network_of(*layers, rows=2, cols=3, input_size=20)


def guide_inputs(count=4, width=20):
    """Samples, for that network or a narrower one."""
    return np.random.default_rng(5).normal(size=(count, width)).astype(np.float32)


def digits_cnn(**options):
    """Two convolutions with 8 and 16 filters over 28 x 28 pixels, then a classifier."""
    return network_of(
        Conv2D(8, 3, 2, 1, "relu", input_channels=1, input_height=28, input_width=28),
        Conv2D(16, 3, 2, 1, "relu", input_channels=8, input_height=14, input_width=14),
        Dense(10, "linear"),
        Softmax(),
        **options,
    )


def nested_network(**options):
    """Branches, children and a gate, two levels deep, with a residual connection behind."""
    inner = Sequential([Dense(6, "relu"), LayerNorm()])
    branches = [Dense(6, "tanh"), inner, Parallel([Dense(2), Dense(4)])]
    return network_of(
        Dense(6, "sigmoid", input_size=5),
        Parallel(branches, "filter", gate=Dense(3, "linear")),
        Residual(),
        Dense(4, "linear"),
        **options,
    )


def every_layer_type(**options):
    """Networks that hold every layer type among them."""
    image = Conv2D(3, 3, 1, 1, "relu", input_channels=2, input_height=4, input_width=5)
    return {
        "images": network_of(image, RMSNorm(), Dense(3), Softmax(), **options),
        "tokens": network_of(
            Embedding(11, 8, input_length=6),
            MultiHeadAttention(4, num_kv_heads=2),
            SwiGLU(12),
            LSTM(5),
            Dense(2),
            **options,
        ),
        "sequence": network_of(
            Conv1D(4, 3, 1, 1, "tanh", input_channels=2, input_length=7),
            Dense(3),
            **options,
        ),
        "nested": nested_network(**options),
    }


def outputs_one_by_one(network, x):
    """What each layer gives, from single-layer networks with the same weights."""
    outputs = []
    trail = [x]
    for index, layer in enumerate(network.layers):
        alone = Network(trail[-1].shape[1], 1, 1, 1, backend="numpy")
        alone.layers[0] = layer if not isinstance(layer, Residual) else Dense(activation="linear")
        y = alone.forward_cpu(trail[-1])
        if isinstance(layer, Residual):
            y = y + trail[layer.skip_source(index)]
        outputs.append(y)
        trail.append(y)
    return outputs


class Collector(LayerObserver):
    """Keeps every event in a list."""

    def __init__(self, values_kept=0):
        self.values_kept = values_kept
        self.forward, self.backward, self.training = [], [], []

    def on_forward(self, event):
        self.forward.append(event)

    def on_backward(self, event):
        self.backward.append(event)

    def on_training_event(self, event):
        self.training.append(event)
