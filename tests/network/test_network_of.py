"""Networks of layers that follow each other: what they are, and what is said of mistakes."""

import traceback

import numpy as np
import pytest

from loom_core import (
    LSTM,
    BackendError,
    Conv2D,
    Dense,
    LimitError,
    Network,
    Parallel,
    Sequential,
    ShapeError,
    Softmax,
    SpecError,
    limits,
)


def test_a_chain_is_the_grid_of_one_cell_that_holds_its_layers():
    chain = Network.of(
        Dense(8, "tanh"), Dense(3, "linear"), Softmax(),
        input_size=2, seed=5, batch_size=4, model_id="m", backend="numpy",
    )  # fmt: skip
    grid = Network(2, 1, 1, 3, seed=5, batch_size=4, model_id="m", backend="numpy")
    for place, layer in enumerate([Dense(8, "tanh"), Dense(3, "linear"), Softmax()]):
        grid.set_layer(0, 0, place, layer)
    assert chain.save_model_to_string("m") == grid.save_model_to_string("m")
    assert chain.backend_report() == grid.backend_report()
    assert (chain.seed, chain.batch_size, chain.model_id) == (5, 4, "m")
    x = np.random.default_rng(0).standard_normal((5, 2))
    np.testing.assert_array_equal(chain.forward_cpu(x), grid.forward_cpu(x))


def test_sizes_are_inferred_when_the_network_is_made():
    image = {"input_channels": 1, "input_height": 6, "input_width": 6}
    network = Network.of(Conv2D(4, 3, **image), Dense(5), Dense(2))
    assert network.get_network_info()["InputSize"] == 36
    assert [layer.weight_shapes()["kernel"] for layer in network.layers[1:]] == [(64, 5), (5, 2)]
    assert Network.of(Dense(), Softmax()).forward_cpu([1.0, 2.0, 3.0]).shape == (3,)


def test_the_layers_are_the_ones_that_were_given_and_a_layer_given_twice_is_shared():
    layer = Dense(2, "linear", input_size=2)
    layer.set_weights({"kernel": [1.0, 2.0, 3.0, 4.0], "bias": [0.0, 0.0]})
    network = Network.of(layer, layer, input_size=2, backend="numpy")
    assert network.layers == [layer, layer]
    np.testing.assert_array_equal(network.forward_cpu([1.0, 0.0]), [7.0, 10.0])  # [1, 0] W W


def test_a_subclass_makes_its_own_kind():
    class Named(Network):
        pass

    assert type(Named.of(Dense(1), input_size=1)) is Named


@pytest.mark.parametrize(
    ("make", "error", "message", "hint"),
    [
        (lambda: Network.of(), SpecError, "a network needs at least one layer", ""),
        (lambda: Network.of(input_size=2), SpecError, "a network needs at least one layer", ""),
        (
            lambda: Network.of(Dense(2), Softmax, input_size=2),
            SpecError, "layer 1 of a network must be a layer, got the class Softmax",
            "Softmax(...)",
        ),
        (
            lambda: Network.of([Dense(8), Dense(1)], input_size=2),
            SpecError, "takes layers one by one, got a list", "Network.of(*layers, input_size=...)",
        ),
        (
            lambda: Network.of(Dense(2), [Dense(8), Dense(1)], input_size=2),
            SpecError, "layer 1 of a network must be a layer, got a list", "Sequential",
        ),
        (
            lambda: Network.of("dense", input_size=2),
            SpecError, "layer 0 of a network must be a layer, got 'dense'", "Dense(8",
        ),
        (
            lambda: Network.of(2, Dense(8)),
            SpecError, "layer 0 of a network must be a layer, got 2", "Dense(2)",
        ),
        (
            lambda: Network.of(np.tanh, input_size=2),
            SpecError, "layer 0 of a network must be a layer, got a function", "Dense(8",
        ),
        (
            lambda: Network.of(Dense(8), Dense(1)),
            ShapeError, "cell (0, 0) layer 0 dense: dense needs an input size", "to the network",
        ),
        (
            lambda: Network.of(Dense(8), Dense(1, input_size=7), input_size=2),
            ShapeError, "layer 1 dense: dense expects 7 inputs (7 -> 1), but receives 8", "sizes",
        ),
        (lambda: Network.of(Dense(8), input_size="2"), SpecError, "input_size must be a whole", ""),
        (lambda: Network.of(Dense(8), input_size=0), SpecError, "input_size must be a whole", ""),
        (lambda: Network.of(Dense(8), input_size=2, seed=0.5), SpecError, "seed must be", ""),
        (lambda: Network.of(Dense(8), input_size=2, batch_size=0), SpecError, "batch_size", ""),
        (
            lambda: Network.of(Dense(8), input_size=2, backend="gpu"),
            SpecError, "no backend 'gpu'", '"webgpu"',
        ),
        (
            lambda: Network.of(*[Dense()] * (limits.LAYERS + 1)),
            LimitError, "the number of layers", "",
        ),
        (lambda: Network(2, 1, 1, "3"), SpecError, "layers_per_cell must be a whole", ""),
        (
            lambda: Network(2, 1, 1, 1).set_layer(0, 0, 0, Dense),
            SpecError, "cell (0, 0) layer 0 must be a layer, got the class Dense", "Dense(...)",
        ),
        (
            lambda: Sequential(Dense(8)),
            SpecError, "sequential takes a list of layers, got Dense", "brackets",
        ),
        (lambda: Sequential([]), SpecError, "sequential needs at least one layer", ""),
        (
            lambda: Parallel([Dense(2), LSTM]),
            SpecError, "layer 1 of parallel must be a layer, got the class LSTM", "LSTM(...)",
        ),
        (
            lambda: Parallel([Dense(2)], "filter", gate=3),
            SpecError, "the gate must be a layer, got 3", "Dense(3)",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_said_in_one_clear_error(make, error, message, hint):
    with pytest.raises(error) as found:
        make()
    assert message in str(found.value)
    assert hint in found.value.hint


def test_python_shows_the_hint_below_the_message():
    with pytest.raises(ShapeError) as found:
        Network.of(Dense(8))
    shown = traceback.format_exception_only(found.value)
    assert "dense needs an input size" in shown[0]
    assert shown[1:] == [f"{found.value.hint}\n"]
    assert not hasattr(BackendError("no hint"), "__notes__")
