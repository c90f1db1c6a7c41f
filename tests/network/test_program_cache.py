"""How many programs a network keeps: the last of each kind, whose memory goes with them."""

import gc

import numpy as np
import pytest

from loom_core import Dense, Network
from loom_core.backends.program_cache import MOST_OF_A_KIND
from tests.support import webgpu_support
from tests.support.gpu_networks import SETTINGS, assert_same_weights, data, network
from tests.support.tolerances import NETWORK, assert_close

MANY = 5 * MOST_OF_A_KIND


def samples(count):
    return np.random.default_rng(count).standard_normal((count, 12)).astype(np.float32)


@pytest.fixture
def gpu_bytes():
    """Return a function that tells how much memory of the GPU tests have taken since the start."""
    device = webgpu_support.device()
    gc.collect()
    before = device.memory_bytes
    return lambda: device.memory_bytes - before


def test_a_gpu_keeps_the_memory_of_the_last_batch_sizes_only(gpu_bytes):
    net, few = network(), network()
    for made in (net, few):
        made.init_gpu()
    for batch in range(MANY - MOST_OF_A_KIND + 1, MANY + 1):
        few.forward_gpu(samples(batch))
    expected = gpu_bytes()
    for batch in range(1, MANY + 1):
        net.forward_gpu(samples(batch))
    assert gpu_bytes() == 2 * expected
    assert_close(net.forward_gpu(samples(1)), net.forward_cpu(samples(1)), NETWORK, "output")


@pytest.mark.parametrize("backend", ["numpy", "auto", "webgpu"])
def test_programs_that_were_not_asked_for_longest_go_first(backend):
    net = network(backend=backend)
    often = net.program(1, 12)
    for batch in range(2, MANY):
        net.program(batch, 12)
        assert net.program(1, 12) is often
    kept = [program.plan.ports["input"].shape[0] for program in net.programs]
    assert sorted(kept) == [1, *range(MANY - MOST_OF_A_KIND + 1, MANY)]


def test_kinds_do_not_drive_each_other_out():
    net = network(backend="numpy")
    net.train(data(), SETTINGS)
    trained = list(net.programs)
    for batch in range(1, MANY):
        net.forward_cpu(samples(batch))
    assert all(any(program is kept for kept in net.programs) for program in trained)


def test_the_last_forward_serves_a_backward_when_its_program_is_dropped():
    net, plain = network(backend="numpy"), network(backend="numpy")
    for made in (net, plain):
        made.forward_cpu(samples(3))
    for batch in range(4, MANY):
        net.program(batch, 12)
    np.testing.assert_array_equal(
        net.backward_cpu(np.ones((3, 4))), plain.backward_cpu(np.ones((3, 4)))
    )


def test_layers_that_are_stepped_one_by_one_keep_their_programs():
    net = Network(4, 1, 1, 2 * MOST_OF_A_KIND, backend="numpy")
    for index in range(2 * MOST_OF_A_KIND):
        net.set_layer(0, 0, index, Dense(4, "tanh", input_size=4))
    state = net.init_step_state(4)
    made = []
    for _ in range(2):
        for index in range(2 * MOST_OF_A_KIND):
            net.step_forward_single(state, index)
        made.append(list(net.programs))
    assert len(made[0]) == 2 * MOST_OF_A_KIND
    assert all(a is b for a, b in zip(*made, strict=True))


def test_weights_that_are_ahead_on_a_gpu_outlive_other_programs():
    net, plain = network(), network()
    settings = {**SETTINGS, "UseGPU": True, "ProgressInterval": 0}

    def on_progress(event):
        for batch in range(1, MOST_OF_A_KIND + 3):
            net.forward_gpu(samples(batch))

    net.train(data(), settings, on_progress)
    plain.train(data(), settings)
    assert_same_weights(net, plain)


def test_a_program_that_is_ahead_is_not_dropped(monkeypatch):
    net = network(backend="webgpu")
    changing = net.program(1, 12)
    monkeypatch.setattr(changing, "ahead", lambda: True)
    for batch in range(2, MANY):
        net.program(batch, 12)
    assert any(program is changing for program in net.programs)
    monkeypatch.setattr(changing, "ahead", lambda: False)
    net.program(MANY, 12)
    assert not any(program is changing for program in net.programs)
