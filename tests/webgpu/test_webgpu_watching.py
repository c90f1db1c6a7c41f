"""Networks that are watched on the native WebGPU device: the same events as on a CPU."""

import gc

import numpy as np
import pytest

from loom_core.backends.numpy_backend import NumpyBackend
from tests.support import webgpu_support
from tests.support.observed_networks import Collector, nested_network
from tests.support.tolerances import NETWORK
from tests.support.watched_trainings import config, data
from tests.support.weights import assert_same_arrays, copied_weights


@pytest.fixture(autouse=True, scope="module")
def _one_device():
    """Keep one device for the whole module: pipelines are compiled once."""
    yield webgpu_support.backend()
    gc.collect()


def assert_same_events(found, expected):
    assert len(found) == len(expected) > 0
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.layer_idx, ours.layer_path) == (theirs.layer_idx, theirs.layer_path)
        assert (ours.type, ours.step_count) == (theirs.type, theirs.step_count)
        np.testing.assert_allclose(ours.output, theirs.output, rtol=NETWORK, atol=NETWORK)
        for name in ("weight_norm", "output_norm", "gradient_norm"):
            a, b = getattr(ours.stats, name), getattr(theirs.stats, name)
            assert a is b is None or a == pytest.approx(b, rel=NETWORK, abs=NETWORK)


def trained(backend, observer, every_n=2):
    network = nested_network(backend=backend)
    network.set_observer(observer, every_n)
    result = network.train(data(), config())
    return result, copied_weights(network)


def test_a_training_tells_what_it_tells_on_a_cpu():
    ours, theirs = Collector(100), Collector(100)
    trained(webgpu_support.backend(), ours)
    trained(NumpyBackend(), theirs)
    assert_same_events(ours.forward, theirs.forward)
    assert_same_events(ours.backward, theirs.backward)
    assert [event.type for event in ours.training] == [event.type for event in theirs.training]


def test_watching_changes_no_bit_on_the_device():
    plain, expected = trained(webgpu_support.backend(), None)
    watched, found = trained(webgpu_support.backend(), Collector(), 1)
    assert watched.loss_history == plain.loss_history
    assert_same_arrays(found, expected)


def test_forward_backward_and_telemetry_are_those_of_a_cpu():
    seen, shown = [], []
    for backend in (webgpu_support.backend(), NumpyBackend()):
        network, collector = nested_network(backend=backend), Collector(100)
        network.set_observer(collector)
        network.forward_cpu(np.ones((3, 5)))
        network.backward_cpu(np.ones((3, 4)))
        seen.append(collector.forward + collector.backward)
        shown.append([layer.activation_max for layer in network.get_telemetry().layer_stats])
    assert_same_events(*seen)
    assert shown[0] == pytest.approx(shown[1], rel=NETWORK)
