"""Weights that are changed by hand: UpdateWeights, ApplyGradients and its forms."""

import json

import numpy as np
import pytest

from loom_core import BusyError, Dense, Network, NonFiniteError, SpecError
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.optimize.optimizers import AdamWOptimizer, RMSpropOptimizer, SGDOptimizer
from loom_core.optimize.trained_weights import trained_weights
from loom_core.train.apply_gradients import apply_gradients
from tests.support.fixture_files import FIXTURES
from tests.support.layer_stacks import STACKS, stack
from tests.support.simd_support import backend as simd
from tests.support.small_networks import mlp
from tests.support.weights import assert_same_arrays, copied_weights, weights_of

LOOM = json.loads((FIXTURES / "loom_train.json").read_text("utf-8"))
"""Three epochs of Loom v0.0.7's own Train at the rate 0.2, on dense layers."""

X = np.array([[0.5, -1.0, 2.0]], np.float32)


def backward(network, dy=(1.0, -0.5)):
    network.forward_cpu(X)
    network.backward_cpu(np.array([dy], np.float32))


@pytest.mark.parametrize("backend", [NumpyBackend, simd])
@pytest.mark.parametrize("name", STACKS)
def test_all_trained_weights_follow_their_gradients(name, backend):
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    network = Network.of(*layers, input_size=width, backend=backend())
    network.forward_cpu(np.linspace(0.2, 1.0, 2 * width, dtype=np.float32))
    network.backward_cpu(np.linspace(-1.0, 1.0, 2 * outputs, dtype=np.float32))
    before = [weight.copy() for weight in weights_of(network.layers)]
    gradients = [network.gradients.of(w.array).copy() for w in trained_weights(network.layers)]
    network.update_weights(0.125)
    for old, gradient, new in zip(before, gradients, weights_of(network.layers), strict=True):
        np.testing.assert_allclose(new, old - 0.125 * gradient, rtol=1e-6, atol=1e-7)


def test_frozen_and_disabled_layers_keep_their_weights():
    network = mlp()
    network.layers[0].set_frozen(True)
    network.require_weights()
    held = network.layers[0].copied_weights()
    for _ in range(2):
        backward(network)
        network.apply_gradients(0.1)
    assert_same_arrays(network.layers[0].weights.values(), held.values())
    network.layers[1].set_disabled(True)
    held = network.layers[1].copied_weights()
    backward(network)
    network.apply_gradients(0.1)
    assert_same_arrays(network.layers[1].weights.values(), held.values())


def test_the_pass_after_a_step_starts_from_zero():
    network = mlp()
    backward(network)
    once = network.kernel_gradients()
    network.update_weights(0.0)
    assert_same_arrays(network.kernel_gradients(), once)  # still readable
    backward(network)
    assert_same_arrays(network.kernel_gradients(), once)
    backward(network)
    assert_same_arrays(network.kernel_gradients(), [2 * gradient for gradient in once])


def test_a_step_without_a_backward_pass_uses_the_same_gradients_again():
    one, two = mlp(), mlp()
    for network, rates in ((one, [0.25]), (two, [0.125, 0.125])):
        backward(network)
        for rate in rates:
            network.update_weights(rate)
    for a, b in zip(copied_weights(one), copied_weights(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


FORMS = {
    "AdamW": (
        lambda network: network.apply_gradients_adamw(0.01, 0.8, 0.9, 0.1),
        lambda: AdamWOptimizer(0.8, 0.9, 1e-8, 0.1),
    ),
    "RMSprop": (
        lambda network: network.apply_gradients_rmsprop(0.01, 0.9, 1e-6, 0.0),
        lambda: RMSpropOptimizer(0.9, 1e-6),
    ),
    "RMSprop momentum": (
        lambda network: network.apply_gradients_rmsprop(0.01, 0.9, 1e-6, 0.5),
        lambda: RMSpropOptimizer(0.9, 1e-6, 0.5),
    ),
    "momentum": (
        lambda network: network.apply_gradients_sgd_momentum(0.01, 0.9, 0.1, False),
        lambda: SGDOptimizer(0.9, 0.1),
    ),
    "Nesterov": (
        lambda network: network.apply_gradients_sgd_momentum(0.01, 0.9, 0.0, True),
        lambda: SGDOptimizer(0.9, 0.0, True),
    ),
    "none": (lambda network: network.apply_gradients(0.01), lambda: None),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_convenient_forms_keep_their_state_from_step_to_step(name):
    form, make = FORMS[name]
    short, long = mlp(), mlp()
    long.set_optimizer(make())
    for _ in range(5):
        backward(short)
        form(short)
        backward(long)
        long.apply_gradients(0.01)
    assert_same_arrays(copied_weights(short), copied_weights(long))
    if name != "none":
        assert short.get_optimizer().steps_done == 5


def test_other_settings_make_another_optimizer():
    network = mlp()
    backward(network)
    network.apply_gradients_adamw(0.01, 0.9, 0.999, 0.0)
    first = network.get_optimizer()
    network.apply_gradients_adamw(0.02, 0.9, 0.999, 0.0)
    assert network.get_optimizer() is first
    network.apply_gradients_adamw(0.02, 0.9, 0.99, 0.0)
    assert network.get_optimizer() is not first
    network.apply_gradients_rmsprop(0.01, 0.9, 1e-8, 0.0)
    assert network.get_optimizer().name() == "RMSprop"


def test_an_optimizer_is_set_reset_and_taken_away():
    network = mlp()
    assert network.get_optimizer() is None
    network.reset_optimizer()
    optimizer = AdamWOptimizer()
    network.set_optimizer(optimizer)
    backward(network)
    network.apply_gradients(0.01)
    network.reset_optimizer()
    assert optimizer.steps_done == 0
    fresh, again = mlp(), mlp()
    for other, chosen in ((fresh, AdamWOptimizer()), (again, optimizer)):
        other.set_optimizer(chosen)
        backward(other)
        other.apply_gradients(0.01)
    assert_same_arrays(copied_weights(fresh), copied_weights(again))
    network.set_optimizer(None)
    backward(network)
    network.apply_gradients(0.01)
    assert optimizer.steps_done == 1  # of the other network's step only


def test_a_gradient_that_is_not_finite_changes_nothing():
    network = mlp()
    network.forward_cpu(X)
    with np.errstate(all="ignore"):
        network.backward_cpu([np.nan, 1.0])
    before = copied_weights(network)
    for call in (
        lambda: network.update_weights(0.1),
        lambda: network.apply_gradients_adamw(0.1, 0.9, 0.99, 0.0),
    ):
        with pytest.raises(NonFiniteError, match=r"layer 3 dense kernel.*is NaN or infinite"):
            call()
    assert_same_arrays(copied_weights(network), before)
    assert network.get_optimizer() is None
    network.zero_gradients()
    backward(network)
    network.update_weights(0.1)
    assert all(np.isfinite(weight).all() for weight in copied_weights(network))


def test_wrong_steps_are_typed_errors():
    network = mlp()
    with pytest.raises(SpecError, match="no gradients to apply") as caught:
        network.apply_gradients(0.1)
    assert caught.value.hint == "Call BackwardCPU first."
    backward(network)
    for rate in (-1.0, np.nan, "fast"):
        with pytest.raises(SpecError, match="learning rate must be"):
            network.apply_gradients(rate)
    with pytest.raises(SpecError, match="beta1"):
        network.apply_gradients_adamw(0.1, 1.0, 0.999, 0.0)
    with pytest.raises(SpecError, match="an optimizer is needed, got text"):
        network.set_optimizer("adamw")
    with network.control.training():
        for call in (network.update_weights, network.apply_gradients):
            with pytest.raises(BusyError, match="cannot apply gradients"):
                call(0.1)


def mse_gradient(o, t):
    return 2 * (o - t) / o.size


def cross_entropy_gradient(o, t):
    """Loom's own: targets only, and divided by the number of outputs."""
    return -(t / np.maximum(o, 1e-7)) / o.size


@pytest.mark.parametrize("backend", [NumpyBackend, simd])
@pytest.mark.parametrize(
    ("run", "limit", "gradient"),
    [
        ("mse_clip0", 0.0, mse_gradient),
        ("mse_clip0.1", 0.1, mse_gradient),
        ("cross_entropy_clip0", 0.0, cross_entropy_gradient),
        ("cross_entropy_clip0.1", 0.1, cross_entropy_gradient),
    ],
)
def test_a_loop_by_hand_reaches_the_weights_of_loom(run, limit, gradient, backend):
    layers = [
        Dense(6, "leaky_relu", input_size=4),
        Dense(5, "tanh", input_size=6),
        Dense(3, "sigmoid", input_size=5),
    ]
    for layer, weights in zip(layers, LOOM["init"], strict=True):
        layer.set_weights(weights)
    network, plain = Network.of(*layers, input_size=4, backend=backend()), SGDOptimizer()
    for _ in range(3):
        for batch in LOOM["batches"]:
            target = np.array(batch["Target"], np.float32)
            network.backward_cpu(gradient(network.forward_cpu(batch["Input"]), target))
            apply_gradients(network, plain, 0.2, limit)
    for layer, weights in zip(layers, LOOM[run]["params"], strict=True):
        for name, expected in weights.items():
            np.testing.assert_allclose(layer.weights[name].ravel(), expected, atol=5e-7)
