"""Whole networks on the SIMD backend against NumPy: outputs, training steps, models."""

from itertools import cycle

import numpy as np
import pytest

from loom_core import Dense, Network
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.step_data import PickedRows, StepData
from loom_core.cooperative import finish
from loom_core.optimize.optimizer_config import make_optimizer
from loom_core.optimize.optimizers import OPTIMIZERS as OPTIMIZERS_BY_NAME
from loom_core.plans.step_graph import training_plan
from tests.support.layer_stacks import STACKS, stack
from tests.support.network_runs import (
    LOADABLE,
    OPTIMIZERS,
    assert_inference_equals_numpy,
    assert_model_equals_numpy,
    assert_training_equals_numpy,
    weights_of,
)
from tests.support.simd_support import backend
from tests.support.step_programs import program_of, rate_only, run_steps, steps_data
from tests.support.tolerances import NETWORK, assert_close
from tests.support.weights import assert_same_arrays


@pytest.mark.parametrize("name", STACKS)
def test_inference_equals_numpy(name):
    assert not assert_inference_equals_numpy(name, backend()).fallbacks


@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [
        ("cross_entropy", "sgd"),
        *(("mse", name) for name in ("sgd", "momentum", "adamw", "rmsprop")),
    ],
)
@pytest.mark.parametrize("name", STACKS)
def test_training_steps_equal_numpy(name, loss, optimizer):
    assert not assert_training_equals_numpy(name, backend(), loss, optimizer).fallbacks


@pytest.mark.parametrize("optimizer", OPTIMIZERS_BY_NAME)
def test_a_step_of_every_optimizer_is_one_call_of_the_kernels(optimizer):
    layers, _ = stack(Dense(9, "tanh", input_size=5), width=5)
    plan = training_plan(layers, 4, 5, "mse", make_optimizer(optimizer))
    assert not backend().prepare(plan).fallbacks


@pytest.mark.parametrize(
    ("name", "optimizer"), [*zip(LOADABLE, cycle(OPTIMIZERS), strict=False)], ids=LOADABLE
)
def test_models_saved_by_loom_do_what_they_do_on_numpy(name, optimizer):
    report = assert_model_equals_numpy(name, backend(), optimizer)
    assert (report.used, report.fallbacks) == ("simd", {})


def test_steps_in_one_call_equal_steps_one_by_one():
    data = steps_data(5, 3, 4, 20)
    trained = [program_of(runs) for runs in (backend(), NumpyBackend())]
    found, expected = (run_steps(program, data) for _, program in trained)
    assert [found[port].shape for port in found] == [(20,), (20,), (20, 4)]
    for port in found:
        assert_close(found[port], expected[port], NETWORK, port)
    for a, b in zip(*(weights_of(layers) for layers, _ in trained), strict=True):
        assert_close(a, b, NETWORK, "weights")


def picked_rows(width, outputs, batch, steps):
    """Rows of a data set in an order with repeats: of rows in a step, and of whole steps."""
    rng = np.random.default_rng(3)
    numbers = rng.integers(0, 11, (steps, batch)).astype(np.int32)
    numbers[2] = numbers[1]
    numbers[4] = np.arange(3, 3 + batch)
    tables = rng.uniform(-1, 1, (11, width)), rng.uniform(0, 1, (11, outputs))
    return [PickedRows(table.astype(np.float32), numbers) for table in tables]


@pytest.mark.parametrize("make", [backend, NumpyBackend])
def test_rows_picked_from_a_table_train_as_their_copies_do(make):
    inputs, targets = picked_rows(5, 3, 4, 9)
    rates = np.tile(rate_only(0.1), (9, 1))
    picked = StepData({"input": inputs, "target": targets, "hyper": rates})
    (ours, program), (theirs, other) = program_of(make()), program_of(make())
    losses = [
        finish(program.run_steps(picked.part(start, count), ("loss",)))["loss"]
        for start, count in ((0, 1), (1, 5), (6, 3))
    ]
    copies = {"input": inputs[:], "target": targets[:], "hyper": rates}
    np.testing.assert_array_equal(np.concatenate(losses), run_steps(other, copies)["loss"])
    assert_same_arrays(weights_of(ours), weights_of(theirs))


@pytest.mark.parametrize("make", [backend, NumpyBackend])
def test_a_loss_that_is_not_finite_ends_the_steps_before_the_weights_change(make):
    data = steps_data(5, 3, 4, 6)
    data["target"][2, 1] = np.nan
    layers, program = program_of(make())
    losses = run_steps(program, data)["loss"]
    assert np.isfinite(losses).tolist() == [True, True, False]
    again, other = program_of(make())
    run_steps(other, {port: values[:2] for port, values in data.items()})
    assert_same_arrays(weights_of(layers), weights_of(again))


@pytest.mark.parametrize("make", [backend, NumpyBackend])
def test_ports_with_different_numbers_of_steps_are_an_error(make):
    _, program = program_of(make())
    data = steps_data(5, 3, 4, 6)
    with pytest.raises(ValueError, match=r"\[5, 6\] steps"):
        run_steps(program, {**data, "hyper": data["hyper"][:5]})
    with pytest.raises(ValueError, match=r"hyper|reshape"):
        run_steps(program, {**data, "hyper": data["hyper"][:, :5]})


def test_training_on_both_backends_reaches_the_same_weights():
    networks = []
    for runs in (backend(), NumpyBackend()):
        network = Network.of(
            Dense(8, "tanh"), Dense(2, "linear"), input_size=4, seed=3, backend=runs
        )
        rng = np.random.default_rng(1)
        data = {"Inputs": rng.standard_normal(80), "Targets": rng.standard_normal(40)}
        network.train({**data, "BatchSize": 8}, {"Epochs": 5, "LearningRate": 0.1})
        networks.append(network)
    for a, b in zip(*(weights_of(n.layers) for n in networks), strict=True):
        assert_close(a, b, NETWORK, "weights")
