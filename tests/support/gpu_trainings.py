"""Trainings on the GPU that tests look into: step by step, and with reads that take time."""

import contextlib

import numpy as np

from tests.support.gpu_networks import SETTINGS, data, network
from tests.support.weights import copied_weights

EACH_STEP = {**SETTINGS, "ProgressInterval": 0}
ON_GPU = {**EACH_STEP, "UseGPU": True}


class Turn:
    """What is waited for; it is over as soon as somebody goes on."""

    def __await__(self):
        yield self


@contextlib.contextmanager
def reads_take_turns(device):
    """Let each read bring what was queued before it, but only at a later turn, if ever."""
    read = device._read

    def slow(pieces):
        parts = yield from read(pieces)
        yield Turn()
        device.require_alive()
        return parts

    device._read = slow
    try:
        yield
    finally:
        del device._read


def finished(steps):
    """Go through a generator to its end, whatever it waits for; return its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def weights_after_each_step(optimizer="sgd"):
    """The weights of a training on a CPU: before it, and after each step."""
    net = network(backend="numpy")
    net.require_weights()
    seen = [copied_weights(net)]
    net.train(
        data(),
        {**EACH_STEP, "Optimizer": optimizer},
        lambda event: event.event == "batch_end" and seen.append(copied_weights(net)),
    )
    return seen


def step_of(weights, known):
    """The step after which a training had these weights; it fails where none of them had."""
    distances = [
        max(np.abs(a - b).max() for a, b in zip(weights, each, strict=True)) for each in known
    ]
    assert min(distances) < 1e-5
    return int(np.argmin(distances))


def layer_weights(net):
    """The weights, as GetLayer hands them out."""
    return [w for layer in range(3) for w in net.get_layer(0, 0, layer).copied_weights().values()]
