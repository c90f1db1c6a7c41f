"""A network that trains in one thread answers another one with the weights of whole steps."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from loom_core import Dense, Network, TrainingConfig, TrainingData
from tests.support.observed_networks import Collector


@pytest.fixture
def another_thread():
    with ThreadPoolExecutor(1) as pool:
        yield lambda call: pool.submit(call).result()


def network():
    return Network.of(Dense(1, "linear"), input_size=2, seed=1)


def is_free(net, another_thread):
    """Return whether another thread could compute with the network's weights now."""

    def tried():
        lock = net.control.whole_steps
        if free := lock.acquire(blocking=False):
            lock.release()
        return free

    return another_thread(tried)


def test_others_wait_for_the_end_of_steps_and_come_in_between(another_thread):
    net, within, between = network(), [], []

    class Watcher(Collector):
        def on_forward(self, event):
            within.append(is_free(net, another_thread))

    net.set_observer(Watcher())
    data = TrainingData([0, 1, 1, 0], [1, 0], batch_size=1)
    config = TrainingConfig(epochs=2, progress_interval=0)
    net.train(data, config, lambda event: between.append(is_free(net, another_thread)))
    assert within
    assert not any(within)
    assert between
    assert all(between)


def test_a_prediction_keeps_the_steps_of_another_thread_out(another_thread, monkeypatch):
    net, seen = network(), []
    run = Network.run_forward

    def looked_at(self, program):
        seen.append(is_free(net, another_thread))
        run(self, program)

    monkeypatch.setattr(Network, "run_forward", looked_at)
    net.forward_cpu(np.zeros(2, np.float32))
    assert seen == [False]
    assert is_free(net, another_thread)
