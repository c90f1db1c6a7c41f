"""Cooperative calls that wait for something outside: through the bridge, and as plain calls."""

import asyncio
import sys
import threading
import types

import numpy as np
import pytest

from loom_core import BackendError, Dense, Network, cooperative
from loom_core.bridge import Bridge
from loom_core.cooperative import Cooperative, finish
from loom_core.public import FUNCTIONS
from tests.support.webgpu_support import backend


class Promise:
    """Something to wait for; whoever waits sets what became of it."""

    outcome = None

    def __await__(self):
        yield self


def waiting(promise):
    """Wait once, and return what became of it."""
    yield False
    yield promise
    return promise.outcome


@pytest.fixture
def suspending(monkeypatch):
    """A browser's module that can, or cannot, suspend Python until a promise is settled."""
    ffi = types.ModuleType("pyodide.ffi")
    ffi.can_run_sync = lambda: True
    ffi.run_sync = lambda promise: setattr(promise, "outcome", 5)
    monkeypatch.setitem(sys.modules, "pyodide", types.ModuleType("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)
    return ffi


@pytest.mark.usefixtures("suspending")
def test_a_plain_call_waits_where_the_browser_can_suspend_it():
    assert finish(waiting(Promise())) == 5


def test_a_plain_call_that_cannot_wait_says_what_to_call_instead(suspending):
    suspending.can_run_sync = lambda: False
    with pytest.raises(BackendError, match="cannot wait here") as error:
        finish(waiting(Promise()))
    assert "InitGPU" in error.value.hint


def test_outside_a_browser_there_is_nothing_to_wait_for():
    with pytest.raises(TypeError, match="internal: an awaitable outside a browser"):
        finish(waiting(Promise()))


def turns(count, log):
    """Wait for others so many times, and note the end."""
    try:
        for _ in range(count):
            yield True
        return "done"
    finally:
        log.append("closed")


def test_a_plain_call_sleeps_while_it_waits_for_others(monkeypatch):
    slept, log = [], []
    monkeypatch.setattr(cooperative.time, "sleep", slept.append)
    assert finish(turns(3, log)) == "done"
    assert slept == [cooperative.TURN_SECONDS] * 3
    finish(False for _ in range(3))  # to give way is not to wait
    assert len(slept) == 3


def test_an_interrupt_while_a_training_is_paused_ends_it(monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(cooperative.time, "sleep", interrupt)
    log = []
    with pytest.raises(KeyboardInterrupt) as held:  # its traceback keeps the call's frames
        finish(turns(3, log))
    assert log == ["closed"]
    network = Network.of(Dense(2, "tanh"), input_size=3, seed=1)
    batch = {"Input": [1, 2, 3], "Target": [0, 1]}
    with pytest.raises(KeyboardInterrupt) as held:
        network.train([batch], {"epochs": 9}, lambda event: network.pause_training())
    assert held.value.__traceback__
    assert not network.is_training()
    network.train([batch], {"epochs": 1})


def test_another_thread_resumes_a_paused_training():
    network = Network.of(Dense(2, "tanh"), input_size=3, seed=1)
    paused = threading.Event()

    def pause_once(event):
        if not paused.is_set():
            network.pause_training()
            paused.set()

    def resume():
        paused.wait()
        network.resume_training()

    other = threading.Thread(target=resume)
    other.start()
    result = network.train([{"Input": [1, 2, 3], "Target": [0, 1]}], {"epochs": 9}, pause_once)
    other.join()
    assert (result.steps, result.stopped) == (9, False)


def test_in_a_browser_others_have_their_turn_or_the_call_says_so(monkeypatch, suspending):
    monkeypatch.setattr(cooperative.sys, "platform", "emscripten")
    waited = []

    def run_sync(turn):
        waited.append(asyncio.run(turn))

    suspending.run_sync = run_sync
    assert finish(turns(2, [])) == "done"
    assert waited == [None, None]
    suspending.can_run_sync, log = lambda: False, []
    with pytest.raises(BackendError, match=r"or for another call .* cannot wait here"):
        finish(turns(2, log))
    assert log == ["closed"]


def test_the_bridge_hands_on_what_a_job_waits_for(monkeypatch):
    promise = Promise()
    monkeypatch.setitem(FUNCTIONS, "WaitOnce", Cooperative(lambda: waiting(promise)))
    bridge = Bridge()
    job = bridge.call(0, "WaitOnce", [])["job"]
    assert bridge.advance(job, 1000) == {"pending": True, "paused": False, "wait": promise}
    promise.outcome = 7
    assert bridge.advance(job, 1000) == {"value": 7}
    assert bridge.live_jobs() == 0


def test_a_training_cancelled_on_the_gpu_brings_its_weights_back_as_a_job_of_its_own():
    backend()  # which is kept, with its kernels
    network = Network.of(Dense(2, "tanh"), input_size=3, seed=1)
    network.require_weights()
    before = network.layers[0].copied_weights()
    bridge = Bridge()
    handle = bridge._to_plain(network)["$object"]
    data = {"Inputs": np.ones(30), "Targets": np.zeros(20), "BatchSize": 5}
    config = {"Epochs": 10_000, "LearningRate": 0.1, "UseGPU": True}
    job = bridge.call(handle, "Train", [data, config])["job"]
    for _ in range(20):
        assert bridge.advance(job, 0)["pending"]
    assert network.programs.ahead()
    assert bridge.live_jobs() == 1
    settling = bridge.cancel(job)["job"]
    while "pending" in (reply := bridge.advance(settling, 1000)):
        pass
    assert reply == {"value": None}
    assert bridge.live_jobs() == 0
    assert not network.is_training()
    after = network.layers[0].copied_weights()
    assert any((after[name] != before[name]).any() for name in before)
    x = np.ones(3)
    np.testing.assert_allclose(network.forward_gpu(x), network.forward_cpu(x), rtol=1e-5)
    assert bridge.cancel(job) == {"value": None}
    job = bridge.call(handle, "Train", [data, config])["job"]
    for _ in range(5):
        assert bridge.advance(job, 0)["pending"]
    bridge.release(handle)
    assert bridge.live_jobs() == 0
    network.release_gpu()
