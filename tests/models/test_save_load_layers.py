"""Every layer type, alone and nested, comes back from its string exactly."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import loom_core
from loom_core import Network, TrainingConfig, TrainingData
from loom_core.layers import Embedding
from tests.support.layer_stacks import STACKS, stack


def assert_comes_back(network, x):
    text = network.save_model_to_string("m")
    loaded = loom_core.load_model_from_string(text, "m")
    assert loaded.save_model_to_string("m") == text
    np.testing.assert_array_equal(loaded.forward_cpu(x), network.forward_cpu(x))
    assert loaded.get_total_parameters() == network.get_total_parameters()
    for before, after in zip(network.layers, loaded.layers, strict=True):
        assert before.flags() == after.flags()


@pytest.mark.parametrize("name", STACKS)
def test_save_load_save(name):
    make, width = STACKS[name]
    layers, _ = stack(*make(), width=width)
    x = np.random.default_rng(1).standard_normal((3, width)).astype(np.float32)
    assert_comes_back(Network.of(*layers, input_size=width, seed=3), x)


def test_embeddings_come_back():
    network = Network.of(Embedding(9, 3), input_size=4, seed=3)
    assert_comes_back(network, np.array([[0, 8, 3, 1]], np.float32))


@pytest.mark.parametrize("flag", ["frozen", "disabled"])
def test_flags_come_back_inside_other_layers(flag):
    make, width = STACKS["parallel nested"]
    layers, _ = stack(*make(), width=width)
    network = Network.of(*layers, input_size=width, seed=3)
    inner = layers[0].branches[1].children[0] if flag == "frozen" else layers[0].branches[0]
    setattr(inner, flag, True)
    if flag == "disabled":
        layers[0].branches[1].children[-1].disabled = True
    if flag == "frozen":
        assert_comes_back(network, np.ones((2, width), np.float32))
    else:
        with pytest.raises(loom_core.ShapeError, match="equal width"):
            network.save_model_to_string("m")


CHAINABLE = [name for name in STACKS if STACKS[name][1] == 4 and "sparse" not in name]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(CHAINABLE), min_size=1, max_size=3), st.integers(0, 2**40))
def test_random_networks_train_a_step_and_come_back(names, seed):
    """Stacks in a row, each behind a Dense layer of its width: built, trained, saved, loaded."""
    layers = []
    for name in names:
        layers += [loom_core.Dense(4, "tanh"), *STACKS[name][0]()]
    for layer in layers:
        layer.skip_from = None  # it counts from the start of a chain that is another now
    network = Network.of(*layers, input_size=5, seed=3)
    network.initialize_weights(seed)
    x = np.random.default_rng(seed).uniform(-1, 1, (4, 5)).astype(np.float32)
    before = [
        w.copy() for layer in layers for o, n in layer.trained_weights() for w in [o.weights[n]]
    ]
    width = network.output_width(5)
    network.train(
        TrainingData(x, np.ones((4, width), np.float32), batch_size=4),
        TrainingConfig(epochs=1, learning_rate=0.1),
    )
    after = [o.weights[n] for layer in layers for o, n in layer.trained_weights()]
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    assert all(np.isfinite(w).all() for w in after)
    assert_comes_back(network, x)
