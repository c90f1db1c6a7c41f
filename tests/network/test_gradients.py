"""BackwardCPU, and the gradients that it leaves behind."""

import numpy as np
import pytest

from loom_core import (
    BusyError,
    Dense,
    Embedding,
    Network,
    Parallel,
    ShapeError,
    Softmax,
    SpecError,
)
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.optimize.trained_weights import trained_weights
from loom_core.plans.gradient_graph import gradient_plan
from loom_core.plans.gradient_sums import GradientSums
from tests.support.finite_differences import assert_close_to_differences
from tests.support.layer_stacks import STACKS, stack
from tests.support.simd_support import backend as simd
from tests.support.small_networks import mlp


def in_float64(layers):
    for layer in layers:
        for name, weight in layer.weights.items():
            layer._weights[name] = weight.astype(np.float64)
        in_float64(layer.children)


@pytest.mark.parametrize("name", STACKS)
def test_gradients_equal_finite_differences(name):
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    in_float64(layers)
    rng = np.random.default_rng(11)
    x = rng.uniform(0.2, 1.0, (3, width)) * rng.choice([-1.0, 1.0], (3, width))
    dy = rng.standard_normal((3, outputs))
    sums = GradientSums()
    program = NumpyBackend().prepare(gradient_plan(layers, 3, width, sums, np.float64))

    def run():
        program.write("input", x)
        program.write("output_gradient", dy)
        program.run()
        return float(np.sum(program.read("output") * dy))

    run()
    arrays = {weight.place: weight.array for weight in trained_weights(layers)}
    found = {key: sums.of(weight).copy() for key, weight in arrays.items()}
    found["x"] = program.read("input_gradient")
    assert_close_to_differences(run, arrays | {"x": x}, found)


@pytest.mark.parametrize("backend", [NumpyBackend, simd])
@pytest.mark.parametrize("name", STACKS)
def test_backward_cpu_gives_the_gradients_of_float64(name, backend):
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    network = Network.of(*layers, input_size=width, backend=backend())
    rng = np.random.default_rng(12)
    x = rng.uniform(0.2, 1.0, (3, width)).astype(np.float32)
    dy = rng.standard_normal((3, outputs)).astype(np.float32)
    network.forward_cpu(x)
    dx = network.backward_cpu(dy)
    found = [*network.kernel_gradients(), *network.bias_gradients()]
    sums = GradientSums()
    in_float64(layers)
    exact = NumpyBackend().prepare(gradient_plan(layers, 3, width, sums, np.float64))
    exact.write("input", x)
    exact.write("output_gradient", dy)
    exact.run()
    np.testing.assert_allclose(dx, exact.read("input_gradient"), rtol=1e-4, atol=1e-4)
    totals = [sums.of(weight.array).ravel() for weight in trained_weights(layers)]
    expected, given = (np.sort(np.concatenate([*arrays, [0.0]])) for arrays in (totals, found))
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-4)


def test_kernel_and_bias_gradients_stand_in_the_order_of_the_weights():
    layer = Dense(3, "linear", input_size=2)
    network = Network.of(
        layer, Parallel([Dense(1, input_size=3), Dense(1, input_size=3)], "add"), input_size=2
    )
    network.forward_cpu([2.0, 5.0])
    layer.set_weights({"kernel": np.ones(6), "bias": np.zeros(3)})
    network.layers[1].set_frozen(True)
    network.backward_cpu([1.0])
    kernels, biases = network.kernel_gradients(), network.bias_gradients()
    assert [k.size for k in kernels] == [6, 0]
    assert [b.size for b in biases] == [3, 0]
    np.testing.assert_allclose(kernels[0][:3] * 2.5, kernels[0][3:], rtol=1e-6)
    np.testing.assert_allclose(kernels[0][:3], 2 * biases[0], rtol=1e-6)
    network.layers[1].set_frozen(False)
    assert [k.size for k in network.kernel_gradients()] == [6, 6]


def test_gradients_add_up_until_they_are_zeroed():
    network = mlp()
    x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    network.forward_cpu(x)
    network.backward_cpu(np.ones((4, 2)))
    whole = network.kernel_gradients()
    network.zero_gradients()
    assert not any(gradient.any() for gradient in network.kernel_gradients())
    for row in x:
        network.forward_cpu(row)
        network.backward_cpu(np.ones(2))
    for total, part in zip(whole, network.kernel_gradients(), strict=True):
        np.testing.assert_allclose(total, part, rtol=1e-5, atol=1e-6)


def test_the_input_gradient_has_the_form_of_the_output_gradient():
    network = mlp()
    x = np.ones((2, 3), np.float32)
    assert network.forward_cpu(x).shape == (2, 2)
    assert network.backward_cpu(np.ones((2, 2))).shape == (2, 3)
    assert network.backward_cpu([1.0] * 4).shape == (6,)


def test_an_embedding_passes_no_gradient_on():
    network = Network.of(Embedding(5, 3), Dense(2, input_size=3), input_size=4)
    network.forward_cpu([0, 1, 4, 1])
    np.testing.assert_array_equal(network.backward_cpu(np.ones(8)), np.zeros(4))
    assert network.kernel_gradients()[0].reshape(5, 3)[[2, 3]].any() == np.False_


def test_activations_are_those_of_the_last_forward():
    network = mlp()
    x = np.array([0.5, -1.0, 2.0], np.float32)
    y = network.forward_cpu(x)
    found = network.activations()
    assert [a.size for a in found] == [3, 4, 4, 4, 2]
    np.testing.assert_array_equal(found[0], x)
    np.testing.assert_array_equal(found[-1], y)
    np.testing.assert_allclose(found[3], found[2] + found[1], rtol=1e-6)


def test_the_input_is_remembered_by_value():
    network = mlp()
    x = np.array([0.5, -1.0, 2.0], np.float32)
    network.forward_cpu(x)
    expected = network.backward_cpu([1.0, 1.0])
    x[:] = 7.0
    np.testing.assert_array_equal(network.backward_cpu([1.0, 1.0]), expected)


def test_backward_needs_a_forward_and_a_gradient_that_fits():
    network = mlp()
    for call in (lambda: network.backward_cpu([1.0, 1.0]), network.activations):
        with pytest.raises(SpecError, match="no forward pass") as caught:
            call()
        assert caught.value.hint == "Call ForwardCPU first."
    network.forward_cpu([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match=r"has 3 numbers, the output of 1 samples has 1 x 2"):
        network.backward_cpu([1.0, 1.0, 1.0])
    with pytest.raises(SpecError, match="holds text"):
        network.backward_cpu(["a", "b"])
    network.set_layer(0, 0, 3, Softmax())
    with pytest.raises(SpecError, match="no forward pass"):
        network.backward_cpu([1.0, 1.0])


def test_a_training_network_refuses_backward():
    network = mlp()
    network.forward_cpu([1.0, 2.0, 3.0])
    with network.control.training():
        for call in (lambda: network.backward_cpu([1.0, 1.0]), network.zero_gradients):
            with pytest.raises(BusyError, match="the network is training"):
                call()
