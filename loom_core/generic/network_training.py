"""Changing a network's weights by gradients in any numeric type."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import F32, Array
from loom_core.checks import require_type
from loom_core.errors import NonFiniteError, ShapeError, SpecError
from loom_core.generic.backend import Backend
from loom_core.generic.layer_weights import WantedGradients, descend, trained_weights
from loom_core.generic.network_passes import (
    flat_output,
    generic_forward_pass,
    lower_network,
    network_graph,
)
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import require_tensor
from loom_core.layers.base import require_batch
from loom_core.network.network import Network
from loom_core.optimize.losses import emit_loss
from loom_core.public import documented_like, public, result_record
from loom_core.random_stream import RandomStream
from loom_core.train.config import LOSSES, LossName
from loom_core.train.training_setup import NOISE_KEY


@result_record
@dataclass
class GenericTrainStepResult:
    """What a training step gives.

    Args:
        output: (B, O), before the weights changed.
        loss: Likewise.
        duration: Seconds.
    """

    output: Tensor
    loss: float
    duration: float


@public("UpdateWeightsGeneric")
def update_weights_generic(
    network: Network,
    learning_rate: float,
    kernel_grads: Sequence[Mapping[str, Tensor]],
    bias_grads: Sequence[Mapping[str, Tensor]],
) -> None:
    """Change the network's weights by ``w := w - rate * gradient``; all of them, or none.

    Frozen and disabled layers keep their weights.

    Args:
        network: Whose weights change; those that it lacks are drawn first.
        learning_rate: Finite and at least 0.
        kernel_grads: As GenericBackwardPass gave them: one mapping a layer.
        bias_grads: Likewise.

    Raises:
        SpecError: A weight that a layer does not have, or a rate that is none.
        ShapeError: Not one mapping a layer, or a gradient of another size than the weight.
        NonFiniteError: A gradient holds NaN or infinity.
        BusyError: The network is training.
    """
    where = "UpdateWeightsGeneric"
    require_type(network, Network, "network", where).control.require_idle("change weights")
    _require_rate(learning_rate, where)
    network.require_weights()
    weights: list[F32] = []
    found: list[Array] = []
    for what, grads in (("kernelGrads", kernel_grads), ("biasGrads", bias_grads)):
        if not isinstance(grads, Sequence) or len(grads) != len(network.layers):
            raise ShapeError(f"{what} needs one mapping for each layer", where=where)
        for index, gradients in enumerate(grads):
            layer, place = network.layers[index], f"{where}: {network.layer_name(index)}"
            owned = trained_weights(layer)
            if not isinstance(gradients, Mapping):
                raise SpecError(f"{what} must be mappings of weight names", where=place)
            for name, gradient in gradients.items():
                tensor = require_tensor(gradient, f"the gradient {name!r}", place)
                if name not in owned:
                    if layer.frozen or layer.disabled:
                        continue
                    known = ", ".join(owned) or "none"
                    raise SpecError(
                        f"there is no weight {name!r}", hint=f"Its weights: {known}.", where=place
                    )
                owner, key = owned[name]
                weights.append(owner.weights[key])
                found.append(_checked_gradient(tensor, owner.weights[key], name, place))
    descend(weights, found, learning_rate)


@public("GenericTrainStep")
@documented_like(generic_forward_pass)
def generic_train_step(
    network: Network,
    input: Tensor,
    target: Tensor,
    learning_rate: float,
    backend: Backend | None = None,
    loss_type: LossName = "mse",
    step: int = 0,
) -> GenericTrainStepResult:
    """Train one step: forward and loss in the input's numeric type, then gradient descent.

    The weights as the type holds them give loss and gradients; the gradients are not rounded, and
    change the network's own float32 weights, so that small steps add up in any type. The other
    parameters are those of :func:`generic_forward_pass`.

    Args:
        target: (B, O).
        learning_rate: Finite and at least 0.
        loss_type: ``"mse"`` or ``"cross_entropy"``.
        step: Number of the step: names the noise of layers that have any in training.

    Raises:
        SpecError, ShapeError: See :func:`generic_forward_pass`; or an unknown loss, a rate that is
            none, or a layer needs more samples.
        NonFiniteError: The loss or a gradient is NaN or infinite; no weight has changed.
        BusyError: The network is training.
    """
    start = time.perf_counter()
    where = "GenericTrainStep"
    require_type(network, Network, "network", where).control.require_idle("train a step")
    _require_rate(learning_rate, where)
    if loss_type not in LOSSES:
        names = ", ".join(LOSSES)
        raise SpecError(f"loss_type must be one of {names}, got {loss_type!r}", where=where)
    with network_graph(where, network, input, backend, training=True) as graph:
        y = flat_output(graph, lower_network(graph, network, input)[-1])
        require_batch(network.layers, y.shape[0], network.layer_name)
        loss, seeds = emit_loss(graph.builder, loss_type, y, graph.input(target, "target", y.shape))
        ((seed, dy),) = seeds.items()
        wanted = WantedGradients(graph, network.layers)
        gradients = graph.gradients(seed, dy, wanted.values)
        draws = graph.drawn_noise(RandomStream(network.seed, NOISE_KEY, step))
        tracked = graph.builder.tracked
        observed = [statistic.observed for statistic in tracked]
        output, value, *found = graph.arrays(y, loss, *gradients, *observed, given=draws)
        if not all(np.isfinite(array).all() for array in (value, *found)):
            raise NonFiniteError(
                f"the loss is {float(value)}, or a gradient is not finite",
                hint="Lower the learning rate, or scale the inputs to about -1 to 1.",
            )
        result = graph.tensor(output)
    descend(wanted.weights, found[: len(wanted.weights)], learning_rate)
    for statistic, seen in zip(tracked, found[len(wanted.weights) :], strict=True):
        array = statistic.array
        array += statistic.share * (seen - array)
    return GenericTrainStepResult(result, float(value), time.perf_counter() - start)


def _require_rate(rate: float, where: str) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise SpecError(f"learning_rate must be a number, got {rate!r}", where=where)
    if not (math.isfinite(rate) and rate >= 0):
        raise SpecError(f"learning_rate must be finite and at least 0, got {rate}", where=where)


def _checked_gradient(tensor: Tensor, weight: F32, name: str, place: str) -> Array:
    values = tensor.values
    if values.size != weight.size:
        raise ShapeError(
            f"the gradient {name!r} needs {weight.size} numbers, got {values.size}", where=place
        )
    if not np.isfinite(values).all():
        raise NonFiniteError(f"the gradient {name!r} holds NaN or infinity", where=place)
    return values.reshape(weight.shape)
