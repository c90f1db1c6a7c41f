"""The independent check of every gradient: central differences in float64."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from loom_core.arrays import element_count
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.graph.autodiff import differentiate
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.plan import make_plan
from loom_core.layers import Layer
from loom_core.optimize.losses import emit_loss
from loom_core.plans.step_graph import lower_layers
from loom_core.random_stream import RandomStream

STEP = 1e-5
TOLERANCE = 1e-6  # relative to the largest gradient of the same array


def assert_close_to_differences(run, arrays: Mapping[str, np.ndarray], gradients) -> None:
    """Compare gradients with central differences of a scalar function.

    Args:
        run: Called without arguments, computes the scalar from the present arrays.
        arrays: Live float64 arrays by name, changed and restored one element at a time.
        gradients: The gradients to check, by the same names.
    """
    for name, array in arrays.items():
        numeric = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            held = array[index]
            array[index] = held + STEP
            above = run()
            array[index] = held - STEP
            below = run()
            array[index] = held
            numeric[index] = (above - below) / (2 * STEP)
        scale = max(np.abs(numeric).max(initial=0.0), 1.0)
        error = np.abs(np.asarray(gradients[name]) - numeric).max(initial=0.0) / scale
        assert error < TOLERANCE, f"{name}: relative error {error:.2e}"


def check_op(name: str, inputs: Sequence[np.ndarray], attributes: Mapping[str, object]) -> None:
    """Check an op's gradient rule for a random weighted sum of its output."""
    graph = GraphBuilder()
    values = [graph.input(f"x{i}", x.shape) for i, x in enumerate(inputs)]
    y = graph.emit(name, *values, **attributes)
    dy = graph.input("dy", y.shape)
    gradients = differentiate(graph, {y: dy}, values)
    weights = np.random.default_rng(7).standard_normal(y.shape)
    ports: dict[str, Value] = {f"x{i}": value for i, value in enumerate(values)}
    ports |= {"y": y, "dy": dy} | {f"d{i}": gradients[v] for i, v in enumerate(values)}
    program = NumpyBackend().prepare(make_plan(graph.graph, ports, np.float64))
    arrays = {f"x{i}": np.array(x, np.float64) for i, x in enumerate(inputs)}

    def run() -> float:
        for port, array in arrays.items():
            program.write(port, array)
        program.write("dy", weights)
        program.run()
        return float(np.sum(program.read("y") * weights))

    run()
    found = {f"x{i}": program.read(f"d{i}") for i in range(len(inputs))}
    assert_close_to_differences(run, arrays, found)


def _all_layers(layers: Sequence[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        yield from _all_layers(layer.children)


def check_layers(
    layers: Sequence[Layer],
    x: np.ndarray,
    loss: str,
    target: np.ndarray,
    *,
    training: bool = False,
) -> None:
    """Check the gradients of a loss with respect to the input and every weight of some layers.

    Args:
        layers: Any.
        x: Their input.
        loss: Its name.
        target: What the loss compares with.
        training: Layers do what they do in training, with noise drawn once.
    """
    owners = list(_all_layers(layers))
    for layer in owners:
        for name, weight in layer.weights.items():
            layer._weights[name] = weight.astype(np.float64)
    graph = GraphBuilder(training=training)
    x_value = graph.input("x", x.shape)
    y = lower_layers(graph, layers, x_value)
    t = graph.input("t", y.shape)
    with graph.segment("loss"):
        value, seeds = emit_loss(graph, loss, y, t)
    weights = {
        f"{index}.{name}": (layer.parameter(graph, name), layer.weights[name])
        for index, layer in enumerate(owners)
        if not layer.disabled
        for name in layer.weights
        if name not in layer.running_statistics
    }
    wanted = {"x": x_value} | {name: parameter for name, (parameter, _) in weights.items()}
    gradients = differentiate(graph, seeds, wanted.values())
    ports = {"x": x_value, "t": t, "loss": value}
    reached = [name for name in wanted if wanted[name] in gradients]
    ports |= {f"d {name}": gradients[wanted[name]] for name in reached}
    ports |= {noise.name: noise for noise in graph.noises}
    program = NumpyBackend().prepare(make_plan(graph.graph, ports, np.float64))
    for noise in graph.noises:
        words = RandomStream(8).bits(element_count(noise.shape))
        program.write(noise.name, noise.noise.numbers(words))
    x = np.array(x, np.float64)

    def run() -> float:
        program.write("x", x)
        program.write("t", target)
        program.run()
        return float(program.read("loss"))

    run()
    arrays = {"x": x} | {name: array for name, (_, array) in weights.items()}
    found = {name: np.zeros_like(array) for name, array in arrays.items()}
    found |= {name: program.read(f"d {name}") for name in reached}
    assert_close_to_differences(run, arrays, found)


def gradients_of(
    layers: Sequence[Layer], x: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the output, and the gradients of ``sum(y dy)`` by the names of check_layers."""
    graph = GraphBuilder()
    x_value = graph.input("x", x.shape)
    y = lower_layers(graph, layers, x_value)
    dy_value = graph.input("dy", y.shape)
    wanted = {"x": x_value} | {
        f"{index}.{name}": layer.parameter(graph, name)
        for index, layer in enumerate(_all_layers(layers))
        for name in layer.weights
    }
    gradients = differentiate(graph, {y: dy_value}, wanted.values())
    ports = {"x": x_value, "dy": dy_value, "y": y}
    ports |= {f"d {name}": gradients[value] for name, value in wanted.items()}
    program = NumpyBackend().prepare(make_plan(graph.graph, ports, np.float64))
    program.write("x", x)
    program.write("dy", dy)
    program.run()
    return program.read("y"), {name: program.read(f"d {name}") for name in wanted}
