"""Whole networks on the native WebGPU device against NumPy: outputs, training steps, models."""

import gc
import json

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
from loom_core.train.step_graph import inference_plan, training_plan


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


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("name", STACKS)
def test_training_steps_equal_numpy(name, loss, gpu):
    ours, theirs, width, outputs = copies_of(name)
    if loss == "cross_entropy" and not name.startswith("softmax"):
        ours.append(Softmax())
        theirs.append(Softmax())
    rng = np.random.default_rng(5)
    programs = [
        runs.prepare(training_plan(layers, 4, width, loss))
        for layers, runs in ((ours, gpu), (theirs, NumpyBackend()))
    ]
    data = {
        "input": rng.uniform(-1, 1, (4, width)),
        "target": rng.uniform(0, 1, (4, outputs)),
        "hyper": np.array([0.05, *np.zeros(7)]),
        "limit": 0.0,
    }
    for _ in range(STEPS):
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


@pytest.mark.parametrize("name", LOADABLE)
def test_models_saved_by_loom_give_numpys_outputs(name, gpu):
    case = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    for x in case["inputs"]:
        network.set_backend("numpy")
        expected = network.forward_cpu(x)
        network.set_backend("webgpu")
        assert_close(network.forward_cpu(x), expected, NETWORK, name)
    report = network.backend_report()
    assert (report.used, report.fallbacks, report.device) == ("webgpu", {}, gpu.device.name)


def test_a_plan_of_float64_is_refused(gpu):
    graph = GraphBuilder()
    x = graph.input("x", (2,))
    plan = make_plan(graph.graph, {"x": x, "y": graph.emit("scale", x)}, np.float64)
    with pytest.raises(BackendError, match="float32"):
        gpu.prepare(plan)
