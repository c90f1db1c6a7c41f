"""Gradients of layers, alone and stacked, through both losses, against finite differences."""

import numpy as np
import pytest
from finite_differences import check_layers

from loom_core import Conv2D, Dense, Softmax
from loom_core.activations import ACTIVATIONS
from loom_core.random_stream import RandomStream


def stack(*layers, width):
    """Complete, initialise and return layers for inputs of a width."""
    shape = (width,)
    for number, layer in enumerate(layers):
        layer.complete(shape)
        shape = layer.output_shape(shape)
        layer.initialize(RandomStream(5, number))
        for name, weight in layer.weights.items():
            if name == "bias":  # zero biases put inputs of zero on a kink
                weight[...] = RandomStream(6, number).uniform(weight.shape, 0.3)
    return list(layers), int(np.prod(shape))


IMAGE = {"input_channels": 2, "input_height": 5, "input_width": 4}
STACKS = {
    "dense 1": (lambda: [Dense(1, 1, "tanh")], 1),
    "dense odd": (lambda: [Dense(7, 5, "sigmoid"), Dense(5, 3, "linear")], 7),
    **{
        f"dense {name}": ((lambda name=name: [Dense(3, 4, name), Dense(4, 2, "tanh")]), 3)
        for name in ACTIVATIONS
    },
    "bare activation": (lambda: [Dense(activation="softplus"), Dense(3, 2, "linear")], 3),
    "conv": (lambda: [Conv2D(3, 3, 1, 1, "leaky_relu", **IMAGE), Dense(None, 2, "linear")], 40),
    "conv stride": (lambda: [Conv2D(2, 2, 2, 1, "tanh", **IMAGE)], 40),
    "conv conv": (lambda: [Conv2D(2, 3, 1, 1, "tanh", **IMAGE), Conv2D(3, 2, 2, 0, "tanh")], 40),
    "softmax last": (lambda: [Dense(4, 3, "tanh"), Softmax(0.7)], 4),
    "softmax inside": (lambda: [Softmax(), Dense(4, 3, "sigmoid")], 4),
    "softmax over batch": (lambda: [Dense(4, 3, "tanh"), Softmax(over_batch=True)], 4),
    "padded dense": (lambda: [Dense(3, 4, "tanh"), Dense(6, 2, "tanh", input_fit="pad")], 3),
}


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("name", STACKS)
def test_gradients_equal_finite_differences(name, loss):
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    rng = np.random.default_rng(11)
    x = rng.uniform(0.2, 1.0, (3, width)) * rng.choice([-1.0, 1.0], (3, width))
    target = rng.uniform(0.0, 1.0, (3, outputs))
    if loss == "cross_entropy" and not name.startswith("softmax"):
        layers.append(Softmax())  # probabilities in, as the loss wants
    check_layers(layers, x, loss, target)
