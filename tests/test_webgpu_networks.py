"""Whole networks on the native WebGPU device against NumPy: outputs, training steps, models."""

import gc
import json
from itertools import cycle

import numpy as np
import pytest
from test_layer_gradients import STACKS
from test_simd_networks import FIXTURES, LOADABLE, STEPS, copies_of, weights_of
from tolerances import NETWORK, assert_close
from webgpu_support import backend

import loom_core
from loom_core import BackendError, Softmax
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import make_plan
from loom_core.train.optimizer_config import make_optimizer
from loom_core.train.step_graph import inference_plan, training_plan

EPSILON = 1e-3
"""Above the rounding of gradients that are 0 in theory (an attention's key bias has one): divided
by a smaller number, their noise would be whole steps."""

OPTIMIZERS = [
    {"Type": "sgd"},
    {"Type": "sgd", "Momentum": 0.9, "Dampening": 0.1},
    {"Type": "sgd", "Momentum": 0.9, "Nesterov": True, "WeightDecay": 0.01},
    {"Type": "adamw", "Epsilon": EPSILON},
    {"Type": "rmsprop", "Epsilon": EPSILON},
    {"Type": "rmsprop", "Epsilon": EPSILON, "Momentum": 0.5},
]


@pytest.fixture(scope="module")
def gpu():
    yield backend()
    gc.collect()
    assert backend().device.memory_bytes == 0, "a test's programs are still on the device"


@pytest.mark.parametrize("name", STACKS)
def test_inference_equals_numpy(name, gpu):
    ours, theirs, width, _ = copies_of(name)
    x = np.random.default_rng(5).standard_normal((4, width)).astype(np.float32)
    outputs = []
    for layers, runs in ((ours, gpu), (theirs, NumpyBackend())):
        program = runs.prepare(inference_plan(layers, 4, width))
        program.write("input", x)
        program.run()
        outputs.append(program.read("output"))
    assert_close(*outputs, NETWORK, name)


@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [("mse", {"Type": "sgd"}), ("cross_entropy", {"Type": "adamw", "Epsilon": EPSILON})],
    ids=["mse", "cross_entropy"],
)
@pytest.mark.parametrize("name", STACKS)
def test_training_steps_equal_numpy(name, loss, optimizer, gpu):
    ours, theirs, width, outputs = copies_of(name)
    if loss == "cross_entropy" and not name.startswith("softmax"):
        ours.append(Softmax())
        theirs.append(Softmax())
    rng = np.random.default_rng(5)
    optimizers = [make_optimizer(optimizer) for _ in range(2)]  # each with means of its own
    programs = [
        runs.prepare(training_plan(layers, 4, width, loss, updates))
        for layers, runs, updates in zip(
            (ours, theirs), (gpu, NumpyBackend()), optimizers, strict=True
        )
    ]
    data = {
        "input": rng.uniform(-1, 1, (4, width)),
        "target": rng.uniform(0, 1, (4, outputs)),
        "limit": 0.0,
    }
    for step in range(1, STEPS + 1):
        data["hyper"] = optimizers[0].hyper(step, 0.05)
        noise = rng.uniform(-1, 1, 64)
        for program in programs:
            for port, value in program.plan.ports.items():
                if port.startswith("noise."):
                    program.write(port, np.resize(noise, value.shape).astype(np.float32))
            for port in program.plan.ports.keys() & data.keys():
                values = data[port]
                program.write(port, np.asarray(values, np.float32))
            program.run()
        assert_close(programs[0].read("loss"), programs[1].read("loss"), NETWORK, name)
        for a, b in zip(weights_of(ours), weights_of(theirs), strict=True):
            assert_close(a, b, NETWORK, name)


def numbers_of(case, runs, optimizer):
    """What a saved model gives on a backend: outputs, gradients, losses and weights by name."""
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    network.set_backend(runs)
    outputs = [network.forward_cpu(x) for x in case["inputs"]]
    x, y = case["inputs"][-1], outputs[-1]
    dx = network.backward_cpu(np.cos(np.arange(y.size)))
    gradients = [*network.kernel_gradients(), *network.bias_gradients()]
    losses = []
    if weights_of(network.layers):
        target = (1 + np.sin(np.arange(y.size))) / 2
        settings = {"Epochs": STEPS, "LearningRate": 0.05, "Optimizer": optimizer}
        losses = network.train([{"Input": x, "Target": target}], settings).loss_history
    weights = [
        np.concatenate([np.zeros(0), *(weight.ravel() for weight in weights_of([layer]))])
        for layer in network.layers
    ]
    report = network.backend_report()
    assert report.used == runs
    return report, {
        "output": outputs,
        "input gradient": [dx],
        "gradients of weights": gradients,
        "losses": [losses],
        "weights after three steps": weights,
        "output after three steps": [network.forward_cpu(x)],
    }


@pytest.mark.parametrize(
    ("name", "optimizer"), [*zip(LOADABLE, cycle(OPTIMIZERS), strict=False)], ids=LOADABLE
)
def test_models_saved_by_loom_do_what_they_do_on_numpy(name, optimizer, gpu):
    case = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    report, found = numbers_of(case, "webgpu", optimizer)
    assert report.device == gpu.device.name
    _, expected = numbers_of(case, "numpy", optimizer)
    for what, arrays in expected.items():
        for a, b in zip(found[what], arrays, strict=True):
            assert_close(a, b, NETWORK, f"{name}: {what}")


def test_a_plan_of_float64_is_refused(gpu):
    graph = GraphBuilder()
    x = graph.input("x", (2,))
    plan = make_plan(graph.graph, {"x": x, "y": graph.emit("scale", x)}, np.float64)
    with pytest.raises(BackendError, match="float32"):
        gpu.prepare(plan)
