"""Gradients, optimizers and step execution by public name with plain data, callbacks included."""

import json

import numpy as np
import pytest

from loom_core.bridge import Bridge

CONFIG = json.dumps(
    {
        "seed": 1,
        "layers": [
            {"type": "dense", "input_size": 2, "output_size": 5, "activation": "tanh"},
            {"type": "dense", "output_size": 1, "activation": "sigmoid"},
        ],
    }
)
XOR = [([0, 0], [0]), ([0, 1], [1]), ([1, 0], [1]), ([1, 1], [0])]


class Session:
    """Calls that give values, or the error's message."""

    def __init__(self):
        self.bridge = Bridge()
        self.network = self(0, "BuildNetworkFromJSON", CONFIG)

    def __call__(self, on, name, *args):
        envelope = self.bridge.call(on["$object"] if on else 0, name, list(args))
        while "job" in envelope:
            envelope = self.advance(envelope["job"])
        return envelope["value"] if "value" in envelope else envelope["error"]["message"]

    def advance(self, job):
        while True:
            envelope = self.bridge.advance(job, 1.0)
            if "pending" not in envelope:
                return envelope

    def net(self, name, *args):
        return self(self.network, name, *args)


def floats(*numbers):
    return memoryview(np.array(numbers, np.float32))


def test_gradients_and_steps_by_hand():
    call = Session()
    assert "no forward pass" in call.net("BackwardCPU", floats(1))
    call.net("ForwardCPU", floats(0.5, -0.5))
    assert call.net("BackwardCPU", floats(1)).shape == (2,)
    kernels, biases = call.net("KernelGradients"), call.net("BiasGradients")
    assert [k.shape for k in kernels] == [(10,), (5,)]
    assert [b.shape for b in biases] == [(5,), (1,)]
    assert [a.size for a in call.net("Activations")] == [2, 5, 1]
    before = call.net("ForwardCPU", floats(0.5, -0.5))
    assert call.net("UpdateWeights", 0.1) is None
    assert call.net("ForwardCPU", floats(0.5, -0.5)) < before  # down the gradient of the output
    assert call.net("ZeroGradients") is None
    assert not call.net("KernelGradients")[0].any()
    assert "learning rate must be" in call.net("ApplyGradients", -1)
    assert "learning_rate must be a number" in call.net("ApplyGradients", "fast")


def test_optimizers_are_objects():
    call = Session()
    assert call.net("GetOptimizer") is None
    optimizer = call(None, "NewAdamWOptimizer", 0.9, 0.999, 1e-8, 0.01)
    call.net("SetOptimizer", optimizer)
    call.net("ForwardCPU", floats(1, 1))
    call.net("BackwardCPU", floats(1))
    call.net("ApplyGradients", 0.01)
    assert call(optimizer, "GetState")["step"] == 1
    assert call(call.net("GetOptimizer"), "Name") == "AdamW"
    call.net("ResetOptimizer")
    assert call(optimizer, "GetState")["step"] == 0
    call.net("ApplyGradientsRMSprop", 0.01, 0.9, 1e-8, 0.5)
    assert call(call.net("GetOptimizer"), "Name") == "RMSprop (momentum)"
    call.net("ApplyGradientsSGDMomentum", 0.01, 0.9, 0, True)
    call.net("ApplyGradientsAdamW", 0.01, 0.9, 0.99, 0)
    call.net("SetOptimizer", None)
    assert call.net("GetOptimizer") is None
    assert "must be an Optimizer" in call.net("SetOptimizer", "adamw")


def test_a_network_steps():
    call = Session()
    state = call.net("InitStepState", 2)
    assert state["$class"] == "StepState"
    call(state, "SetInput", floats(0.5, -0.5))
    assert call.net("StepForward", state) > 0
    assert call.net("StepForwardSingle", state, 1) > 0
    assert call(state, "GetStepCount") == 1
    expected = call.net("ForwardCPU", floats(0.5, -0.5))
    np.testing.assert_allclose(call(state, "GetOutput"), expected, rtol=1e-6)
    assert [a.size for a in call(state, "GetLayerData")] == [2, 5, 1]
    assert call(state, "GetLayerOutput", 1).shape == (5,)
    gradient = call.net("StepBackward", state, floats(1))
    np.testing.assert_array_equal(gradient, call.net("BackwardCPU", floats(1)))
    assert "no place 7" in call(state, "GetLayerOutput", 7)


def test_a_network_steps_on_tensors():
    call = Session()
    state = call(None, "NewGenericStepState", 2, 2, "float64")
    x = call(None, "NewTensorFromSlice", floats(0.5, -0.5), [2], "float64")
    call(state, "SetInput", x)
    for _ in range(2):
        call(None, "StepForwardGeneric", call.network, state)
    out = call(state, "GetOutput")
    expected = call.net("ForwardCPU", floats(0.5, -0.5))
    np.testing.assert_allclose(call(out, "Data"), expected, rtol=1e-6)
    one = call(None, "NewTensorFromSlice", [1.0], [1], "float64")
    found = call(None, "StepBackwardGeneric", call.network, state, one)
    assert list(found) == ["GradInput", "KernelGrads", "BiasGrads", "Duration"]


def loader(form):
    def give(step):
        x, target = XOR[step % 4]
        return form(floats(*x), floats(*target), step)

    return give


FORMS = {
    "pair": lambda x, t, step: [x, t] if step < 8 else None,
    "Go": lambda x, t, step: [x, t, step < 8],
    "record": lambda x, t, step: {"Input": x, "Target": t} if step < 8 else None,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_data_loader_is_a_function_of_the_caller(form):
    call = Session()
    steps, checkpoints = [], []
    config = {
        "Optimizer": "adamw",
        "LearningRate": 0.01,
        "LRSchedule": "cosine",
        "MinLR": 0.001,
        "CheckpointEvery": 4,
        "LogEvery": 4,
        "OnStep": lambda *told: steps.append(told),
        "OnCheckpoint": lambda step, network: checkpoints.append((step, network)),
    }
    result = call.net("TrainWithStepping", config, loader(FORMS[form]), 100)
    assert result["TotalSteps"] == 8
    assert len(result["LossHistory"]) == 2
    assert result["LossHistory"][-1] == result["FinalLoss"]
    assert [step for step, _, _ in steps] == list(range(1, 9))
    assert [step for step, _ in checkpoints] == [4, 8]
    saved = call(checkpoints[0][1], "SaveModelToString", "m")
    assert json.loads(saved)["models"]


class Later:
    """A function of a page that answers after a while, and what Python sees of it."""

    def __init__(self, give):
        self.give = give
        self.tickets = []

    def __call__(self, *args):
        raise AssertionError("it has to be asked")

    def ask(self, step):
        self.tickets.append(Ticket(lambda: self.give(step)))
        return self.tickets[-1]


class Ticket:
    error, hint, value = "", "", None

    def __init__(self, give):
        self.promise = object()
        self.settle = lambda: setattr(self, "value", give())


def test_a_data_loader_may_take_its_time():
    call = Session()
    slow = Later(loader(FORMS["pair"]))
    job = call.bridge.call(call.network["$object"], "TrainWithStepping", [{}, slow, 100])["job"]
    while True:
        envelope = call.bridge.advance(job, 5.0)
        if "value" in envelope:
            break
        if "wait" in envelope:
            assert envelope["wait"] is slow.tickets[-1].promise
            slow.tickets[-1].settle()
    assert envelope["value"]["TotalSteps"] == 8
    assert len(slow.tickets) == 9


def test_a_data_loader_that_fails_ends_the_training():
    call = Session()
    slow = Later(None)
    job = call.bridge.call(call.network["$object"], "TrainWithStepping", [{}, slow, 100])["job"]
    assert "wait" in call.bridge.advance(job, 5.0)
    slow.tickets[0].error = "the file is gone"
    error = call.bridge.advance(job, 5.0)["error"]
    assert (error["code"], error["type"]) == ("call", "CallError")
    assert "the file is gone" in error["message"]
    assert call.net("IsTraining") is False
