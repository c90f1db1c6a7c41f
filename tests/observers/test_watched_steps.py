"""Steps that are watched: the same numbers as plain ones, told in order, at chosen intervals."""

import numpy as np
import pytest

from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.step_data import StepData
from loom_core.cooperative import finish
from loom_core.graph.ops.updates import HYPER
from loom_core.optimize.optimizers import SGDOptimizer
from loom_core.plans.step_graph import training_plan
from loom_core.train.training_watch import TrainingWatch
from tests.support.observed_networks import Collector, digits_cnn, every_layer_type, nested_network
from tests.support.simd_support import backend as simd_backend
from tests.support.weights import assert_same_arrays

BACKENDS = {"numpy": NumpyBackend, "simd": simd_backend}
BATCH, STEPS = 4, 7


class Rig:
    """A network with the two programs that train it, and data for some steps."""

    def __init__(self, network, backend, loss="mse", rate=0.05):
        self.network = network
        network.initialize_weights()
        self.optimizer = SGDOptimizer(0.9)
        width = network.input_width()
        plans = [
            training_plan(network.layers, BATCH, width, loss, self.optimizer, watched=watched)
            for watched in (False, True)
        ]
        self.plain, self.watched = (backend.prepare(plan) for plan in plans)
        rng = np.random.default_rng(7)
        targets = plans[0].ports["target"].shape[1]
        hyper = np.zeros((STEPS, len(HYPER)), np.float32)
        hyper[:] = [self.optimizer.hyper(step + 1, rate) for step in range(STEPS)]
        tokens = network.layers[0].type_name == "embedding"
        x = rng.integers(0, 11, (STEPS, BATCH, width)) if tokens else rng.normal(
            size=(STEPS, BATCH, width)
        )  # fmt: skip
        t = np.eye(targets)[rng.integers(0, targets, (STEPS, BATCH))]
        self.data = {
            "input": x.astype(np.float32), "target": t.astype(np.float32), "hyper": hyper,
        }  # fmt: skip
        for program in (self.plain, self.watched):
            program.write("limit", np.float32(0))

    def run(self, batches=STEPS, step=0):
        watch = TrainingWatch(self.network, batches)
        report = ("loss", "norm")
        data = StepData(self.data)
        return finish(watch.run_steps(self.plain, lambda: self.watched, data, report, step))

    def weights(self):
        return [
            owner.weights[name].copy()
            for layer in self.network.layers
            for owner, name in layer.trained_weights()
        ]


@pytest.mark.parametrize("every_n", [1, 3])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", [*every_layer_type(), "digits"])
def test_watched_and_plain_steps_give_the_same_bits(name, backend, every_n):
    def rig():
        networks = {**every_layer_type(), "digits": digits_cnn()}
        loss = "cross_entropy" if name in ("images", "digits") else "mse"
        return Rig(networks[name], BACKENDS[backend](), loss)

    plain, seen = rig(), rig()
    seen.network.set_observer(Collector(), every_n)
    found, expected = seen.run(), plain.run()
    np.testing.assert_array_equal(found["loss"], expected["loss"])
    np.testing.assert_array_equal(found["norm"], expected["norm"])
    assert_same_arrays(seen.weights(), plain.weights())


def test_steps_are_watched_at_the_interval_wherever_a_go_starts():
    rig, seen = Rig(nested_network(), NumpyBackend()), Collector()
    rig.network.set_observer(seen, 3)
    rig.run(batches=100, step=4)
    steps = [event.step_count for event in seen.forward if not event.layer_path]
    assert sorted(set(steps)) == [6, 9]
    assert steps == sorted(steps)
    assert {event.mode for event in seen.forward + seen.backward} == {"training"}
    assert [event.step for event in seen.training] == list(range(5, 12))
    assert {event.type for event in seen.training} == {"batch_end"}


def test_events_of_the_training_carry_loss_rate_and_place():
    rig, seen = Rig(nested_network(), NumpyBackend()), Collector()
    rig.network.set_observer(seen, 2)
    found = rig.run()
    start, *ends = seen.training
    assert (start.type, start.epoch, start.batch) == ("epoch_start", 1, 0)
    np.testing.assert_array_equal([event.loss for event in ends], found["loss"])
    assert [event.batch for event in ends] == list(range(1, STEPS + 1))
    assert {event.epoch for event in ends} == {1}
    assert {event.learning_rate for event in ends} == {float(np.float32(0.05))}


def test_statistics_of_a_step_are_those_of_its_forward_pass_and_gradients():
    network = nested_network(backend=NumpyBackend())
    rig, seen = Rig(network, NumpyBackend()), Collector(values_kept=1000)
    x, t = rig.data["input"][0], rig.data["target"][0]
    y = network.forward_cpu(x)
    network.backward_cpu(2 * (y - t) / y.size)
    pairs = zip(network.kernel_gradients(), network.bias_gradients(), strict=True)
    norms = [np.linalg.norm(np.concatenate(pair)) for pair in pairs]
    trail = network.activations()
    network.set_observer(seen, STEPS)
    rig.run()
    forward = [event for event in seen.forward if not event.layer_path]
    backward = [event for event in seen.backward if not event.layer_path]
    for index, event in enumerate(forward):
        np.testing.assert_allclose(event.output, trail[index + 1], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(event.input, trail[index], rtol=1e-5, atol=1e-6)
    assert [event.layer_idx for event in backward] == [3, 2, 1, 0]
    np.testing.assert_allclose(
        backward[0].output, (2 * (y - t) / y.size).ravel(), rtol=1e-4, atol=1e-6
    )
    for event in backward:
        if norms[event.layer_idx]:
            assert event.stats.gradient_norm == pytest.approx(norms[event.layer_idx], rel=1e-4)
    health = network.get_telemetry().layer_stats
    shown = {layer.index: layer.gradient_norm for layer in health if layer.gradient_norm}
    assert [layer.activation_max for layer in health] == pytest.approx(
        [trail[index + 1].max() for index in range(len(health))], rel=1e-5
    )
    assert shown == pytest.approx({i: norm for i, norm in enumerate(norms) if norm}, rel=1e-4)


def test_a_softmax_that_is_one_with_its_loss_shows_the_gradient_of_its_scores():
    rig = Rig(digits_cnn(), NumpyBackend(), "cross_entropy")
    seen = Collector(values_kept=10**5)
    rig.network.set_observer(seen, STEPS)
    rig.run()
    softmax, dense, *_ = seen.backward
    assert (softmax.layer_idx, dense.layer_idx) == (3, 2)
    y = next(event.output for event in seen.forward if event.layer_idx == 3)
    expected = (np.asarray(y).reshape(BATCH, 10) - rig.data["target"][0]) / BATCH
    np.testing.assert_allclose(softmax.output, expected.ravel(), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(dense.output, softmax.output)


@pytest.mark.parametrize("bad", [0, 3, STEPS - 1])
@pytest.mark.parametrize("every_n", [1, 2, 100])
def test_a_step_that_is_not_finite_ends_the_go_and_harms_no_weight(bad, every_n):
    def rig():
        made = Rig(nested_network(), NumpyBackend())
        made.data["target"][bad] = 3e38
        return made

    plain, seen = rig(), rig()
    seen.network.set_observer(Collector(), every_n)
    expected, found = plain.run(), seen.run()
    assert len(found["loss"]) == len(expected["loss"]) == bad + 1
    assert not np.isfinite(found["loss"][-1])
    assert_same_arrays(seen.weights(), plain.weights())
    assert seen.optimizer.halted[0] != 0


def test_while_nobody_listens_all_steps_run_in_one_call():
    rig = Rig(nested_network(), NumpyBackend())
    calls = []
    run_steps = rig.plain.run_steps
    rig.plain.run_steps = lambda data, report: calls.append(report) or run_steps(data, report)
    rig.watched = None
    rig.run()
    assert calls == [("loss", "norm")]
