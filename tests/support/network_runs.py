"""Whole networks on a backend against NumPy: layer stacks, optimizers, and models saved by Loom.

Nothing here needs a test runner or a device.
"""

import json

import numpy as np

import loom_core
from loom_core import Softmax
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.optimize.optimizer_config import make_optimizer
from loom_core.plans.step_graph import inference_plan, training_plan
from tests.support.fixture_files import LOOM_MODELS
from tests.support.layer_stacks import STACKS, stack
from tests.support.tolerances import NETWORK, assert_close
from tests.support.weights import weights_of

LOADABLE = json.loads((LOOM_MODELS / "loadable.json").read_text())
STEPS = 3

EPSILON = 1e-3
"""Above the rounding of gradients that are 0 in theory (an attention's key bias has one): divided
by a smaller number, their noise would be whole steps."""

OPTIMIZERS = {
    "sgd": (0.05, {"Type": "sgd"}),
    "momentum": (0.05, {"Type": "sgd", "Momentum": 0.9, "Dampening": 0.1}),
    "nesterov": (0.05, {"Type": "sgd", "Momentum": 0.9, "Nesterov": True, "WeightDecay": 0.01}),
    "adamw": (0.01, {"Type": "adamw", "Epsilon": EPSILON}),
    "rmsprop": (0.01, {"Type": "rmsprop", "Epsilon": EPSILON}),
    "rmsprop with momentum": (0.01, {"Type": "rmsprop", "Epsilon": EPSILON, "Momentum": 0.5}),
}
"""Rates and settings. RMSprop's first steps are ten times its rate; what they amplify is to stay
small."""


def assert_same_runs(found, expected, name):
    """Compare what two backends made: arrays in the same order, by what they are."""
    assert found.keys() == expected.keys()
    for what, arrays in expected.items():
        for a, b in zip(found[what], arrays, strict=True):
            assert_close(a, b, NETWORK, f"{name}: {what}")


def assert_inference_equals_numpy(name, runs):
    """Compare a stack's outputs; return the program of the backend."""
    (program, found), (_, expected) = (output_of(name, each) for each in (runs, NumpyBackend()))
    assert_same_runs(found, expected, name)
    return program


def output_of(name, runs):
    """Return the program of a stack on a backend, and its output."""
    make, width = STACKS[name]
    layers, _ = stack(*make(), width=width)
    program = runs.prepare(inference_plan(layers, 4, width))
    program.write("input", np.random.default_rng(5).standard_normal((4, width)).astype(np.float32))
    program.run()
    return program, {"output": [program.read("output")]}


def assert_training_equals_numpy(name, runs, loss, optimizer):
    """Compare losses and weights of a stack's first steps; return the program of the backend."""
    (program, found), (_, expected) = (
        trained(name, each, loss, optimizer) for each in (runs, NumpyBackend())
    )
    assert_same_runs(found, expected, name)
    return program


def trained(name, runs, loss, optimizer):
    """Return the program that trains a stack on a backend, and losses and weights of its steps."""
    make, width = STACKS[name]
    layers, outputs = stack(*make(), width=width)
    if loss == "cross_entropy" and not name.startswith("softmax"):
        layers.append(Softmax())  # probabilities in, as the loss wants
    rate, settings = OPTIMIZERS[optimizer]
    updates = make_optimizer(settings)
    program = runs.prepare(training_plan(layers, 4, width, loss, updates))
    ports = program.plan.ports
    rng = np.random.default_rng(5)
    data = {
        "input": rng.uniform(-1, 1, (4, width)),
        "target": rng.uniform(0, 1, (4, outputs)),
        "limit": 0.0,
    }
    found = {}
    for step in range(1, STEPS + 1):
        data["hyper"] = updates.hyper(step, rate)
        noise = rng.uniform(-1, 1, 64)
        noises = [port for port, value in ports.items() if value.noise is not None]
        data |= {port: np.resize(noise, ports[port].shape) for port in noises}
        for port in ports.keys() & data.keys():  # some are not there where nothing is trained
            program.write(port, np.asarray(data[port], np.float32))
        program.run()
        found[f"loss {step}"] = [program.read("loss")]
        found[f"weights {step}"] = [weight.copy() for weight in weights_of(layers)]
    return program, found


def assert_model_equals_numpy(name, runs, optimizer):
    """Compare all that a saved model gives; return the report of the backend."""
    (report, found), (_, expected) = (numbers_of(name, each, optimizer) for each in (runs, "numpy"))
    assert_same_runs(found, expected, name)
    return report


def numbers_of(name, runs, optimizer):
    """Return the report of a backend, and all that a saved model gives on it."""
    case = json.loads((LOOM_MODELS / f"{name}.json").read_text(encoding="utf-8"))
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    network.set_backend(runs)
    outputs = [network.forward_cpu(x) for x in case["inputs"]]
    x, y = case["inputs"][-1], outputs[-1]
    dx = network.backward_cpu(np.cos(np.arange(y.size)))
    gradients = [*network.kernel_gradients(), *network.bias_gradients()]
    losses = []
    if weights_of(network.layers):
        target = (1 + np.sin(np.arange(y.size))) / 2
        rate, settings = OPTIMIZERS[optimizer]
        config = {"Epochs": STEPS, "LearningRate": rate, "Optimizer": settings}
        losses = network.train([{"Input": x, "Target": target}], config).loss_history
    weights = [
        np.concatenate([np.zeros(0), *(weight.ravel() for weight in weights_of([layer]))])
        for layer in network.layers
    ]
    report = network.backend_report()
    return report, {
        "output": outputs,
        "input gradient": [dx],
        "gradients of weights": gradients,
        "losses": [losses],
        "weights after three steps": weights,
        "output after three steps": [network.forward_cpu(x)],
    }
