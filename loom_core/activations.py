"""The activation functions: one row each. All else refers to the rows or is tried against them.

A derivative is written in terms of the OUTPUT y where that is enough, so that the pre-activation
need not be kept: for a monotone function whose kink, if any, shows in the sign of y. The others
take x.
Source: Loom v0.0.7's activation table; softplus here does not overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np

from loom_core.arrays import Array
from loom_core.errors import SpecError

SCALED_RELU_GAIN = 1.1
LEAKY_SLOPE = 0.1


class ActivationType(IntEnum):
    """Activation functions by name, and the codes that stand for them."""

    ScaledReLU = 0
    Sigmoid = 1
    Tanh = 2
    Softplus = 3
    LeakyReLU = 4
    Linear = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One activation function.

    Args:
        name: Its name here and in ops.
        kind: Its public name and code.
        word: What the documents call it, where a layer is shown.
        aliases: Other names that are understood.
        loom_name: Loom v0.0.7's name in model strings; None where Loom has no such function.
        apply: ``(x, out)`` writes f(x); ``out`` may be ``x``.
        derivative: ``(v, out)`` writes f'(x); ``out`` may be ``v``.
        derivative_from: Whether v is x, the ``"input"``, or y = f(x), the ``"output"``.
        bounds: The values between which it flattens out at both ends, where it does.
        rectifies: Whether all that is below 0 becomes 0, so that a neuron can be dead.
    """

    name: str
    kind: ActivationType
    word: str
    aliases: tuple[str, ...] = ()
    loom_name: str | None = None
    apply: Callable[[Array, Array], None]
    derivative: Callable[[Array, Array], None]
    derivative_from: Literal["input", "output"] = "output"
    bounds: tuple[float, float] | None = None
    rectifies: bool = False

    @property
    def code(self) -> int:
        """Its code in kernels and in calls."""
        return int(self.kind)

    @property
    def json_name(self) -> str:
        """Its name in model strings: Loom's where there is one."""
        return self.loom_name or self.name


def _scaled_relu(x: Array, out: Array) -> None:
    np.multiply(np.maximum(x, 0, out=out), SCALED_RELU_GAIN, out=out)


def _scaled_relu_derivative(y: Array, out: Array) -> None:
    np.multiply(y > 0, np.asarray(SCALED_RELU_GAIN, y.dtype), out=out)


def _sigmoid(x: Array, out: Array) -> None:
    e = np.exp(-np.abs(x))  # never overflows
    numerator = np.where(x >= 0, np.ones((), x.dtype), e)
    np.divide(numerator, 1 + e, out=out)


def _sigmoid_derivative(y: Array, out: Array) -> None:
    np.multiply(y, 1 - y, out=out)


def _tanh(x: Array, out: Array) -> None:
    np.tanh(x, out=out)


def _tanh_derivative(y: Array, out: Array) -> None:
    np.subtract(1, y * y, out=out)


def _softplus(x: Array, out: Array) -> None:
    tail = np.log1p(np.exp(-np.abs(x)))
    np.add(np.maximum(x, 0), tail, out=out)


def _softplus_derivative(y: Array, out: Array) -> None:
    np.negative(np.expm1(-y), out=out)  # sigmoid(x) = 1 - exp(-softplus(x))


def _leaky_relu(x: Array, out: Array) -> None:
    np.maximum(x, x * np.asarray(LEAKY_SLOPE, x.dtype), out=out)


def _leaky_relu_derivative(y: Array, out: Array) -> None:
    slopes = np.array([1.0, LEAKY_SLOPE], y.dtype)
    np.copyto(out, slopes[(y < 0).astype(np.intp)])


def _linear(x: Array, out: Array) -> None:
    np.copyto(out, x)


def _linear_derivative(y: Array, out: Array) -> None:
    out.fill(1)


_ROWS = (
    Activation(
        name="scaled_relu",
        kind=ActivationType.ScaledReLU,
        word="ReLU",
        aliases=("relu", "scaledrelu"),
        loom_name="relu",
        apply=_scaled_relu,
        derivative=_scaled_relu_derivative,
        rectifies=True,
    ),
    Activation(
        name="sigmoid",
        kind=ActivationType.Sigmoid,
        word="Sigmoid",
        loom_name="sigmoid",
        apply=_sigmoid,
        derivative=_sigmoid_derivative,
        bounds=(0.0, 1.0),
    ),
    Activation(
        name="tanh",
        kind=ActivationType.Tanh,
        word="Tanh",
        loom_name="tanh",
        apply=_tanh,
        derivative=_tanh_derivative,
        bounds=(-1.0, 1.0),
    ),
    Activation(
        name="softplus",
        kind=ActivationType.Softplus,
        word="Softplus",
        loom_name="softplus",
        apply=_softplus,
        derivative=_softplus_derivative,
    ),
    Activation(
        name="leaky_relu",
        kind=ActivationType.LeakyReLU,
        word="LeakyReLU",
        aliases=("leakyrelu",),
        loom_name="leaky_relu",
        apply=_leaky_relu,
        derivative=_leaky_relu_derivative,
    ),
    Activation(
        name="linear",
        kind=ActivationType.Linear,
        word="Linear",
        aliases=("identity", "none"),
        loom_name="linear",  # which Loom writes, and reads as its scaled ReLU
        apply=_linear,
        derivative=_linear_derivative,
    ),
)

ACTIVATIONS = {row.name: row for row in _ROWS}
_BY_NAME = {name: row for row in _ROWS for name in (row.name, *row.aliases)}
_BY_CODE = {row.code: row for row in _ROWS}


def activation(name: str | int) -> Activation:
    """Return the activation of a name, alias (any case) or code; -1 is linear too.

    Raises:
        SpecError: There is none of that name or code.
    """
    if isinstance(name, str):
        found = _BY_NAME.get(name.strip().lower())
    elif name == -1:
        found = ACTIVATIONS["linear"]
    else:
        found = _BY_CODE.get(name)
    if found is None:
        hint = f"Use one of {', '.join(sorted(_BY_NAME))}, or a code from 0 to {max(_BY_CODE)}."
        if str(name).lower() == "softmax":
            hint = "Softmax is a layer of its own, to be put after this one."
        raise SpecError(f"unknown activation {name!r:.40}", hint=hint)
    return found
