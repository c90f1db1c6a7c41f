"""The weights of layers in a graph over tensors, by names that reach into children."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loom_core import limits
from loom_core.arrays import F32, Array
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.errors import SpecError
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.graph.ops.updates import HYPER
from loom_core.graph.plan import make_plan
from loom_core.layers import Layer
from loom_core.layers.base import child_name
from loom_core.layers.chain import complete_chain

TensorGradients = dict[str, Tensor]
"""Gradients of one layer by weight name; ``2.kernel`` is the kernel of child 2."""


def trained_weights(layer: Layer) -> dict[str, tuple[Layer, str]]:
    """Return (owner, weight name) of what gradients change, by names that reach into children.

    There is nothing in a frozen or disabled layer.
    """
    if layer.frozen or layer.disabled or layer.silent:
        return {}
    found = {name: (layer, name) for name in layer.weights if name not in layer.running_statistics}
    for number, child in enumerate(layer.children):
        found |= {f"{number}.{name}": owned for name, owned in trained_weights(child).items()}
    return found


class WantedGradients:
    """Which gradients of some layers are asked for, and in what form they are given out.

    The gradient of a weight that several layers share is the sum, and given for the first only.

    Args:
        graph: Where the layers were lowered.
        layers: The layers.
    """

    def __init__(self, graph: TensorGraph, layers: Sequence[Layer]) -> None:
        self.values: list[Value] = []
        self.weights: list[F32] = []
        self._places: list[tuple[int, str]] = []
        self._count = len(layers)
        seen: set[Value] = set()
        for index, layer in enumerate(layers):
            for path, (owner, name) in trained_weights(layer).items():
                value = owner.parameter(graph.builder, name)
                if value not in seen:
                    seen.add(value)
                    self.values.append(value)
                    self.weights.append(owner.weights[name])
                    self._places.append((index, path))

    def by_layer(self, gradients: Sequence[Tensor]) -> list[TensorGradients]:
        """Return gradients in the order of :attr:`values` as one mapping a layer."""
        found: list[TensorGradients] = [{} for _ in range(self._count)]
        for (index, path), gradient in zip(self._places, gradients, strict=True):
            found[index][path] = gradient
        return found


def prepare_layers(layers: Sequence[Layer], width: int) -> None:
    """Let layers infer their sizes and draw weights that they lack, with the seed 0.

    Raises:
        SpecError: No layer, or something else.
        ShapeError, LimitError: The layers do not fit, or are too large.
    """
    if not isinstance(layers, Sequence) or not layers:
        raise SpecError("layers must be a list of at least one layer")
    for layer in layers:
        if not isinstance(layer, Layer):
            raise SpecError(f"layers must be a list of layers, got {type(layer).__name__}")
    complete_chain(layers, (width,), lambda index: child_name("layer", index, layers[index]))
    count = sum(layer.parameter_count() + layer.statistics_count() for layer in layers)
    limits.require_within(count, limits.PARAMETERS, "the number of parameters")
    for index, layer in enumerate(layers):
        layer.initialize(0, index, missing_only=True)


def descend(weights: Sequence[F32], gradients: Sequence[Array], rate: float) -> None:
    """Change weights in place: ``w := w - rate * gradient``, in the gradients' float type."""
    if not weights:
        return
    dtype = np.result_type(*gradients).type
    builder = GraphBuilder()
    hyper = builder.input("hyper", (len(HYPER),))
    scale = builder.constant(np.ones((), dtype))
    ports = {"hyper": hyper}
    for index, weight in enumerate(weights):
        ports[f"{index}"] = builder.input(f"{index}", weight.shape)
        w = builder.parameter(weight, "weight")
        builder.emit_update("sgd", w, ports[f"{index}"], hyper, scale)
    program = NumpyBackend().prepare(make_plan(builder.graph, ports, dtype))
    numbers = np.zeros(len(HYPER), dtype)
    numbers[HYPER.index("rate")] = rate
    program.write("hyper", numbers)
    for index, gradient in enumerate(gradients):
        program.write(f"{index}", gradient)
    program.run()
