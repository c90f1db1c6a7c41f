"""Gradients of layers, alone and stacked, through both losses, against finite differences."""

import numpy as np
import pytest

from loom_core import (
    Dense,
    Embedding,
    Softmax,
)
from loom_core.layers import LAYER_TYPES
from loom_core.layers.chain import complete_chain
from loom_core.layers.softmax_variants import VARIANTS
from tests.support.finite_differences import check_layers
from tests.support.layer_stacks import STACKS, stack

# A probability that is exactly zero sits where cross-entropy changes to its tangent: a kink.
WITH_ZEROS = {"softmax masked", "softmax sparse", "softmax entmax"}
PAIRS = [(name, "mse") for name in STACKS]
PAIRS += [(name, "cross_entropy") for name in STACKS if name not in WITH_ZEROS]


@pytest.mark.parametrize(("name", "loss"), PAIRS)
def test_gradients_equal_finite_differences(name, loss):
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    rng = np.random.default_rng(11)
    x = rng.uniform(0.2, 1.0, (3, width)) * rng.choice([-1.0, 1.0], (3, width))
    target = rng.uniform(0.0, 1.0, (3, outputs))
    if loss == "cross_entropy" and not name.startswith("softmax"):
        layers.append(Softmax())  # probabilities in, as the loss wants
    check_layers(layers, x, loss, target)


IN_TRAINING = ["dropout", "softmax gumbel", *(name for name in STACKS if "batch norm" in name)]


@pytest.mark.parametrize("name", IN_TRAINING)
def test_gradients_in_training_equal_finite_differences(name):
    """Of layers that do something else there: with noise, with statistics of the batch."""
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    rng = np.random.default_rng(11)
    x, target = rng.uniform(-1, 1, (3, width)), rng.uniform(0, 1, (3, outputs))
    check_layers(layers, x, "mse", target, training=True)


def test_every_layer_type_and_softmax_variant_is_checked():
    def types(layers):
        for layer in layers:
            yield layer.type_name
            yield from types(layer.children)

    made = [layer for make, _ in STACKS.values() for layer in make()]
    assert set(types(made)) | {"embedding"} == {layer.type_name for layer in LAYER_TYPES}
    variants = {layer.variant for layer in made if isinstance(layer, Softmax)}
    assert variants | {"temperature"} == set(VARIANTS)


def test_embedding_tables_get_their_gradients():
    """The table's gradient is a scatter; that of the numbers is zero, as they are truncated."""
    layers = [Embedding(5, 3), Dense(2, "tanh", input_size=3)]
    complete_chain(layers, (4,), str)
    for number, layer in enumerate(layers):
        layer.initialize(5, number)
    ids = np.array([[0.4, 3.3, 3.9, 1.9], [4.1, 7.5, -1.5, -0.5]])  # no whole number near
    check_layers(layers, ids, "mse", np.random.default_rng(1).uniform(0, 1, (2, 8)))
