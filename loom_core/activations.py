"""The activation functions: names, codes, formulas, derivatives. Everything else refers to these.

Each derivative is written in terms of the OUTPUT y, so that the pre-activation need not be kept:
all of them are monotone, and where they have a kink the sign of y tells the side.
Source: Loom v0.0.7's activation table; softplus here does not overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import Array
from loom_core.errors import SpecError

SCALED_RELU_GAIN = 1.1
LEAKY_SLOPE = 0.1


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation function.

    Args:
        name: Its name here and in ops.
        code: Loom's integer code.
        json_name: The name written into model strings, which Loom reads.
        aliases: Other names that are understood.
        apply: ``(x, out)`` writes f(x); ``out`` may be ``x``.
        derivative: ``(y, out)`` writes f'(x) in terms of y = f(x); ``out`` may be ``y``.
    """

    name: str
    code: int
    json_name: str
    aliases: tuple[str, ...]
    apply: Callable[[Array, Array], None]
    derivative: Callable[[Array, Array], None]


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


_FUNCTIONS = (
    Activation(
        "scaled_relu", 0, "relu", ("relu", "scaledrelu"), _scaled_relu, _scaled_relu_derivative,
    ),
    Activation("sigmoid", 1, "sigmoid", (), _sigmoid, _sigmoid_derivative),
    Activation("tanh", 2, "tanh", (), _tanh, _tanh_derivative),
    Activation("softplus", 3, "softplus", (), _softplus, _softplus_derivative),
    Activation(
        "leaky_relu", 4, "leaky_relu", ("leakyrelu",), _leaky_relu, _leaky_relu_derivative,
    ),
    Activation("linear", 5, "linear", ("identity", "none"), _linear, _linear_derivative),
)  # fmt: skip

ACTIVATIONS = {function.name: function for function in _FUNCTIONS}
_BY_NAME = {name: f for f in _FUNCTIONS for name in (f.name, *f.aliases)}
_BY_CODE = {function.code: function for function in _FUNCTIONS}


def activation(name: str | int) -> Activation:
    """Return the activation of a name, alias (any case) or Loom's code; -1 is linear too.

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
        raise SpecError(
            f"unknown activation {name!r}",
            hint=f"Use one of {', '.join(sorted(_BY_NAME))}, or a code from 0 to 5.",
        )
    return found
