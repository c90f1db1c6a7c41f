"""Training steps and updates in every numeric type, and what they leave alone."""

import math

import numpy as np
import pytest

from loom_core import BusyError, Dense, NonFiniteError, ShapeError, Softmax, SpecError, generic as g
from tests.support.generic_networks import mixed, network, samples


def test_training_through_a_frozen_layer():
    net = network(Dense(2, "tanh", input_size=2), Dense(1, "linear", input_size=2, frozen=True))
    held = net.layers[1].weights["kernel"].copy()
    before = net.layers[0].weights["kernel"].copy()
    g.generic_train_step(net, g.Tensor(samples(4, 2)), g.Tensor(samples(4, 1)), 0.1)
    np.testing.assert_array_equal(net.layers[1].weights["kernel"], held)
    assert np.abs(net.layers[0].weights["kernel"] - before).max() > 0


@pytest.mark.parametrize("dtype", g.DTYPES)
def test_every_type_learns(dtype):
    net = network(Dense(8, "tanh", input_size=2), Dense(1, "sigmoid", input_size=8))
    if dtype.startswith("u"):
        for layer in net.layers:
            layer.set_weights({"kernel": np.abs(layer.weights["kernel"])})
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    t = np.array([[0], [1], [1], [1]], np.float32)
    inputs = g.convert_tensor_float32_to_t(g.Tensor(x), dtype)
    targets = g.convert_tensor_float32_to_t(g.Tensor(t), dtype)
    losses = [g.generic_train_step(net, inputs, targets, 0.5).loss for _ in range(60)]
    assert losses[-1] < (0.9 if dtype.startswith("u") else 0.5) * losses[0]
    step = g.generic_train_step(net, inputs, targets, 0.0)
    assert step.output.dtype == dtype
    assert step.loss == g.generic_train_step(net, inputs, targets, 0.0).loss


def test_a_step_is_forward_backward_and_update():
    x, t = g.Tensor(samples(4)), g.Tensor(np.abs(samples(4, 3, 2)))
    net, same = mixed(), mixed()
    step = g.generic_train_step(net, x, t, 0.1)
    forward = g.generic_forward_pass(same, x)
    np.testing.assert_array_equal(step.output.array, forward.output.array)
    error = forward.output.array - t.array
    assert step.loss == pytest.approx(float(np.mean(error**2)))
    gradient = g.Tensor((2 * error / error.size).astype(np.float32))
    back = g.generic_backward_pass(same, gradient, forward.activations)
    g.update_weights_generic(same, 0.1, back.kernel_grads, back.bias_grads)
    for one, other in zip(net.layers, same.layers, strict=True):
        for name, weight in one.weights.items():
            np.testing.assert_allclose(weight, other.weights[name], atol=1e-7)
    new = g.generic_forward_pass(net, x).output.array
    assert np.abs(new - step.output.array).max() > 0


def test_cross_entropy_and_gumbel_noise():
    net = network(Dense(3, "linear", input_size=2), Softmax(variant="gumbel"))
    x, t = g.Tensor(samples(2, 2)), g.Tensor(np.eye(3, dtype=np.float32)[:2])
    first = g.generic_train_step(net, x, t, 0.0, loss_type="cross_entropy")
    again = g.generic_train_step(net, x, t, 0.0, loss_type="cross_entropy")
    other = g.generic_train_step(net, x, t, 0.0, loss_type="cross_entropy", step=1)
    assert first.loss == again.loss != other.loss
    plain = g.generic_forward_pass(net, x).output
    assert np.abs(plain.array - first.output.array).max() > 0


def test_shared_weights_change_once():
    shared = Dense(2, "linear", input_size=2)
    net = network(shared, shared)
    x = g.Tensor(samples(1, 2))
    forward = g.generic_forward_pass(net, x)
    back = g.generic_backward_pass(net, g.Tensor(np.ones((1, 2), np.float32)), forward.activations)
    assert back.kernel_grads[0].keys() == {"kernel"}
    assert back.kernel_grads[1] == {}


def test_nothing_changes_when_something_is_wrong():
    net = mixed()
    x, t = g.Tensor(samples()), g.Tensor(samples(2, 3))
    forward = g.generic_forward_pass(net, x)
    back = g.generic_backward_pass(net, t, forward.activations)
    held = [{n: w.copy() for n, w in layer.weights.items()} for layer in net.layers]
    kernels, biases = back.kernel_grads, back.bias_grads
    bad = g.Tensor(np.full(3, np.nan, np.float32))
    wrong = [
        (SpecError, lambda: g.update_weights_generic(net, math.nan, kernels, biases)),
        (SpecError, lambda: g.update_weights_generic(net, -1, kernels, biases)),
        (SpecError, lambda: g.update_weights_generic(net, "1", kernels, biases)),
        (SpecError, lambda: g.update_weights_generic("net", 1, kernels, biases)),
        (ShapeError, lambda: g.update_weights_generic(net, 1, kernels[1:], biases)),
        (ShapeError, lambda: g.update_weights_generic(net, 1, kernels, 5)),
        (SpecError, lambda: g.update_weights_generic(net, 1, kernels, [t] * 9)),
        (SpecError, lambda: update(7, "weights", bad)),
        (ShapeError, lambda: update(7, "bias", t)),
        (NonFiniteError, lambda: update(7, "bias", bad)),
        (SpecError, lambda: update(7, "bias", [0.0] * 3)),
        (ShapeError, lambda: g.generic_train_step(net, x, x, 0.1)),
        (ShapeError, lambda: g.generic_train_step(net, g.Tensor(samples(1, 5)), t, 0.1)),
        (SpecError, lambda: g.generic_train_step(net, x, t, math.inf)),
        (SpecError, lambda: g.generic_train_step(net, x, t, 0.1, loss_type="l1")),
        (SpecError, lambda: g.generic_train_step(net, x, t, 0.1, g.CPUBackend("int8"))),
        (SpecError, lambda: g.generic_train_step(net, x, t, 0.1, "cpu")),
        (SpecError, lambda: g.generic_forward_pass(None, x)),
        (SpecError, lambda: g.generic_forward_pass(net, [1.0])),
        (ShapeError, lambda: g.generic_forward_pass(net, g.new_tensor([0, 8]))),
        (SpecError, lambda: g.generic_backward_pass(net, t, [])),
        (SpecError, lambda: g.generic_backward_pass(net, t, [3])),
        (ShapeError, lambda: g.generic_backward_pass(net, x, forward.activations)),
        (NonFiniteError, lambda: g.generic_train_step(net, x, g.Tensor(infinite), 0.1)),
    ]

    def update(index, name, gradient):
        changed = [dict(part) for part in biases]
        changed[index][name] = gradient
        g.update_weights_generic(net, 0.1, kernels, changed)

    infinite = np.full((2, 3), np.inf, np.float32)
    for error, call in wrong:
        with np.errstate(all="ignore"), pytest.raises(error):
            call()
        for layer, weights in zip(net.layers, held, strict=True):
            for name, weight in weights.items():
                np.testing.assert_array_equal(layer.weights[name], weight)
    g.update_weights_generic(net, 0.1, kernels, biases)
    assert np.abs(net.layers[7].weights["bias"] - held[7]["bias"]).max() > 0
    given = [{"kernel": g.new_tensor([8, 8])} if i in (4,) else {} for i in range(9)]
    g.update_weights_generic(net, 0.1, given, [{}] * 9)  # frozen: passed over


def test_a_network_in_training_is_busy():
    net = network(Dense(1, "linear", input_size=2))
    x = g.Tensor(samples(1, 2))
    steps = type(net).train.steps(net, [{"Input": [1, 2], "Target": [1]}])
    next(steps)
    with pytest.raises(BusyError):
        g.generic_train_step(net, x, g.Tensor(samples(1, 1)), 0.1)
    with pytest.raises(BusyError):
        g.update_weights_generic(net, 0.1, [{}], [{}])
    steps.close()
