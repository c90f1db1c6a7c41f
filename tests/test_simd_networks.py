"""Whole networks on the SIMD backend against NumPy: outputs, training steps, models, memory."""

import ctypes
import json
import resource
from pathlib import Path

import numpy as np
import pytest
from simd_support import backend
from test_layer_gradients import STACKS, stack
from tolerances import NETWORK, assert_close

import loom_core
from loom_core import BackendError, Dense, Network, Softmax
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.step_data import PickedRows, StepData
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import NoGradient, Op
from loom_core.graph.plan import make_plan
from loom_core.public import finish
from loom_core.train.step_graph import inference_plan, training_plan

FIXTURES = Path(__file__).parent / "fixtures" / "loom"
LOADABLE = json.loads((FIXTURES / "loadable.json").read_text())
STEPS = 3


def copies_of(name):
    """Return two equal copies of a stack, and its width and output count."""
    make, width = STACKS[name]
    (ours, outputs), (theirs, _) = stack(*make(), width=width), stack(*make(), width=width)
    return ours, theirs, width, outputs


def weights_of(layers):
    return [owner.weights[name] for layer in layers for owner, name in layer.trained_weights()]


def rate_only(rate):
    """Return the numbers of a step of plain gradient descent."""
    return np.array([rate] + [0.0] * 7, np.float32)


@pytest.mark.parametrize("name", STACKS)
def test_inference_equals_numpy(name):
    ours, theirs, width, _ = copies_of(name)
    x = np.random.default_rng(5).standard_normal((4, width)).astype(np.float32)
    outputs = []
    for layers, runs in ((ours, backend()), (theirs, NumpyBackend())):
        program = runs.prepare(inference_plan(layers, 4, width))
        program.write("input", x)
        program.run()
        outputs.append(program.read("output"))
    assert_close(*outputs, NETWORK, name)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("name", STACKS)
def test_training_steps_equal_numpy(name, loss):
    ours, theirs, width, outputs = copies_of(name)
    if loss == "cross_entropy" and not name.startswith("softmax"):
        ours.append(Softmax())
        theirs.append(Softmax())
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, (4, width)).astype(np.float32)
    target = rng.uniform(0, 1, (4, outputs)).astype(np.float32)
    programs = [
        runs.prepare(training_plan(layers, 4, width, loss))
        for layers, runs in ((ours, backend()), (theirs, NumpyBackend()))
    ]
    assert not programs[0].fallbacks
    for _ in range(STEPS):
        noise = rng.uniform(-1, 1, 64).astype(np.float32)
        for program in programs:
            for port, value in program.plan.ports.items():
                if port.startswith("noise."):
                    program.write(port, np.resize(noise, value.shape))
            program.write("input", x)
            program.write("target", target)
            if "hyper" in program.plan.ports:  # there is something to train
                program.write("hyper", rate_only(0.05))
            program.run("forward", "loss")
            program.run("backward", "update")
        assert_close(programs[0].read("loss"), programs[1].read("loss"), NETWORK, name)
        for a, b in zip(weights_of(ours), weights_of(theirs), strict=True):
            assert_close(a, b, NETWORK, name)


def forward_with(network, runs, x):
    network.set_backend(runs)
    return network.forward_cpu(x)


@pytest.mark.parametrize("name", LOADABLE)
def test_models_saved_by_loom_give_numpys_outputs(name):
    case = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    network = loom_core.load_model_from_string(case["model_json"], case["model_id"])
    for x in case["inputs"]:
        expected = forward_with(network, NumpyBackend(), x)
        assert_close(forward_with(network, backend(), x), expected, NETWORK, name)


def test_ten_thousand_steps_do_not_grow_memory():
    layers, _ = stack(Dense(8, 16, "tanh"), Dense(16, 4, "linear"), Softmax(), width=8)
    program = backend().prepare(training_plan(layers, 4, 8, "cross_entropy"))
    x = np.ones((4, 8), np.float32)
    target = np.full((4, 4), 0.25, np.float32)

    def steps(count):
        for _ in range(count):
            program.write("input", x)
            program.write("target", target)
            program.run("forward", "loss")
            assert np.isfinite(program.read("loss"))
            program.run("backward", "update")
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    program.write("hyper", rate_only(0.1))
    before = steps(2_000)
    assert steps(10_000) - before < 256  # KiB; a leak of 26 bytes a step would show


def steps_data(width, outputs, batch, steps, rate=0.1):
    rng = np.random.default_rng(2)
    return {
        "input": rng.uniform(-1, 1, (steps, batch, width)).astype(np.float32),
        "target": rng.uniform(0, 1, (steps, batch * outputs)),  # any shape and dtype of that size
        "hyper": np.tile(rate_only(rate), (steps, 1)),
    }


def program_of(runs):
    layers, _ = stack(Dense(5, 9, "tanh"), Dense(9, 3, "linear"), width=5)
    return layers, runs.prepare(training_plan(layers, 4, 5, "mse"))


def run_steps(program, data, report=("loss", "norm", "norms")):
    return finish(program.run_steps(StepData(data), report))


def test_steps_in_one_call_equal_steps_one_by_one():
    data = steps_data(5, 3, 4, 20)
    trained = [program_of(runs) for runs in (backend(), NumpyBackend())]
    found, expected = (run_steps(program, data) for _, program in trained)
    assert [found[port].shape for port in found] == [(20,), (20,), (20, 4)]
    for port in found:
        assert_close(found[port], expected[port], NETWORK, port)
    for a, b in zip(*(weights_of(layers) for layers, _ in trained), strict=True):
        assert_close(a, b, NETWORK, "weights")


def picked_rows(width, outputs, batch, steps):
    """Rows of a data set in an order with repeats: of rows in a step, and of whole steps."""
    rng = np.random.default_rng(3)
    numbers = rng.integers(0, 11, (steps, batch)).astype(np.int32)
    numbers[2] = numbers[1]
    numbers[4] = np.arange(3, 3 + batch)
    tables = rng.uniform(-1, 1, (11, width)), rng.uniform(0, 1, (11, outputs))
    return [PickedRows(table.astype(np.float32), numbers) for table in tables]


@pytest.mark.parametrize("make", [backend, NumpyBackend])
def test_rows_picked_from_a_table_train_as_their_copies_do(make):
    inputs, targets = picked_rows(5, 3, 4, 9)
    rates = np.tile(rate_only(0.1), (9, 1))
    picked = StepData({"input": inputs, "target": targets, "hyper": rates})
    (ours, program), (theirs, other) = program_of(make()), program_of(make())
    losses = [
        finish(program.run_steps(picked.part(start, count), ("loss",)))["loss"]
        for start, count in ((0, 1), (1, 5), (6, 3))
    ]
    copies = {"input": inputs[:], "target": targets[:], "hyper": rates}
    np.testing.assert_array_equal(np.concatenate(losses), run_steps(other, copies)["loss"])
    for a, b in zip(weights_of(ours), weights_of(theirs), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [backend, NumpyBackend])
def test_a_loss_that_is_not_finite_ends_the_steps_before_the_weights_change(make):
    data = steps_data(5, 3, 4, 6)
    data["target"][2, 1] = np.nan
    layers, program = program_of(make())
    losses = run_steps(program, data)["loss"]
    assert np.isfinite(losses).tolist() == [True, True, False]
    again, other = program_of(make())
    run_steps(other, {port: values[:2] for port, values in data.items()})
    for a, b in zip(weights_of(layers), weights_of(again), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [backend, NumpyBackend])
def test_ports_with_different_numbers_of_steps_are_an_error(make):
    _, program = program_of(make())
    data = steps_data(5, 3, 4, 6)
    with pytest.raises(ValueError, match=r"\[5, 6\] steps"):
        run_steps(program, {**data, "hyper": data["hyper"][:5]})
    with pytest.raises(ValueError, match=r"hyper|reshape"):
        run_steps(program, {**data, "hyper": data["hyper"][:, :5]})


def strange_op():
    """An op that no backend has heard of."""

    def compute(inputs, outputs, attributes):
        np.negative(inputs[0], out=outputs[0])

    return Op(
        name="strange",
        inputs=("x:(...)",),
        outputs=("y:(...)",),
        shapes=lambda shapes, attributes: (shapes[0],),
        compute=compute,
        gradient=NoGradient("a test needs none"),
        flops=lambda inputs, outputs, attributes: 0,
    )


def test_an_op_without_a_kernel_runs_by_its_definition_and_is_counted(monkeypatch):
    monkeypatch.setitem(loom_core.graph.ops.OPS, "strange", strange_op())
    graph = GraphBuilder()
    x = graph.input("x", (2, 3))
    y = graph.emit("scale", graph.emit("strange", graph.emit("scale", x, factor=2.0)), factor=3.0)
    program = backend().prepare(make_plan(graph.graph, {"x": x, "y": y}))
    program.write("x", np.arange(6))
    program.run()
    np.testing.assert_array_equal(program.read("y").reshape(-1), -6.0 * np.arange(6))
    assert dict(program.fallbacks) == {"strange": 1}


def test_a_plan_of_float64_is_refused():
    graph = GraphBuilder()
    x = graph.input("x", (2,))
    plan = make_plan(graph.graph, {"x": x, "y": graph.emit("scale", x)}, np.float64)
    with pytest.raises(BackendError, match="float32"):
        backend().prepare(plan)


def test_a_weight_array_that_is_not_dense_is_refused():
    graph = GraphBuilder()
    x = graph.input("x", (2,))
    y = graph.emit("add", x, graph.constant(np.zeros(4, np.float32)[::2]))
    with pytest.raises(BackendError, match="dense float32"):
        backend().prepare(make_plan(graph.graph, {"x": x, "y": y}))


def test_a_record_that_names_no_kernel_is_reported():
    records = np.array([0x7FFFFFFF, 4, 0, 0], np.int32)
    pointer, size = ctypes.c_void_p(records.ctypes.data), ctypes.c_int32(4)
    assert backend().library.run(pointer, size, None) == 0
    assert backend().library.scratch_floats(pointer, size) == -1


def test_training_on_both_backends_reaches_the_same_weights():
    networks = []
    for runs in (backend(), NumpyBackend()):
        network = Network(4, 1, 1, 2, seed=3, backend=runs)
        network.set_layer(0, 0, 0, Dense(4, 8, "tanh"))
        network.set_layer(0, 0, 1, Dense(8, 2, "linear"))
        rng = np.random.default_rng(1)
        data = {"Inputs": rng.standard_normal(80), "Targets": rng.standard_normal(40)}
        network.train({**data, "BatchSize": 8}, {"Epochs": 5, "LearningRate": 0.1})
        networks.append(network)
    for a, b in zip(*(weights_of(n.layers) for n in networks), strict=True):
        assert_close(a, b, NETWORK, "weights")
