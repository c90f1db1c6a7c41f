"""Networks that run tick by tick: what comes out when, and the gradients of that."""

import numpy as np
import pytest

from loom_core import BusyError, Dense, LayerNorm, LimitError, Network, ShapeError, SpecError
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.network import stepping
from tests.support.clock import set_clock
from tests.support.layer_stacks import STACKS, stack
from tests.support.simd_support import backend as simd
from tests.support.small_networks import mlp
from tests.support.weights import assert_same_arrays


def case(name, backend=NumpyBackend):
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    return Network.of(*layers, input_size=width, backend=backend()), width, outputs


@pytest.mark.parametrize("backend", [NumpyBackend, simd])
@pytest.mark.parametrize("name", STACKS)
def test_each_input_comes_out_after_as_many_ticks_as_there_are_layers(name, backend):
    network, width, outputs = case(name, backend)
    depth = network.total_layers()
    inputs = np.random.default_rng(3).uniform(0.2, 1.0, (depth + 3, 2 * width)).astype(np.float32)
    state = network.init_step_state(2 * width)
    for tick, x in enumerate(inputs):
        state.set_input(x)
        network.step_forward(state)
        assert state.get_step_count() == tick + 1
        if tick + 1 >= depth:
            arrived = inputs[tick + 1 - depth]
            expected = network.forward_cpu(arrived)
            np.testing.assert_allclose(state.get_output(), expected, rtol=1e-5, atol=1e-6)
            dy = np.linspace(-1, 1, 2 * outputs, dtype=np.float32)
            network.zero_gradients()
            dx = network.backward_cpu(dy)
            kernels = network.kernel_gradients()
            network.zero_gradients()
            np.testing.assert_array_equal(network.step_backward(state, dy), dx)
            assert_same_arrays(network.kernel_gradients(), kernels)


@pytest.mark.parametrize("name", ["transformer block", "layer norm skip", "swiglu skip"])
def test_layers_one_after_the_other_make_a_forward_pass(name, monkeypatch):
    network, width, _ = case(name)
    x = np.random.default_rng(4).standard_normal(width).astype(np.float32)
    state = network.init_step_state(width)
    state.set_input(x)
    for index in range(network.total_layers()):
        set_clock(monkeypatch, stepping, 10.0, 10.25)
        assert network.step_forward_single(state, index) == 0.25
    assert state.get_step_count() == 0
    np.testing.assert_allclose(state.get_output(), network.forward_cpu(x), rtol=1e-6)
    found = state.get_layer_data()
    for data, expected in zip(found, network.activations(), strict=True):
        np.testing.assert_allclose(data, expected, rtol=1e-6)


def test_an_input_flows_one_layer_a_tick():
    layers = [Dense(1, "linear", input_size=1) for _ in range(3)]
    for factor, layer in zip((2.0, 3.0, 5.0), layers, strict=True):
        layer.set_weights({"kernel": [factor], "bias": [0.0]})
    network = Network.of(*layers, input_size=1)
    state = network.init_step_state(1)
    state.set_input([1.0])
    seen = []
    for _ in range(4):
        network.step_forward(state)
        seen.append([state.get_layer_output(place)[0] for place in range(4)])
        state.set_input([10.0])
    assert seen == [[1, 2, 0, 0], [10, 20, 6, 0], [10, 20, 60, 30], [10, 20, 60, 300]]


def test_disabled_layers_take_a_tick_and_pass_on():
    network = mlp()
    network.layers[1].set_disabled(True)
    state = network.init_step_state(3)
    state.set_input([1.0, -1.0, 0.5])
    for _ in range(4):
        network.step_forward(state)
    np.testing.assert_allclose(state.get_output(), network.forward_cpu([1.0, -1.0, 0.5]), rtol=1e-6)
    np.testing.assert_array_equal(state.get_layer_output(2), state.get_layer_output(1))
    network.layers[1].set_disabled(False)
    for _ in range(4):
        network.step_forward(state)
    np.testing.assert_allclose(state.get_output(), network.forward_cpu([1.0, -1.0, 0.5]), rtol=1e-6)


def test_nothing_accumulates_under_a_constant_input():
    """Layers with a residual connection keep their value once it has arrived."""
    network = Network.of(
        Dense(4, "tanh", input_size=4),
        LayerNorm(skip_from=0),
        LayerNorm(skip_from=1),
        input_size=4,
    )
    state = network.init_step_state(4)
    state.set_input([1.0, 2.0, 3.0, -4.0])
    for _ in range(3):
        network.step_forward(state)
    arrived = state.get_output()
    for _ in range(50):
        network.step_forward(state)
    np.testing.assert_array_equal(state.get_output(), arrived)


def test_before_anything_came_through_the_gradients_are_zero():
    network = mlp()
    state = network.init_step_state(3)
    state.set_input([1.0, 1.0, 1.0])
    for _ in range(3):
        network.step_forward(state)
        np.testing.assert_array_equal(network.step_backward(state, [1.0, 1.0]), np.zeros(3))
    assert not any(gradient.any() for gradient in network.kernel_gradients())
    network.step_forward(state)
    assert network.step_backward(state, [1.0, 1.0]).any()


def test_what_a_state_gives_out_is_a_copy():
    network = mlp()
    state = network.init_step_state(3)
    x = np.ones(3, np.float32)
    state.set_input(x)
    x[:] = 9
    network.step_forward(state)
    for array in (state.get_output(), *state.get_layer_data()):
        array[:] = 7
    np.testing.assert_array_equal(state.get_layer_output(0), np.ones(3))
    network.forward_cpu(np.ones(3))
    np.testing.assert_allclose(state.get_layer_output(1), network.activations()[1], rtol=1e-6)


def test_wrong_sizes_and_places_are_typed_errors(monkeypatch):
    network = mlp()
    with pytest.raises(ShapeError, match="step state has 4 numbers, expected a multiple of 3"):
        network.init_step_state(4)
    for size in (0, 2.0, "2", True):
        with pytest.raises(SpecError, match="input_size must be a whole number of at least 1"):
            network.init_step_state(size)
    state = network.init_step_state(6)
    with pytest.raises(ShapeError, match="has 3 numbers, the step state was made for 6"):
        state.set_input([1.0, 2.0, 3.0])
    with pytest.raises(SpecError, match="no place 5"):
        state.get_layer_output(5)
    with pytest.raises(SpecError, match="no layer 4"):
        network.step_forward_single(state, 4)
    for index in (-1, 1.5, True, "1"):
        with pytest.raises(SpecError, match="layer_idx must be a whole number of at least 0"):
            network.step_forward_single(state, index)
        with pytest.raises(SpecError, match="layer_idx must be a whole number of at least 0"):
            state.get_layer_output(index)
    with pytest.raises(ShapeError, match="has 3 numbers, the output 4"):
        network.step_backward(state, [1.0, 1.0, 1.0])
    with pytest.raises(ShapeError, match="of 4 layers, the network has 1"):
        Network.of(Dense(2, input_size=3), input_size=3).step_forward(state)
    network.set_layer(0, 0, 3, Dense(3, input_size=4))
    with pytest.raises(ShapeError, match=r"layer 3 gives \(2, 3\), .* room for \(2, 2\)"):
        network.step_forward(state)
    monkeypatch.setattr("loom_core.limits.PLAN_BYTES", 1000)
    with pytest.raises(LimitError, match="memory of a step state"):
        network.init_step_state(300)


def test_a_training_network_refuses_a_backward_step():
    network = mlp()
    state = network.init_step_state(3)
    with network.control.training(), pytest.raises(BusyError, match="the network is training"):
        network.step_backward(state, [1.0, 1.0])


def test_an_input_larger_than_any_memory_is_refused():
    with pytest.raises(LimitError, match="the input of a step state"):
        mlp().init_step_state(2**52)
