"""Activation functions of numbers and tensors, and their derivatives."""

from __future__ import annotations

import math

import numpy as np

from loom_core.activations import activation as find_activation
from loom_core.errors import SpecError, kind_of
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import TensorGraph
from loom_core.graph.op import Value
from loom_core.public import public


@public("Activate")
def activate(v: float, activation: str | int) -> float:
    """Return f(v) of one number, computed in float64.

    Args:
        v: The number.
        activation: Name or code of f, as in ActivationType.

    Raises:
        SpecError: Not a number, or an unknown activation.
    """
    return activate_tensor(_scalar(v), activation).to_list()[0]


@public("ActivateDerivative")
def activate_derivative(pre_activation: float, activation: str | int) -> float:
    """Return f'(v) of one number before the activation, computed in float64.

    Args:
        pre_activation: v, the number.
        activation: Name or code of f.

    Raises:
        SpecError: Not a number, or an unknown activation.
    """
    return activate_derivative_tensor(_scalar(pre_activation), activation).to_list()[0]


@public("ActivateTensor")
def activate_tensor(t: Tensor, activation: str | int) -> Tensor:
    """Return f of each element.

    Args:
        t: Of any shape and type.
        activation: Name or code of f.

    Raises:
        SpecError: Not a tensor, or an unknown activation.
    """
    with TensorGraph("ActivateTensor", t) as graph:
        return graph.run(_activated(graph, t, activation)[1])[0]


@public("ActivateDerivativeTensor")
def activate_derivative_tensor(pre_act: Tensor, activation: str | int) -> Tensor:
    """Return f' at each element, an input of the activation.

    Args:
        pre_act: What went into the activation, of any shape and type.
        activation: Name or code of f.

    Raises:
        SpecError: Not a tensor, or an unknown activation.
    """
    with TensorGraph("ActivateDerivativeTensor", pre_act) as graph:
        x, y = _activated(graph, pre_act, activation)
        ones = graph.builder.constant(np.ones(y.shape, graph.compute))
        return graph.run(*graph.gradients(y, ones, [x]))[0]


def _activated(graph: TensorGraph, t: Tensor, activation: str | int) -> tuple[Value, Value]:
    x = graph.input(t, "the tensor", t.shape)
    return x, graph.builder.emit("activate", x, function=find_activation(activation).name)


def _scalar(v: float) -> Tensor:
    if isinstance(v, bool) or not isinstance(v, int | float | np.number):
        raise SpecError(f"an activation needs a number, got {kind_of(v)}")
    number = float(v)
    if math.isnan(number):
        raise SpecError("an activation needs a number, got NaN")
    return Tensor(np.array([number]))
