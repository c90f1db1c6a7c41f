"""Calls through a bridge, as the glue makes them, on a network of two layers."""

import json

CONFIG = json.dumps(
    {
        "seed": 1,
        "layers": [
            {"type": "dense", "input_size": 2, "output_size": 8, "activation": "tanh"},
            {"type": "dense", "output_size": 1, "activation": "sigmoid"},
        ],
    }
)
XOR = {"Inputs": [0, 0, 0, 1, 1, 0, 1, 1], "Targets": [0, 1, 1, 0]}


def value(envelope):
    """What a call gave; it fails where that is an error or a job."""
    assert list(envelope) == ["value"], envelope
    return envelope["value"]


def error(envelope):
    """What a call failed of."""
    assert list(envelope) == ["error"], envelope
    return envelope["error"]


def build(bridge):
    """Make the network; return its handle."""
    return value(bridge.call(0, "BuildNetworkFromJSON", [CONFIG]))["$object"]


def drive(bridge, job, budget_ms=1.0):
    """Advance a job to its end; return what it gave, and in how many slices."""
    slices = 0
    while True:
        envelope = bridge.advance(job, budget_ms)
        slices += 1
        if "pending" not in envelope:
            return envelope, slices
