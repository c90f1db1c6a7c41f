"""Settings of a training: optimizers and schedulers by name, clipping, validation, printing."""

import json
import math

import numpy as np
import pytest

import loom_core
from loom_core import (
    AdamWOptimizer,
    CosineAnnealingScheduler,
    Dense,
    Network,
    NonFiniteError,
    RMSpropOptimizer,
    SGDOptimizer,
    SpecError,
    TrainingBatch,
    TrainingConfig,
    TrainingData,
    cross_entropy_loss_grad,
)
from loom_core.bridge import Bridge
from loom_core.optimize.optimizer_config import make_optimizer
from loom_core.optimize.scheduler_config import make_scheduler
from loom_core.random_stream import RandomStream, permutations
from loom_core.train.batches import SampleBatches, Samples, read_batches
from loom_core.train.config import default_training_config
from loom_core.train.pace import Pace
from tests.support import bridge_calls
from tests.support.small_networks import (
    XOR,
    XOR_INPUTS,
    XOR_TARGETS,
    classifier,
    events_of,
    xor_network,
)
from tests.support.weights import copied_weights, same_arrays


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("sgd", SGDOptimizer()),
        ("sgd_momentum", SGDOptimizer(0.9)),
        ({"Type": "sgd_momentum", "Nesterov": True}, SGDOptimizer(0.9, 0.0, True)),
        ({"type": "sgd", "momentum": 0.5, "dampening": 0.1}, SGDOptimizer(0.5, 0.1)),
        ("adamw", AdamWOptimizer()),
        ({"Type": "adamw", "Beta1": 0.8, "WeightDecay": 0}, AdamWOptimizer(0.8, weight_decay=0)),
        ({"Type": "rmsprop", "Alpha": 0.9, "Momentum": 0.1}, RMSpropOptimizer(0.9, momentum=0.1)),
    ],
)
def test_optimizers_by_name_and_as_data(asked, expected):
    made = make_optimizer(asked)
    assert type(made) is type(expected)
    assert made.settings() == expected.settings()


@pytest.mark.parametrize(
    ("asked", "name", "rates"),
    [
        (None, "Constant", {0: 0.1, 99: 0.1}),
        ("constant", "Constant", {0: 0.1, 99: 0.1}),
        ("linear", "LinearDecay", {0: 0.1, 50: 0.0505, 100: 0.001}),
        ({"Type": "linear", "FinalLR": 0}, "LinearDecay", {50: 0.05, 100: 0.0}),
        ("cosine", "CosineAnnealing", {0: 0.1, 50: 0.05, 100: 0.0}),
        (
            {"type": "cosine_warm_restarts", "restart_period": 10, "min_lr": 0.02},
            "CosineAnnealingWarmRestarts",
            {0: 0.1, 5: 0.06, 10: 0.1},
        ),
        (
            {"type": "exponential", "decay_rate": 0.5, "decay_steps": 2},
            "ExponentialDecay",
            {2: 0.05},
        ),
        ("exponential", "ExponentialDecay", {1000: 0.096}),
        ("step", "StepDecay", {9999: 0.1, 10000: 0.01}),
        ({"type": "polynomial", "power": 2}, "PolynomialDecay", {50: 0.025, 100: 0}),
        (
            {"type": "cosine", "warmup_steps": 20, "initial_lr": 0.5},
            "Warmup+CosineAnnealing",
            {0: 0, 10: 0.25, 20: 0.5, 60: 0.25, 100: 0},
        ),
        (
            {"type": "warmup", "warmup_steps": 4, "warmup_lr": 0.02},
            "Warmup+Constant",
            {2: 0.06, 4: 0.1},
        ),
    ],
)
def test_schedulers_by_name_and_as_data(asked, name, rates):
    made = make_scheduler(asked, 0.1, 100)
    assert made.name() == name
    found = {step: made.get_lr(step) for step in rates}
    assert found == pytest.approx(rates, abs=1e-12)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"optimizer": "guesswork"}, "no optimizer 'guesswork'"),
        ({"optimizer": {"momentum": 0.1}}, "OptimizerConfig needs Type"),
        ({"optimizer": {"type": "sgd", "beta1": 0.5}}, "'sgd' has no Beta1"),
        ({"optimizer": {"type": "adamw", "beta1": 2}}, "beta1 must be"),
        ({"optimizer": {"type": 3}}, "no optimizer '3'"),
        ({"optimizer": 3}, "OptimizerConfig must be an object"),
        ({"scheduler": "wavy"}, "no scheduler 'wavy'"),
        ({"scheduler": {"type": "step", "power": 2}}, "'step' has no Power"),
        ({"scheduler": {"type": "cosine_warm_restarts"}}, "restart_period must be"),
        ({"scheduler": {"type": "exponential", "decay_steps": 0}}, "decay_steps must be"),
        ({"scheduler": {"type": "warmup"}}, "needs warmup_steps"),
        (
            {"epochs": 3, "scheduler": {"type": "cosine", "warmup_steps": 7}},
            "training has 6 steps, and the warm-up alone 7",
        ),
        ({"gradient_clip": -1}, "gradient_clip must be"),
        ({"learning_rate": 1e39}, "learning_rate must be finite"),
        ({"loss_type": np.zeros(2)}, "loss_type must be one of"),
        ({"print_every_batch": -1}, "print_every_batch must be"),
        ({"verbose": 1}, "verbose must be"),
        ({"use_gpu": "yes"}, "use_gpu must be"),
        ({"resume_from": {}}, "string from SaveTrainingState"),
    ],
)
def test_wrong_settings_are_refused_before_anything_changes(config, message):
    network = xor_network()
    network.initialize_weights()
    before = copied_weights(network)
    with pytest.raises(SpecError, match=message):
        network.train(XOR, config)
    assert same_arrays(before, copied_weights(network))
    assert not network.is_training()


def test_an_optimizer_object_goes_on_and_a_name_begins_anew():
    one, two, three = xor_network(), xor_network(), xor_network()
    held = AdamWOptimizer()
    two.set_optimizer(AdamWOptimizer())
    for _ in range(2):
        one.train(XOR, TrainingConfig(epochs=3, optimizer=held))
        two.train(XOR, TrainingConfig(epochs=3))
        three.train(XOR, TrainingConfig(epochs=3, optimizer="adamw"))
    assert held.steps_done == two.get_optimizer().steps_done == 12
    assert three.position.optimizer.steps_done == 6
    assert same_arrays(copied_weights(one), copied_weights(two))
    assert not same_arrays(copied_weights(one), copied_weights(three))


def test_plans_of_optimizers_that_nobody_has_any_more_are_dropped():
    network = xor_network()
    for beta in (0.5, 0.6, 0.7):
        config = {"epochs": 1, "optimizer": {"type": "adamw", "beta1": beta}}
        network.train(XOR, config)
        network.train(XOR, config)
    assert len(list(network.programs)) == 1


def test_the_norm_is_clipped_and_reported_before_clipping():
    clipped = events_of(xor_network(), epochs=1, learning_rate=1.0, gradient_clip=0.01)
    free = events_of(xor_network(), epochs=1, learning_rate=1.0)
    assert clipped[0].gradient_norm == free[0].gradient_norm > 0.01
    start, network = xor_network(), xor_network()
    start.initialize_weights()
    before = copied_weights(start)
    network.train(
        [TrainingBatch(XOR_INPUTS, XOR_TARGETS)],
        TrainingConfig(epochs=1, learning_rate=1.0, gradient_clip=0.01),
    )
    moved = sum(np.sum((a - b) ** 2) for a, b in zip(before, copied_weights(network), strict=True))
    assert math.sqrt(moved) == pytest.approx(0.01, rel=1e-4)


def test_the_rate_follows_the_scheduler_step_by_step():
    scheduler = CosineAnnealingScheduler(0.5, 0.1, 6)
    rates = [
        event.learning_rate for event in events_of(xor_network(), epochs=3, scheduler=scheduler)
    ]
    assert rates == [scheduler.get_lr(step) for step in range(6)]


def test_how_many_steps_go_at_once_changes_nothing():
    """One by one, with a callback, and as many as fit: the same weights and the same history."""
    fast, slow = xor_network(), xor_network()
    data = TrainingData(XOR_INPUTS * 3, XOR_TARGETS * 3, batch_size=5)  # the last one is smaller
    config = {"epochs": 40, "optimizer": "adamw", "scheduler": "linear"}
    expected = fast.train(data, TrainingConfig(**config))
    events = []
    found = slow.train(data, TrainingConfig(**config, progress_interval=0.0), events.append)
    assert found.loss_history == expected.loss_history
    assert same_arrays(copied_weights(fast), copied_weights(slow))
    ends = [event for event in events if event.event == "epoch_end"]
    assert [event.epoch_loss for event in ends] == found.loss_history


def test_batches_of_samples_of_different_widths():
    network = Network.of(loom_core.MultiHeadAttention(2, d_model=4))
    rng = np.random.default_rng(0)
    batches = [
        TrainingBatch(rng.standard_normal((2, 4 * t)), rng.standard_normal((2, 4 * t)))
        for t in (1, 3, 3, 2)
    ]
    result = network.train(batches, TrainingConfig(epochs=20, learning_rate=0.1))
    assert result.steps == 80
    source = read_batches(network, batches)
    assert [source.equal_steps(step) for step in range(8)] == [1, 2, 1, 1, 1, 2, 1, 1]
    assert result.loss_history[-1] < result.loss_history[0]


def test_orders_of_many_epochs_are_those_of_each():
    keys = np.arange(1, 6, dtype=np.uint64)
    for row, key in zip(permutations(9, keys, 13), keys, strict=True):
        np.testing.assert_array_equal(row, RandomStream(9, int(key)).permutation(13))
    x = np.arange(12, dtype=np.float32).reshape(12, 1)
    source = SampleBatches(Samples(x, x), [4, 4, 4], shuffle=True)
    inputs, targets = source.take(9, 2, 5)  # over the end of an epoch
    orders = permutations(9, keys[:3], 12).reshape(-1)
    np.testing.assert_array_equal(inputs[:].reshape(-1), orders[8 : 8 + 20])
    np.testing.assert_array_equal(inputs[:], targets[:])
    plain, _ = SampleBatches(Samples(x, x), [4, 4, 4]).take(9, 2, 2)
    np.testing.assert_array_equal(plain[:].reshape(-1), [8, 9, 10, 11, 0, 1, 2, 3])


def test_divergence_names_step_and_layer_and_keeps_the_last_good_weights():
    network = xor_network()
    network.set_layer(0, 0, 0, Dense(8, "linear", input_size=2))
    network.set_layer(0, 0, 1, Dense(1, "linear", input_size=8))
    data = TrainingData([*XOR_INPUTS, 3e38, 3e38], [*XOR_TARGETS, 0], batch_size=2, shuffle=False)
    optimizer = AdamWOptimizer()
    message = (
        r"loss became .* in epoch 1, batch 3 \(step 3\); the output of cell \(0, 0\) layer 0 dense"
    )
    with pytest.raises(NonFiniteError, match=message):
        network.train(data, TrainingConfig(optimizer=optimizer))
    kept, again = copied_weights(network), xor_network()
    again.set_layer(0, 0, 0, Dense(8, "linear", input_size=2))
    again.set_layer(0, 0, 1, Dense(1, "linear", input_size=8))
    again.train(
        TrainingData(XOR_INPUTS, XOR_TARGETS, batch_size=2, shuffle=False),
        TrainingConfig(epochs=1, optimizer=AdamWOptimizer()),
    )
    assert same_arrays(kept, copied_weights(again))
    assert optimizer.steps_done == network.position.step == 2
    network.train(XOR, TrainingConfig(epochs=1, optimizer=optimizer))  # it goes on


def test_a_gradient_that_is_not_finite_names_its_layers():
    network = Network.of(Dense(1, "linear"), Dense(1, "linear"), input_size=1)
    network.get_layer(0, 0, 0).set_weights({"kernel": [1e-30], "bias": [0]})
    network.get_layer(0, 0, 1).set_weights({"kernel": [1e30], "bias": [0]})
    batch = TrainingBatch([1e15], [0.0])
    message = "a gradient became .* the gradient of cell .0, 0. layer 0 dense"
    with pytest.raises(NonFiniteError, match=message):
        network.train([batch], TrainingConfig(epochs=1))


@pytest.mark.parametrize("flag", ["frozen", "disabled", "none"])
def test_a_training_of_nothing_is_refused(flag):
    layer = loom_core.Softmax() if flag == "none" else Dense(2, input_size=2, **{flag: True})
    network = Network.of(loom_core.Softmax(), layer, input_size=2)
    batch = TrainingBatch([1.0, 2.0], [0.5, 0.5])
    with pytest.raises(SpecError, match="nothing to train") as error:
        network.train([batch], TrainingConfig(epochs=3))
    assert "SetFrozen" in error.value.hint
    assert not network.is_training()
    with pytest.raises(SpecError, match="nothing to train"):
        network.train_with_stepping({}, lambda step: ([1.0, 2.0], [0.5, 0.5]), 3)


def test_layers_may_be_frozen_while_a_training_runs():
    network = Network.of(Dense(2, "tanh"), input_size=2)
    freeze = lambda event: network.layers[0].set_frozen(True)  # noqa: E731
    good, bad = TrainingBatch([1.0, 2.0], [0.5, 0.5]), TrainingBatch([1.0, 2.0], [3e38, 0.5])
    result = network.train([good], TrainingConfig(epochs=4, progress_interval=0.0), freeze)
    assert len(set(result.loss_history)) == 2
    network.layers[0].set_frozen(False)
    with pytest.raises(NonFiniteError, match="the loss became"):
        network.train([good, bad], TrainingConfig(epochs=2, progress_interval=0.0), freeze)


def test_validation_gives_deviations_and_takes_class_numbers():
    network, rng = classifier(), np.random.default_rng(2)
    x = rng.standard_normal((9, 3))
    labels = rng.integers(0, 4, 9)
    more = {"epochs": 2, "loss_type": "cross_entropy", "validation_inputs": x}
    data = TrainingData(x, labels=labels)
    result = network.train(data, TrainingConfig(**more, validation_targets=labels))
    metrics = network.evaluate_network(x, labels)
    assert result.eval_metrics.score == metrics.score
    assert result.eval_metrics.total_samples == 9
    assert result.eval_metrics.accuracy == result.validation_accuracy
    never = network.train(
        data, TrainingConfig(**more, validation_labels=labels, evaluate_every_n=0)
    )
    assert (never.eval_metrics, never.validation_loss, never.accuracy_history) == (None, None, [])
    shares = np.full((9, 4), 0.25)
    assert (
        network.train(data, TrainingConfig(**more, validation_targets=shares)).eval_metrics is None
    )


def test_the_pace_grows_to_what_fits_and_heeds_what_takes_longer():
    pace = Pace(step_bytes=100)
    asked = []
    for _ in range(6):
        asked.append(pace.steps())
        pace.note(pace.steps(), pace.steps() * 1e-5, patience=0.008)
    assert asked == [1, 4, 16, 64, 256, 800]
    pace.note(1, 1e-3, patience=0.008)  # the end of an epoch: one step, mostly overhead
    assert pace.steps() == 800
    pace.note(10, 0.1, patience=0.008)  # something else takes the time
    assert pace.steps() == 1
    pace.note(1, 0.0, patience=0.008)  # a clock that stands still
    assert pace.steps() == 4
    assert Pace(step_bytes=2**40).steps() == 1


def test_the_defaults_are_looms():
    config = default_training_config()
    assert (config.epochs, config.learning_rate, config.loss_type) == (10, 0.001, "mse")
    assert config.verbose
    assert (config.gradient_clip, config.print_every_batch) == (0, 0)
    own = TrainingConfig()
    for said in (TrainingConfig.__doc__, default_training_config.__doc__):
        assert str(own.learning_rate) in said
    assert str(config.learning_rate) in default_training_config.__doc__


def test_without_a_config_the_records_own_defaults_are_taken(capsys):
    left_out, given = xor_network(), xor_network()
    left_out.train(XOR)
    given.train(XOR, {"epochs": 10, "learning_rate": 0.01, "verbose": False})
    assert same_arrays(copied_weights(left_out), copied_weights(given))
    assert capsys.readouterr().out == ""


def test_cross_entropy_of_outputs_that_are_there():
    p, t = np.array([0.7, 0.2, 0.1], np.float32), [1.0, 0.0, 0.0]
    loss, grad = cross_entropy_loss_grad(p, t)
    assert loss == pytest.approx(-math.log(0.7), rel=1e-6)
    np.testing.assert_allclose(grad, [-1 / 0.7, 0, 0], rtol=1e-6)
    batch = cross_entropy_loss_grad([p, p], [t, t])
    assert batch.loss == pytest.approx(loss)
    np.testing.assert_allclose(batch.grad, [grad / 2, grad / 2])
    with pytest.raises(loom_core.ShapeError, match="the target"):
        cross_entropy_loss_grad(p, [1.0, 0.0])


def test_configs_as_plain_data_work_through_the_bridge():
    bridge = Bridge()
    handle = bridge_calls.build(bridge)
    events = []
    config = {
        "Epochs": 4,
        "Optimizer": {"Type": "adamw", "WeightDecay": 0.0},
        "Scheduler": {"Type": "cosine", "WarmupSteps": 1},
        "GradientClip": 0.5,
        "ProgressInterval": 0,
    }
    job = bridge.call(handle, "Train", [bridge_calls.XOR, config, events.append])["job"]
    envelope, _ = bridge_calls.drive(bridge, job)
    assert bridge_calls.value(envelope)["Steps"] == 4
    assert [e["LearningRate"] for e in events if e["Event"] == "batch_end"] == pytest.approx(
        [0.0, 0.01, 0.0075, 0.0025]
    )
    assert all(e["GradientNorm"] > 0 for e in events)
    state = bridge_calls.value(bridge.call(handle, "SaveTrainingState", []))
    again = bridge_calls.build(bridge)
    job = bridge.call(again, "Train", [bridge_calls.XOR, {"Epochs": 4, "ResumeFrom": state}])["job"]
    bridge_calls.drive(bridge, job)
    weights = [
        bridge_calls.value(bridge.call(h, "SaveModelToString", ["m"])) for h in (handle, again)
    ]
    assert json.loads(weights[0]) == json.loads(weights[1])


def test_optimizer_objects_work_through_the_bridge():
    bridge = Bridge()
    handle = bridge_calls.build(bridge)
    made = bridge_calls.value(bridge.call(0, "NewAdamWOptimizerDefault", []))
    rates = bridge_calls.value(bridge.call(0, "NewConstantScheduler", [0.05]))
    config = {"Epochs": 2, "Optimizer": made, "Scheduler": rates}
    job = bridge.call(handle, "Train", [bridge_calls.XOR, config])["job"]
    bridge_calls.drive(bridge, job)
    state = bridge_calls.value(bridge.call(made["$object"], "GetState", []))
    assert state["step"] == 2
    fresh = bridge_calls.value(bridge.call(0, "NewAdamWOptimizerDefault", []))["$object"]
    bridge_calls.value(bridge.call(fresh, "LoadState", [json.loads(json.dumps(state))]))
    assert bridge_calls.value(bridge.call(fresh, "GetState", [])) == state
