"""Learning-rate schedulers: formulas at chosen steps, ends, restarts, warm-up, wrong settings."""

import inspect
import json
import math
from dataclasses import fields
from typing import get_args

import numpy as np
import pytest

from loom_core import Dense, Network, SpecError, TrainingData
from loom_core.optimize import schedulers as s
from loom_core.optimize.scheduler_config import (
    SCHEDULERS,
    SchedulerConfig,
    SchedulerName,
    make_scheduler,
)
from loom_core.public import FUNCTIONS
from loom_core.stepping.training_config import SteppingTrainingConfig
from tests.support.fixture_files import LOOM_MODELS

LOOM = json.loads((LOOM_MODELS / "schedulers.json").read_text())


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (s.ConstantScheduler(0.3), {0: 0.3, 1000: 0.3}),
        (s.LinearDecayScheduler(1.0, 0.2, 4), {0: 1.0, 1: 0.8, 4: 0.2, 9: 0.2}),
        (s.CosineAnnealingScheduler(1.0, 0.2, 4), {0: 1.0, 2: 0.6, 4: 0.2, 5: 0.2}),
        (
            s.new_cosine_annealing_with_warm_restarts(1.0, 0.2, 4),
            {0: 1.0, 2: 0.6, 3: 0.2 + 0.4 * (1 - math.sqrt(0.5)), 4: 1.0, 10: 0.6},
        ),
        (s.ExponentialDecayScheduler(1.0, 0.25, 2), {0: 1.0, 1: 0.5, 4: 0.0625}),
        (s.StepDecayScheduler(1.0, 0.5, 3), {0: 1.0, 2: 1.0, 3: 0.5, 6: 0.25}),
        (s.PolynomialDecayScheduler(1.0, 0.0, 4, 2.0), {0: 1.0, 2: 0.25, 4: 0.0, 7: 0.0}),
        (s.InverseSquareRootScheduler(1.0, 3), {0: 1.0, 9: 0.5, 24: 1 / 3, 72: 0.2}),
        (s.WarmupScheduler(4, 0.0, 1.0), {0: 0.0, 1: 0.25, 4: 1.0, 40: 1.0}),
        (
            s.WarmupScheduler(4, 0.0, 1.0, s.LinearDecayScheduler(1.0, 0.0, 2)),
            {3: 0.75, 4: 1.0, 5: 0.5, 6: 0.0},
        ),
    ],
    ids=lambda value: getattr(value, "label", ""),
)
def test_rates_at_chosen_steps(scheduler, expected):
    found = {step: scheduler.get_lr(step) for step in expected}
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)
    together = scheduler.rates(np.array(list(expected), np.float64))
    np.testing.assert_array_equal(together, list(found.values()))


def test_names_in_configs_are_those_of_the_rows():
    assert get_args(SchedulerName) == tuple(SCHEDULERS)


def test_configs_have_the_settings_of_all_rows_and_no_others():
    settings = {name for row in SCHEDULERS.values() for name in row.settings}
    shared = {"type", "initial_lr", "warmup_steps", "warmup_lr"}
    assert {field.name for field in fields(SchedulerConfig)} == settings | shared


NEEDED = {"cosine_warm_restarts": {"restart_period": 5}, "warmup": {"warmup_steps": 5}}
"""What a scheduler cannot do without."""


@pytest.mark.parametrize(
    ("name", "setting"), [(name, key) for name, row in SCHEDULERS.items() for key in row.settings]
)
def test_both_configs_hand_a_setting_to_the_scheduler(name, setting):
    given = {**NEEDED.get(name, {}), setting: 3}
    made = make_scheduler(SchedulerConfig(name, **given), 0.5, 20)
    attribute = "total_steps" if setting == "restart_period" else setting
    assert getattr(made, attribute) == 3
    theirs = {"final_lr": "min_lr", "decay_factor": "decay_rate"}
    given = {theirs.get(key, key): value for key, value in given.items()}
    by_ticks = SteppingTrainingConfig(learning_rate=0.5, lr_schedule=name, **given)
    assert vars(by_ticks.make_scheduler(20)) == vars(made)


@pytest.mark.parametrize("kind", {row.kind for row in SCHEDULERS.values()} | {s.WarmupScheduler})
def test_javascript_can_make_each_scheduler(kind):
    make = FUNCTIONS[f"New{kind.__name__}"]
    plain = [n for n, p in inspect.signature(kind).parameters.items() if p.kind != p.KEYWORD_ONLY]
    assert [*inspect.signature(make).parameters] == plain


def test_inverse_square_root_after_a_warm_up_is_the_schedule_of_the_transformer():
    config = SchedulerConfig("inverse_sqrt", decay_steps=40, warmup_steps=40)
    made, peak = make_scheduler(config, 0.5, 1000), 40**-0.5
    for step in (0, 1, 39, 40, 41, 160, 999):
        expected = min(step * 40**-1.5, (step or math.inf) ** -0.5) / peak
        assert made.get_lr(step) == pytest.approx(0.5 * expected, rel=1e-12)


MADE = {
    "constant(0.01)": s.ConstantScheduler(0.01),
    "cosine(0.1,0.001,10)": s.CosineAnnealingScheduler(0.1, 0.001, 10),
    "exponential(0.1,0.9,3)": s.ExponentialDecayScheduler(0.1, 0.9, 3),
    "linear(0.1->0.001,10)": s.LinearDecayScheduler(0.1, 0.001, 10),
    "polynomial(0.1,0.001,10,2)": s.PolynomialDecayScheduler(0.1, 0.001, 10, 2),
    "step(0.1,0.5,4)": s.StepDecayScheduler(0.1, 0.5, 4),
    "warmup(5,0.001,0.1,cosine(0.1,0.001,10))": s.WarmupScheduler(
        5, 0.001, 0.1, s.CosineAnnealingScheduler(0.1, 0.001, 10)
    ),
    "warmup(5,0.001,0.1,nil)": s.WarmupScheduler(5, 0.001, 0.1),
}


@pytest.mark.parametrize("name", LOOM["schedulers"])
def test_rates_and_names_are_those_of_loom(name):
    expected = LOOM["schedulers"][name]
    np.testing.assert_allclose(
        MADE[name].rates(np.arange(16.0)), expected["lr_at_steps_0_15"], rtol=2e-6
    )
    assert MADE[name].name() == expected["name"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: s.LinearDecayScheduler(1, 0, 0), "total_steps must be"),
        (lambda: s.CosineAnnealingScheduler(1, 0, 0), "total_steps must be"),
        (lambda: s.new_cosine_annealing_with_warm_restarts(1, 0, 0), "restart_period must be"),
        (lambda: s.ExponentialDecayScheduler(1, 0.5, 0), "decay_steps must be"),
        (lambda: s.ExponentialDecayScheduler(1, 0, 1), "decay_rate must be"),
        (lambda: s.StepDecayScheduler(1, 0.5, 0), "step_size must be"),
        (lambda: s.PolynomialDecayScheduler(1, 0, 0, 1), "total_steps must be"),
        (lambda: s.PolynomialDecayScheduler(1, 0, 1, 0), "power must be"),
        (lambda: s.WarmupScheduler(0, 0, 1), "warmup_steps must be"),
        (lambda: s.WarmupScheduler(1, 0, 1, 0.5), "must be a scheduler"),
        (lambda: s.ConstantScheduler(math.nan), "base_lr must be finite"),
        (lambda: s.ConstantScheduler(-1), "at least 0"),
        (lambda: s.ConstantScheduler("1"), "base_lr must be a number"),
        (lambda: s.ConstantScheduler(1).get_lr(-1), "step must be"),
        (lambda: s.ConstantScheduler(1).get_lr(1.5), "step must be"),
        (lambda: s.ConstantScheduler(1).get_lr(2**60), "at most 2\\^53"),
        (
            lambda: s.ExponentialDecayScheduler(1, 10, 1).get_lr(50),
            "rate of step 50 must be finite",
        ),
    ],
)
def test_settings_without_meaning_are_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()


@pytest.mark.parametrize(
    "rates",
    [lambda n: [0.1] * (n + 1), lambda n: [-0.1] * n, lambda n: [math.nan] * n],
    ids=["one too many", "negative", "NaN"],
)
def test_rates_that_cannot_be_used_change_no_weight(rates):
    class Own(s.LRScheduler):
        label = "own"

        def rates(self, steps):
            return np.array(rates(len(steps)))

    network = Network.of(Dense(1, "tanh"), input_size=2, seed=1)
    network.initialize_weights()
    before = network.save_model_to_string("m")
    data = TrainingData([0, 1, 1, 0], [0, 1], batch_size=2)
    with pytest.raises(SpecError, match="own"):
        network.train(data, {"epochs": 4, "scheduler": Own()})
    assert network.save_model_to_string("m") == before
