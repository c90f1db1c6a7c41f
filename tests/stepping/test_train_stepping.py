"""Training tick by tick: what is learned from, when, and what is told about it."""

from collections import deque

import numpy as np
import pytest

from loom_core import BusyError, Dense, Network, NonFiniteError, ShapeError, SpecError
from loom_core.optimize.optimizers import AdamWOptimizer, SGDOptimizer
from loom_core.optimize.trained_weights import trained_weights
from tests.support.simd_support import backend as simd
from tests.support.small_networks import mlp
from tests.support.weights import assert_same_arrays, copied_weights

RNG = np.random.default_rng(8)
INPUTS = RNG.uniform(-1, 1, (7, 3)).astype(np.float32)
TARGETS = RNG.uniform(0, 1, (7, 2)).astype(np.float32)


def loader(step):
    return INPUTS[step % 7], TARGETS[step % 7]


def assert_near(found, expected, rtol, atol):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def by_hand(samples, rate, every=1, optimizer=None, limit=None):
    """Train a single layer, which knows no delay, by ForwardCPU, BackwardCPU, ApplyGradients."""
    network = Network.of(Dense(2, "sigmoid", input_size=3), input_size=3)
    network.set_optimizer(optimizer)
    losses = []
    for first in range(0, samples, every):
        steps = range(first, min(first + every, samples))
        for step in steps:
            x, t = loader(step)
            error = network.forward_cpu(x) - t
            losses.append(float(np.mean(error.astype(np.float64) ** 2)))
            network.backward_cpu(error / len(steps))  # 2 error / 2 outputs
        if limit is not None:
            norm = np.sqrt(
                sum(
                    np.sum(network.gradients.of(w.array) ** 2)
                    for w in trained_weights(network.layers)
                )
            )
            network.gradients.scale(min(1.0, limit / norm))
        network.apply_gradients(rate(steps[-1]) if callable(rate) else rate)
    return network, losses


CASES = {
    "plain": ({}, {}),
    "accumulated": ({"grad_accum_steps": 4}, {"every": 4}),
    "clipped": ({"grad_clip_value": 0.05}, {"limit": 0.05}),
    "accumulated and clipped": (
        {"grad_accum_steps": 3, "grad_clip_value": 0.05},
        {"every": 3, "limit": 0.05},
    ),
    "adamw": (
        {"optimizer": "adamw", "beta1": 0.8, "weight_decay": 0.1},
        {"optimizer": AdamWOptimizer(0.8, weight_decay=0.1)},
    ),
    "momentum": ({"optimizer": "sgd_momentum"}, {"optimizer": SGDOptimizer(0.9)}),
    "linear": (
        {"lr_schedule": "linear", "min_lr": 0.0},
        {"rate": lambda step: 0.1 * (1 - step / 10)},
    ),
    "warm-up, then a cosine": (
        {"lr_schedule": "cosine", "warmup_steps": 4},
        {
            "rate": lambda step: (
                0.1 * step / 4 if step < 4 else 0.05 * (1 + np.cos(np.pi * (step - 4) / 6))
            )
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_layer_learns_as_by_hand(name):
    config, hand = CASES[name]
    network = Network.of(Dense(2, "sigmoid", input_size=3), input_size=3)
    result = network.train_with_stepping({"learning_rate": 0.1, **config}, loader, 10)
    expected, losses = by_hand(10, **{"rate": 0.1, **hand})
    assert_near(copied_weights(network), copied_weights(expected), rtol=1e-5, atol=1e-6)
    assert result.total_steps == 10
    assert result.final_loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert result.loss_history == [result.final_loss]


def test_each_output_is_compared_with_the_target_of_its_own_input():
    """At the rate 0 nothing changes, and each loss is that of ForwardCPU on the sample."""
    network = mlp()
    found = []
    config = {"learning_rate": 0.0, "on_step": lambda *told: found.append(told)}
    result = network.train_with_stepping(config, loader, 10)
    expected = [
        float(np.mean((network.forward_cpu(x) - t) ** 2)) for x, t in map(loader, range(10))
    ]
    assert [step for step, _, _ in found] == list(range(1, 11))
    np.testing.assert_allclose([loss for _, _, loss in found], expected, rtol=1e-5)
    assert result.total_steps == 10


def test_fewer_samples_than_layers_are_learned_from_too():
    network = mlp()
    network.require_weights()
    before = copied_weights(network)
    result = network.train_with_stepping({"learning_rate": 0.1}, loader, 1)
    assert result.total_steps == 1
    other = mlp()
    other.require_weights()
    x, t = loader(0)
    error = other.forward_cpu(x) - t
    other.backward_cpu(error)
    other.update_weights(0.1)
    assert_near(copied_weights(network), copied_weights(other), rtol=1e-6, atol=1e-7)
    assert any((a != b).any() for a, b in zip(before, copied_weights(network), strict=True))


def test_the_loader_ends_the_training_and_the_counts_are_honest():
    network = mlp()
    asked = []

    def short(step):
        asked.append(step)
        return (*loader(step), step < 5)

    result = network.train_with_stepping({"log_every": 2}, short, 100)
    assert asked == [0, 1, 2, 3, 4, 5]
    assert result.total_steps == 5
    assert len(result.loss_history) == len(result.lr_history) == 3  # two, two, and the rest
    assert result.loss_history[-1] == result.final_loss
    assert result.steps_per_second == pytest.approx(5 / result.total_time)
    assert not result.stopped
    ended = network.train_with_stepping(
        {}, lambda step: {"Input": INPUTS[0], "Target": TARGETS[0]} if step < 3 else None, 100
    )
    assert ended.total_steps == 3
    ended = network.train_with_stepping({}, lambda step: loader(step) if step < 2 else None, 100)
    assert ended.total_steps == 2


def test_checkpoints_come_with_the_network_after_whole_steps():
    network = mlp()
    seen = []
    config = {
        "checkpoint_every": 3,
        "on_checkpoint": lambda step, given: seen.append((step, given is network)),
    }
    network.train_with_stepping(config, loader, 10)
    assert seen == [(3, True), (6, True), (9, True)]


def test_the_optimizer_of_the_network_is_used_where_the_config_names_none():
    network = mlp()
    network.set_optimizer(AdamWOptimizer())
    network.train_with_stepping({}, loader, 4)
    assert network.get_optimizer().steps_done == 4
    network.train_with_stepping({"optimizer": "rmsprop"}, loader, 3)
    assert network.get_optimizer().name() == "RMSprop"
    assert network.get_optimizer().steps_done == 3


def test_it_can_be_paused_stopped_and_does_not_share_the_network():
    network = mlp()
    steps = type(network).train_with_stepping.steps(network, {}, loader, 1000)
    assert next(steps) is False
    assert network.is_training()
    for call in (
        lambda: network.train_with_stepping({}, loader, 1),
        lambda: network.update_weights(0.1),
    ):
        with pytest.raises(BusyError):
            call()
    assert network.forward_cpu(INPUTS[0]).shape == (2,)
    network.pause_training()
    assert [next(steps) for _ in range(3)] == [True] * 3
    network.resume_training()
    assert next(steps) is False
    network.stop_training()
    with pytest.raises(StopIteration) as end:
        next(steps)
    result = end.value.value
    assert result.stopped
    assert result.total_steps == 0  # nothing has come out of four layers in two ticks
    assert not network.is_training()


def test_gradients_left_over_do_not_enter_a_later_pass():
    network = mlp()
    network.train_with_stepping({"grad_accum_steps": 4}, loader, 6)
    network.forward_cpu(INPUTS[0])
    network.backward_cpu([1.0, 1.0])
    found = network.kernel_gradients()
    network.zero_gradients()
    network.backward_cpu([1.0, 1.0])
    assert_same_arrays(found, network.kernel_gradients())


def test_a_loss_that_is_not_finite_stops_before_the_weights_are_hurt():
    network = mlp()
    network.require_weights()
    before = copied_weights(network)

    def bad(step):
        return INPUTS[0], [np.inf, 0.0]

    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match="inf in step 1"):
        network.train_with_stepping({}, bad, 10)
    assert_same_arrays(copied_weights(network), before)
    assert not network.is_training()


@pytest.mark.parametrize(
    ("config", "found", "error", "message"),
    [
        ({"optimizer": "guesswork"}, None, SpecError, "no optimizer 'guesswork'"),
        ({"lr_schedule": "zigzag"}, None, SpecError, "no scheduler 'zigzag'"),
        ({"optimizer": ["sgd"]}, None, SpecError, "optimizer must be a name, got a list"),
        ({"lr_schedule": {}}, None, SpecError, "lr_schedule must be a name, got an object"),
        ({"grad_accum_steps": 0}, None, SpecError, "grad_accum_steps"),
        ({"log_every": 0}, None, SpecError, "log_every"),
        ({"learning_rate": -1.0}, None, SpecError, "learning_rate"),
        ({"on_step": 3}, None, SpecError, "on_step must be a function"),
        ({"speed": 3}, None, SpecError, "no field 'speed'"),
        ({}, None, SpecError, "the data loader gave no sample"),
        ({}, 5, SpecError, "the data loader gave 5 for step 0"),
        ({}, ([1.0, 2.0, 3.0],), SpecError, "the data loader gave a list"),
        ({}, ([1.0, 2.0, 3.0], ["a", "b"]), SpecError, "target of step 0 .* holds text"),
        ({}, ([1.0, 2.0, 3.0], [1.0]), ShapeError, "target of step 0 has 1 numbers, the output 2"),
        ({}, ([1.0, 2.0], [1.0, 1.0]), ShapeError, "expected a multiple of 3"),
    ],
)
def test_wrong_settings_and_samples_are_typed_errors(config, found, error, message):
    network = mlp()
    with pytest.raises(error, match=message):
        network.train_with_stepping(config, lambda step: found, 3)
    assert not network.is_training()
    assert network.get_optimizer() is None


def test_samples_of_another_size_are_refused():
    with pytest.raises(ShapeError, match="input of step 1 has 6 numbers, those before 3"):
        mlp().train_with_stepping({}, lambda step: (np.ones(3 + 3 * step), np.ones(2)), 3)
    with pytest.raises(SpecError, match="data_loader must be a function"):
        mlp().train_with_stepping({}, [loader(0)], 3)
    with pytest.raises(SpecError, match="total_steps"):
        mlp().train_with_stepping({}, loader, 0)


SIX = [
    ([0.1, 0.2, 0.1, 0.3], 0), ([0.2, 0.1, 0.3, 0.2], 0),
    ([0.8, 0.9, 0.8, 0.7], 1), ([0.9, 0.8, 0.7, 0.9], 1),
    ([0.1, 0.9, 0.2, 0.8], 2), ([0.2, 0.8, 0.1, 0.9], 2),
]  # fmt: skip
"""Low, high and mixed: the demonstration of step execution."""


def stream_classifier(runs):
    layers = [Dense(size, "leaky_relu") for size in (32, 16, 3)]
    return Network.of(*layers, input_size=4, seed=2, backend=runs)


@pytest.mark.parametrize("backend", ["numpy", simd])
@pytest.mark.parametrize(
    "config",
    [
        {"optimizer": "sgd", "learning_rate": 0.05},
        {"optimizer": "sgd_momentum", "learning_rate": 0.01},
        {"optimizer": "adamw", "learning_rate": 0.005},
        {"optimizer": "rmsprop", "learning_rate": 0.002},
    ],
    ids=lambda config: config["optimizer"],
)
def test_a_new_sample_at_each_tick_is_learned(config, backend):
    network = stream_classifier(backend() if callable(backend) else backend)

    def turn(step):
        x, label = SIX[step % 6]
        return x, np.eye(3, dtype=np.float32)[label]

    result = network.train_with_stepping({**config, "log_every": 60}, turn, 2400)
    found = [int(network.forward_cpu(x).argmax()) for x, _ in SIX]
    assert found == [label for _, label in SIX]
    assert result.final_loss < 0.05 < result.loss_history[0]


def test_wrong_data_change_nothing():
    network = mlp()
    network.forward_cpu(INPUTS[0])
    network.backward_cpu([1.0, 1.0])
    held = network.kernel_gradients()
    with pytest.raises(ShapeError, match="target of step 0"):
        network.train_with_stepping({"optimizer": "adamw"}, lambda step: (INPUTS[0], [1.0]), 3)
    assert network.get_optimizer() is None
    assert_same_arrays(network.kernel_gradients(), held)
    network.backward_cpu([1.0, 1.0])
    assert_same_arrays(network.kernel_gradients(), [2 * gradient for gradient in held])


def test_a_loop_by_hand_over_held_samples_learns_them():
    """The demonstration's own loop: samples are held, and targets wait in a queue."""
    network = stream_classifier(simd())
    state = network.init_step_state(4)
    waiting = deque(maxlen=3)
    for tick in range(6000):
        x, label = SIX[tick // 20 % 6]
        waiting.append(np.eye(3, dtype=np.float32)[label])
        state.set_input(x)
        network.step_forward(state)
        if len(waiting) == 3:
            network.step_backward(state, state.get_output() - waiting[0])
            network.apply_gradients(max(0.02 * 0.9995**tick, 0.001))
    found = []
    for x, _ in SIX:
        state.set_input(x)
        for _ in range(3):
            network.step_forward(state)
        found.append(int(state.get_output().argmax()))
    assert found == [label for _, label in SIX]
