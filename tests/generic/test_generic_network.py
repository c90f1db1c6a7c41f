"""Whole networks on tensors of every numeric type: forward and backward."""

import numpy as np
import pytest

from loom_core import Conv2D, Dense, Embedding, Residual, generic as g
from tests.support.finite_differences import assert_close_to_differences
from tests.support.generic_networks import mixed, network, samples

INTEGERS = [dtype for dtype in g.DTYPES if "int" in dtype]


def test_float32_gives_the_output_of_forward_cpu():
    for net, x in ((mixed(), samples()), (network(Conv2D(2, 3, **IMAGE)), samples(3, 40))):
        found = g.generic_forward_pass(net, g.Tensor(x))
        np.testing.assert_array_equal(found.output.array, net.forward_cpu(x))
        assert len(found.activations) == len(net.layers) + 1
        np.testing.assert_array_equal(found.activations[0].array, x)
        last = found.activations[-1].array.reshape(found.output.shape)
        np.testing.assert_array_equal(last, found.output.array)
        assert found.duration > 0
    flat = g.generic_forward_pass(mixed(), g.Tensor(samples(2).reshape(-1)))
    assert flat.output.shape == (2, 3)


IMAGE = {"input_channels": 2, "input_height": 5, "input_width": 4}


def test_activations_are_those_of_the_layers():
    net = mixed()
    x = samples()
    trail = g.generic_forward_pass(net, g.Tensor(x)).activations
    dense = np.tanh(x @ net.layers[0].weights["kernel"] + net.layers[0].weights["bias"])
    np.testing.assert_allclose(trail[1].array, dense, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(trail[7].array, trail[6].array)  # the disabled layer
    skip = network(Dense(3, "linear", input_size=3), Residual())
    trail = g.generic_forward_pass(skip, g.Tensor(samples(1, 3))).activations
    np.testing.assert_allclose(trail[2].array, trail[1].array + trail[0].array)


@pytest.mark.parametrize("dtype", g.DTYPES)
def test_every_type_comes_near_float64(dtype):
    net, x = mixed(), np.abs(samples())
    wide = g.generic_forward_pass(net, g.Tensor(x.astype(np.float64)))
    found = g.generic_forward_pass(net, g.convert_tensor_float32_to_t(g.Tensor(x), dtype))
    assert {t.dtype for t in found.activations} == {dtype}
    if dtype.startswith("u"):
        return  # negative weights cannot be said in these
    tolerance = {"float64": 1e-15, "float32": 1e-5, "float16": 5e-3}.get(dtype, 0.06)
    np.testing.assert_allclose(found.output.values, wide.output.array, atol=tolerance)


def test_gradients_equal_finite_differences():
    net = mixed()
    for layer in net.layers:
        for owner in (layer, *layer.children, *(c for k in layer.children for c in k.children)):
            owner._weights = {name: a.astype(np.float64) for name, a in owner.weights.items()}
    x = g.Tensor(samples().astype(np.float64))
    w = np.random.default_rng(5).standard_normal((2, 3))
    forward = g.generic_forward_pass(net, x)
    found = g.generic_backward_pass(net, g.Tensor(w), forward.activations)
    kernels, biases = found.kernel_grads, found.bias_grads
    assert len(kernels) == len(biases) == len(net.layers)
    assert (sorted(kernels[0]), sorted(biases[0])) == (["kernel"], ["bias"])
    assert kernels[4] == biases[4] == kernels[6] == {}  # frozen, disabled
    assert sorted(kernels[5]) == ["0.down", "0.gate", "0.up", "1.1.kernel"]
    assert found.grad_input.shape == x.shape

    def run():
        return float(np.sum(g.generic_forward_pass(net, x).output.array * w))

    assert_close_to_differences(run, {"x": x.array}, {"x": found.grad_input.array})
    for layer, kernel, bias in zip(net.layers, kernels, biases, strict=True):
        gradients = {**kernel, **bias}
        for path, gradient in gradients.items():
            owner = layer
            *children, name = path.split(".")
            for child in children:
                owner = owner.children[int(child)]
            assert_close_to_differences(run, {path: owner.weights[name]}, {path: gradient.array})


def test_tokens_are_integers_of_scale_1():
    net = network(Embedding(5, 3), Dense(2, "linear"), inputs=4)
    ids = g.new_tensor_from_slice([4, 0, 1, 2], [1, 4], "int32", 1.0)
    found = g.generic_forward_pass(net, ids).output
    right = net.forward_cpu([4.0, 0, 1, 2])
    np.testing.assert_array_equal(found.to_list(), np.rint(right))


def test_a_backend_of_the_type_runs_it():
    ran = []

    class Watched(g.CPUBackend):
        @property
        def engine(self):
            ran.append(self.dtype)
            return super().engine

    net, x = mixed(), g.Tensor(samples().astype(np.float64))
    g.generic_forward_pass(net, x, Watched("float64"))
    assert set(ran) == {"float64"}
