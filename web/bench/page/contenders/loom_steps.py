"""Loom inside Python: the bare step is one run of a prepared plan, with no call from outside."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from loom_core import Network
from loom_core.backends.base import Program
from loom_core.backends.choice import choose
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.plan import Plan, make_plan
from loom_core.models.network_json import build_network_from_json
from loom_core.optimize.losses import emit_loss
from loom_core.optimize.optimizers import SGDOptimizer
from loom_core.optimize.trained_weights import TrainedWeight
from loom_core.plans.step_graph import training_plan
from loom_core.plans.update_graph import emit_updates


class Steps:
    """A prepared plan, run again and again.

    Args:
        program: Its ``input`` and other ports hold what they need.
    """

    def __init__(self, program: Program) -> None:
        self.program = program

    def run(self, steps: int) -> None:
        """Run the whole plan so many times."""
        run = self.program.run
        for _ in range(steps):
            run()

    def loss(self) -> float:
        """Return the loss with the present weights."""
        self.program.run("forward", "loss")
        return float(self.program.read("loss"))

    def output(self) -> float:
        """Return the mean square of the output, which shows whether it is the right one."""
        self.run(1)
        return float(np.mean(np.square(self.program.read("output"), dtype=np.float64)))

    def fallbacks(self) -> dict[str, int]:
        """Return the ops that run by their NumPy definition."""
        return dict(getattr(self.program, "fallbacks", {}))


def network(given: Any, backend: str) -> Network:
    """Return a network with the weights of a ``LoomNetwork`` of the page."""
    built = build_network_from_json(given.description)
    built.set_backend(backend)
    for index, weights in enumerate(given.weights.to_py()):
        built.get_layer(0, 0, index).set_weights(weights)
    return built


def training(given: Any, backend: str) -> Steps:
    """Return the step that ``Train`` runs."""
    net, x, y = network(given, backend), _rows(given.x, given.batch), _rows(given.y, given.batch)
    net.require_weights()
    plan = training_plan(net.layers, *x.shape, given.loss)
    return _training(choose(backend).backend.prepare(plan), x, y, given.rate)


def attention_gradients(given: Any, backend: str) -> Steps:
    """Return loss and gradients of the matrices and of the input, without an update."""
    net, x, y = network(given, backend), _rows(given.x, given.batch), _rows(given.y, given.batch)
    graph, layer = GraphBuilder(training=True), net.layers[0]
    value = graph.input("input", x.shape)
    tokens = graph.reshape(value, (x.shape[0], layer.seq_length, layer.d_model))
    with graph.segment("forward", 0):
        output = graph.reshape(layer.lower(graph, tokens), x.shape)
    matrices = [layer.parameter(graph, name) for name in ("query", "key", "value", "output")]
    plan = _plan(graph, value, output, [*matrices, value], update=False)
    return _training(choose(backend).backend.prepare(plan), x, y, given.rate)


def last_step_lstm(given: Any, backend: str) -> Steps:
    """Return the LSTM's step with a Dense layer on its last step alone."""
    net, x, y = network(given, backend), _rows(given.x, given.batch), _rows(given.y, given.batch)
    graph, (lstm, dense) = GraphBuilder(training=True), net.layers
    steps, hidden = lstm.seq_length, lstm.hidden_size
    kernel = np.ascontiguousarray(dense.weights["kernel"][-hidden:])
    value = graph.input("input", x.shape)
    with graph.segment("forward", 0):
        sequence = graph.reshape(value, (x.shape[0], steps, lstm.input_size))
        output = lstm.lower(graph, sequence)
    with graph.segment("forward", 1):
        last = graph.emit("slice_axis", output, axis=1, start=steps - 1, size=1)
        weights = graph.parameter(kernel, "kernel"), dense.parameter(graph, "bias")
        output = graph.emit("matmul", graph.reshape(last, (x.shape[0], hidden)), weights[0])
        output = graph.emit("add_bias", output, weights[1], axis=1)
    trained = [*(lstm.parameter(graph, name) for name in lstm.weights), *weights]
    plan = _plan(graph, value, output, trained, update=True)
    return _training(choose(backend).backend.prepare(plan), x, y, given.rate)


def inference(given: Any, backend: str, batch: int) -> Steps:
    """Return the forward pass of the first samples."""
    net, x = network(given, backend), _rows(given.x, given.batch)[:batch]
    program = net.program(*x.shape)
    program.write("input", x)
    return Steps(program)


def product(work: Any, transpose_a: bool, transpose_b: bool, backend: str) -> Steps:
    """Return one matrix product."""
    graph, shape = GraphBuilder(), (work.n, work.n)
    a, b = graph.input("a", shape), graph.input("b", shape)
    output = graph.emit("matmul", a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    program = choose(backend).backend.prepare(
        make_plan(graph.graph, {"a": a, "b": b, "output": output})
    )
    program.write("a", np.asarray(work.a.to_py(), np.float32))
    program.write("b", np.asarray(work.c.to_py(), np.float32))
    return Steps(program)


def _rows(numbers: Any, batch: int) -> np.ndarray:
    return np.asarray(numbers.to_py(), np.float32).reshape(batch, -1)


def _training(program: Program, x: np.ndarray, y: np.ndarray, rate: float) -> Steps:
    program.write("input", x)
    program.write("target", y)
    if "hyper" in program.plan.ports:
        program.write("hyper", SGDOptimizer().hyper(1, rate))
    return Steps(program)


def _plan(
    graph: GraphBuilder, x: Value, output: Value, wanted: Sequence[Value], *, update: bool
) -> Plan:
    target = graph.input("target", output.shape)
    with graph.segment("loss"):
        loss, seeds = emit_loss(graph, "mse", output, target)
    gradients = differentiate(graph, seeds, wanted)
    ports = {"input": x, "target": target, "loss": loss}
    if update:
        changes = {
            TrainedWeight(0, str(number), weight.name, weight.array): gradient
            for number, (weight, gradient) in enumerate(gradients.items())
        }
        ports |= emit_updates(graph, SGDOptimizer(), changes, loss)
    else:
        ports |= _numbered(gradients.values())
    return make_plan(graph.graph, ports)


def _numbered(values: Iterable[Value]) -> dict[str, Value]:
    return {f"gradient.{number}": value for number, value in enumerate(values)}
