"""The weights of layers and networks, to be compared."""

import math

import numpy as np


def arrays_of(layer):
    """Copies of every weight of a layer and inside it, found without its own counting."""
    yield from layer.copied_weights().values()
    for child in layer.children:
        yield from arrays_of(child)


def copied_weights(network):
    """Copies of every weight of a network, those of frozen layers and of children included."""
    return [weight for layer in network.layers for weight in arrays_of(layer)]


def weights_of(layers):
    """The arrays that training changes, children's included, themselves: no copies."""
    return [owner.weights[name] for layer in layers for owner, name in layer.trained_weights()]


def norm64(arrays):
    """The Euclidean norm of all numbers of some arrays, summed in float64."""
    return math.sqrt(sum(float((array.astype(np.float64) ** 2).sum()) for array in arrays))


def assert_same_arrays(found, expected):
    """Compare arrays in their order, bit for bit."""
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def same_arrays(found, expected):
    """Whether arrays are equal in their order, number by number."""
    return all((a == b).all() for a, b in zip(found, expected, strict=True))
