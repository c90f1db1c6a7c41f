"""A training that is saved and resumed equals one that was never interrupted, bit for bit."""

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from loom_core import (
    AdamWOptimizer,
    CosineAnnealingScheduler,
    Dense,
    Dropout,
    LayerNorm,
    LimitError,
    LoomError,
    LRScheduler,
    ModelFormatError,
    Network,
    NonFiniteError,
    RecordingObserver,
    RMSpropOptimizer,
    SGDOptimizer,
    ShapeError,
    Softmax,
    SpecError,
    TrainingBatch,
    TrainingConfig,
    TrainingData,
    WarmupScheduler,
    limits,
)
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.optimize.optimizer_config import make_optimizer
from loom_core.optimize.optimizers import OPTIMIZERS as ALL_OPTIMIZERS
from tests.support.simd_support import backend
from tests.support.weights import assert_same_arrays, copied_weights

BACKENDS = {"numpy": NumpyBackend, "simd": backend}
SAMPLES, BATCH, BATCHES = 26, 8, 4  # the last batch of an epoch is smaller
rng = np.random.default_rng(8)
DATA = TrainingData(
    rng.standard_normal((SAMPLES, 5)), labels=rng.integers(0, 3, SAMPLES), batch_size=BATCH
)


HELD_OUT = {
    "validation_inputs": rng.standard_normal((6, 5)),
    "validation_labels": [0, 1, 2] * 2,
}


def network_on(runs="numpy", seed=6):
    return Network.of(
        Dense(9, "tanh"),
        LayerNorm(9),
        Softmax(variant="gumbel"),  # noise: its random state matters
        Dropout(0.2),
        Dense(3, "linear"),
        Softmax(),
        input_size=5,
        seed=seed,
        backend=BACKENDS[runs](),
    )


def config(epochs, **more):
    return TrainingConfig(epochs=epochs, learning_rate=0.05, loss_type="cross_entropy", **more)


def assert_same_trainings(a, b, first, second):
    assert_same_arrays(copied_weights(a), copied_weights(b))
    assert first.loss_history == second.loss_history
    assert first.accuracy_history == second.accuracy_history
    assert (first.steps, first.final_loss, first.best_loss) == (
        second.steps,
        second.final_loss,
        second.best_loss,
    )


SCHEDULER = {"type": "cosine", "total_steps": 10 * BATCHES, "warmup_steps": 5}
OPTIMIZERS = {
    "none": lambda: None,
    **{name: partial(make_optimizer, name) for name in ALL_OPTIMIZERS},
    "nesterov": lambda: SGDOptimizer(0.9, 0.0, True),
    "dampening": lambda: SGDOptimizer(0.9, 0.5),
    "rmsprop with momentum": lambda: RMSpropOptimizer(momentum=0.5),
}


@pytest.mark.parametrize("runs", BACKENDS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_epochs_are_five_and_five(name, runs):
    make, more = OPTIMIZERS[name], {"scheduler": SCHEDULER}
    straight, begun, resumed = (network_on(runs, seed) for seed in (6, 6, 99))
    expected = straight.train(DATA, config(10, optimizer=make(), **more))
    begun.train(DATA, config(5, optimizer=make(), **more))
    state = json.loads(json.dumps(begun.save_training_state()))
    result = resumed.train(DATA, config(10, resume_from=state))  # the state knows the rest
    assert_same_trainings(straight, resumed, expected, result)


@pytest.mark.parametrize("runs", BACKENDS)
def test_a_training_stopped_within_an_epoch_goes_on_from_there(runs):
    straight, begun, resumed = (network_on(runs, seed) for seed in (6, 6, 99))
    more = {"optimizer": "adamw", "evaluate_every_n": 2, **HELD_OUT}
    expected = straight.train(DATA, config(4, **more))
    seen = RecordingObserver()
    for network in (begun, resumed):
        network.set_observer(seen)
    stopped = stopped_at(10, begun, {**more, "epochs": 4})
    assert stopped.stopped
    assert stopped.steps == 10
    assert stopped.accuracy_history[-1] == stopped.validation_accuracy
    assert len(stopped.accuracy_history) == 2  # after epoch 2, and where it was stopped
    result = resumed.train(DATA, config(4, **more, resume_from=begun.save_training_state()))
    assert_same_trainings(straight, resumed, expected, result)
    ends = [event.epoch for event in seen.get_training_events() if event.type == "epoch_end"]
    assert ends == [1, 2, 3, 4]


@pytest.mark.parametrize("stop", [4, 8, 20], ids=lambda step: f"step {step}")
def test_evaluations_out_of_turn_are_not_gone_on_from(stop):
    straight, begun, resumed = (network_on(seed=seed) for seed in (6, 6, 99))
    more = {"evaluate_every_n": 2, **HELD_OUT}
    expected = straight.train(DATA, config(10, **more))
    first = stopped_at(stop, begun, more)
    assert len(first.accuracy_history) == stop // (2 * BATCHES) + (stop % (2 * BATCHES) > 0)
    text = begun.save_training_state()
    if stop == 5 * BATCHES:  # the same where 5 epochs are all that was asked for
        ended = network_on().train(DATA, config(5, **more))
        assert ended.accuracy_history == first.accuracy_history
    result = resumed.train(DATA, config(10, **more, resume_from=text))
    assert_same_trainings(straight, resumed, expected, result)
    assert len(result.accuracy_history) == 5


def stopped_at(step, network, settings):
    """Train until that step."""

    def stop(event):
        if event.event == "batch_end" and event.step == step:
            network.stop_training()

    settings = {"epochs": 10, "progress_interval": 0.0, **settings}
    return network.train(DATA, config(**settings), stop)


def rates_of(network, settings):
    rates = {}
    network.train(DATA, settings, lambda event: rates.update({event.step: event.learning_rate}))
    return rates


@pytest.mark.parametrize(
    "scheduler",
    ["cosine", "linear", "polynomial", {"Type": "cosine", "WarmupSteps": 6, "MinLR": 0.01}],
)
def test_a_schedule_by_name_stretches_over_the_whole_training(scheduler):
    straight, begun, resumed = (network_on(seed=seed) for seed in (6, 6, 99))
    more = {"scheduler": scheduler, "optimizer": "adamw"}
    expected = straight.train(DATA, config(10, **more))
    stopped_at(5 * BATCHES, begun, more)
    state = begun.save_training_state()
    again = {"epochs": 10, "learning_rate": 9.0, "loss_type": "cross_entropy"}  # the state's counts
    result = resumed.train(DATA, TrainingConfig(**again, resume_from=state))
    assert_same_trainings(straight, resumed, expected, result)


def test_resumed_to_more_epochs_a_schedule_by_name_goes_on_in_the_longer_one():
    straight, begun, resumed = network_on(), network_on(), network_on()
    every = {"progress_interval": 0.0}
    longer = rates_of(straight, config(10, scheduler="cosine", **every))
    shorter = rates_of(begun, config(5, scheduler="cosine", **every))
    later = rates_of(resumed, config(10, resume_from=begun.save_training_state(), **every))
    half = 5 * BATCHES
    assert shorter[half] < 0.01 * shorter[1]
    assert later == {step: longer[step] for step in range(half + 1, 2 * half + 1)}
    assert min(later.values()) > 0
    again = json.loads(resumed.save_training_state())
    assert again["scheduler"] == {"type": "cosine", "initial_lr": 0.05}


def test_settings_of_a_schedule_may_be_numpys():
    network, number = network_on(), np.float32(0.25)
    scheduler = {"type": "cosine", "initial_lr": number, "warmup_steps": np.int64(2)}
    network.train(DATA, config(1, scheduler=scheduler))
    stored = json.loads(network.save_training_state())["scheduler"]
    assert stored == {"type": "cosine", "initial_lr": 0.25, "warmup_steps": 2}


class Halving(LRScheduler):
    label = "halving"

    def rates(self, steps):
        return 0.5 ** (1 + steps)


@pytest.mark.parametrize("make", [Halving, lambda: WarmupScheduler(2, 0.0, 0.5, Halving())])
def test_a_scheduler_of_ones_own_has_to_be_passed_again(make):
    straight, begun, resumed = (network_on(seed=seed) for seed in (6, 6, 99))
    expected = straight.train(DATA, config(10, scheduler=make()))
    stopped_at(7, begun, {"scheduler": make()})
    text = begun.save_training_state()
    resumed.initialize_weights()
    before = copied_weights(resumed)
    with pytest.raises(SpecError, match="a class of its own") as error:
        resumed.train(DATA, config(10, resume_from=text))
    assert "Pass the scheduler again" in error.value.hint
    assert_same_arrays(before, copied_weights(resumed))
    result = resumed.train(DATA, config(10, scheduler=make(), resume_from=text))
    assert_same_trainings(straight, resumed, expected, result)


def test_a_state_saved_while_the_training_runs_is_of_a_whole_step():
    running, resumed, straight = network_on(), network_on(seed=99), network_on()
    expected = straight.train(DATA, config(10))
    texts = []
    running.train(DATA, config(10), lambda event: texts.append(running.save_training_state()))
    result = resumed.train(DATA, config(10, resume_from=texts[len(texts) // 2]))
    assert_same_trainings(straight, resumed, expected, result)


def test_an_optimizer_and_scheduler_of_the_config_are_used_instead():
    begun, resumed = network_on(), network_on()
    begun.train(DATA, config(2, optimizer="adamw"))
    state = begun.save_training_state()
    other = AdamWOptimizer(0.5)
    rates = []
    resumed.train(
        DATA,
        config(
            3, optimizer=other, scheduler=CosineAnnealingScheduler(0.5, 0.1, 9), resume_from=state
        ),
        lambda event: rates.append(event.learning_rate),
    )
    assert other.beta1 == 0.9  # LoadState takes the settings too
    assert other.steps_done == 3 * BATCHES
    assert rates[-1] == pytest.approx(0.1)
    with pytest.raises(SpecError, match="not of 'sgd'"):
        resumed.train(DATA, config(3, optimizer="sgd", resume_from=state))


def test_schedulers_within_schedulers_are_stored():
    begun, resumed = network_on(), network_on()
    inner = CosineAnnealingScheduler(0.2, 0.0, 6, restarts=True)
    begun.train(DATA, config(1, scheduler=WarmupScheduler(3, 0.0, 0.2, inner)))
    resumed.train(DATA, config(1, resume_from=begun.save_training_state()))
    found = resumed.position.scheduler
    assert found.name() == "Warmup+CosineAnnealingWarmRestarts"
    assert vars(found.after_scheduler) == vars(inner)


def test_a_training_that_is_over_is_returned_as_it_was():
    network, resumed = network_on(), network_on(seed=99)
    done = network.train(DATA, config(2))
    result = resumed.train(DATA, config(2, resume_from=network.save_training_state()))
    assert_same_trainings(network, resumed, done, result)


def saved(**more):
    network = network_on()
    network.train(DATA, config(2, optimizer="adamw", **more))
    return json.loads(network.save_training_state())


def changed(**parts):
    return json.dumps({**saved(), **parts})


def without(key):
    state = saved()
    del state[key]
    return json.dumps(state)


BAD = [
    (lambda: "", ModelFormatError, "is empty"),
    (lambda: "[]", ModelFormatError, "must be a JSON object"),
    (lambda: "{}", ModelFormatError, "no loom-training-state"),
    (lambda: changed(version=2), ModelFormatError, "of version 1"),
    (lambda: changed(weights=[]), ModelFormatError, "no object 'weights'"),
    (lambda: changed(weights={}), ModelFormatError, "weights format None"),
    (lambda: changed(optimizer=None), ModelFormatError, "no object 'optimizer'"),
    (lambda: changed(optimizer={"type": "adamw"}), ModelFormatError, "lacks beta1"),
    (lambda: changed(optimizer={"type": "eval"}), SpecError, "no optimizer 'eval'"),
    (lambda: changed(scheduler={"class": "Exec"}), SpecError, "no known class"),
    (lambda: changed(scheduler={"class": "ConstantScheduler"}), SpecError, "other settings"),
    (
        lambda: changed(scheduler={"class": "ConstantScheduler", "base_lr": -1}),
        SpecError,
        "base_lr",
    ),
    (lambda: changed(scheduler={"type": "wavy"}), SpecError, "no scheduler 'wavy'"),
    (lambda: changed(scheduler={"type": "cosine", "min_lr": []}), SpecError, "min_lr"),
    (lambda: changed(scheduler={"type": "cosine", "x": 1}), SpecError, "no field 'x'"),
    (lambda: changed(scheduler=None), SpecError, "a class of its own"),
    (lambda: without("step"), ModelFormatError, "step of the training state"),
    (lambda: changed(step=9), ModelFormatError, "holds 0 losses"),
    (lambda: changed(batches=0), ModelFormatError, "holds 0 losses"),
    (lambda: changed(batches=2), SpecError, "26 samples in 2 batches"),
    (lambda: changed(samples=27), SpecError, "27 samples in 4 batches"),
    (lambda: changed(seed=3), ModelFormatError, "digits of a whole number"),
    (lambda: changed(noise="-"), ModelFormatError, "digits of a whole number"),
    (lambda: changed(noise="9" * 50), ModelFormatError, "digits of a whole number"),
    (lambda: changed(losses="AAA="), ModelFormatError, "have 2 bytes"),
    (lambda: changed(losses="AADAfw==", step=9), NonFiniteError, "a loss of"),
    (lambda: changed(loss_history=["x"]), ModelFormatError, "list of numbers"),
    (lambda: changed(loss_history=[]), ModelFormatError, "0 losses of 2 whole epochs"),
    (lambda: changed(loss_history=[1.0, 10**400]), NonFiniteError, "holds infinity"),
    (lambda: changed(accuracy_history=None), ModelFormatError, "list of numbers"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_a_wrong_state_is_refused_before_anything_changes(make, error, message):
    network = network_on()
    network.initialize_weights()
    before, text = copied_weights(network), make()
    with pytest.raises(error, match=message):
        network.train(DATA, config(3, resume_from=text))
    assert_same_arrays(before, copied_weights(network))
    assert not network.is_training()


def test_what_was_trained_before_can_be_saved_after_a_state_was_refused():
    network = network_on()
    network.train(DATA, config(2, optimizer="adamw"))
    before = network.save_training_state()
    text = changed(optimizer=SGDOptimizer().get_state())
    with pytest.raises(SpecError, match="of type 'sgd', not of 'adamw'"):
        network.train(DATA, config(3, optimizer="adamw", resume_from=text))
    assert network.save_training_state() == before


def test_moments_of_another_size_are_refused_before_anything_changes():
    state = saved()
    state["optimizer"]["moments"]["0.kernel"]["m"] = "AACAPw=="
    network = network_on()
    network.initialize_weights()
    before = copied_weights(network)
    with pytest.raises(ShapeError, match="has 1 numbers, the weight 45"):
        network.train(DATA, config(3, resume_from=json.dumps(state)))
    assert_same_arrays(before, copied_weights(network))


def nested(value, path=()):
    """Yield the path to every value inside plain data."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from nested(item, (*path, key))


STATE = saved(scheduler={"type": "polynomial", "warmup_steps": 3, "power": 2})
PATHS = [path for path in nested(STATE) if path]
ODD = st.sampled_from([None, True, -1, 0, 3, 1e300, "", "x", "AAAA", [], [1], {}, {"m": 1}])


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(PATHS), value=ODD)
def test_any_odd_value_is_taken_or_refused_with_a_typed_error(path, value):
    state = json.loads(json.dumps(STATE))
    place = state
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    network = network_on()
    network.initialize_weights()
    before = copied_weights(network)
    try:
        network.train(DATA, config(2, resume_from=json.dumps(state)))
    except LoomError:
        assert_same_arrays(before, copied_weights(network))


def test_lists_have_their_limit(monkeypatch):
    text = changed()
    monkeypatch.setattr(limits, "LIST_ITEMS", 1)
    with pytest.raises(LimitError, match="loss_history"):
        network_on().train(DATA, config(3, resume_from=text))


def test_data_and_seed_must_be_those_of_the_beginning():
    text, network = changed(), network_on()
    batch = TrainingBatch([0.0] * 5, [1.0, 0.0, 0.0])
    with pytest.raises(SpecError, match="this training has 1 in 1"):
        network.train([batch], config(3, resume_from=text))
    with pytest.raises(SpecError, match="made with the seed 6, this config says 7"):
        network.train(DATA, config(3, resume_from=text, seed=7))
    with pytest.raises(SpecError, match="no training to save"):
        network_on().save_training_state()
