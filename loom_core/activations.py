"""The activation functions: one row each. All else refers to the rows or is tried against them.

A derivative is written in terms of the OUTPUT y where that is enough, so that the pre-activation
need not be kept: for a monotone function whose kink, if any, shows in the sign of y. The others
take x.
Sources: Loom v0.0.7's activation table (softplus here does not overflow); Nair and Hinton 2010
(ReLU); Hendrycks and Gimpel 2016 (GELU, SiLU); Clevert et al. 2015 (ELU).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np

from loom_core.arrays import Array
from loom_core.errors import SpecError
from loom_core.normal_distribution import normal

SCALED_RELU_GAIN = 1.1
LEAKY_SLOPE = 0.1

FAR = 750.0
"""Beyond it exp(-|x|) is 0 in float64, and an activation has reached its limits."""

GELU_SCALE = 2 * math.sqrt(2 / math.pi)
GELU_CUBE = 0.044715


class ActivationType(IntEnum):
    """Activation functions by name, and the codes that stand for them.

    ScaledReLU is ``1.1 max(x, 0)``, Loom's "relu"; PlainReLU ``max(x, 0)``; LeakyReLU ``max(x, 0.1
    x)``; ELU x above 0 and ``exp(x) - 1`` below; Sigmoid ``1 / (1 + exp(-x))``; Tanh ``tanh(x)``;
    Softplus ``ln(1 + exp(x))``; Linear x. GELU is ``x Phi(x)``, Phi being the normal distribution's
    share below x; GELUTanh ``x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2``, close to it; SiLU
    ``x / (1 + exp(-x))``.
    """

    ScaledReLU = 0
    Sigmoid = 1
    Tanh = 2
    Softplus = 3
    LeakyReLU = 4
    Linear = 5
    PlainReLU = 6
    GELU = 7
    GELUTanh = 8
    SiLU = 9
    ELU = 10


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

    @property
    def unknown_to_loom(self) -> str | None:
        """What to say of it where a model string is for Loom; None where Loom has it."""
        return None if self.loom_name else f"activation {self.name!r}"


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


def _plain_relu(x: Array, out: Array) -> None:
    np.maximum(x, 0, out=out)


def _plain_relu_derivative(y: Array, out: Array) -> None:
    np.copyto(out, y > 0)


def _gelu(x: Array, out: Array) -> None:
    """Write x Phi(x), with Phi the normal distribution's share below x."""
    near = np.maximum(x, -FAR)
    np.multiply(near, normal(near)[0], out=out)


def _gelu_derivative(x: Array, out: Array) -> None:
    near = np.clip(x, -FAR, FAR)
    share, density = normal(near)
    np.add(share, near * density, out=out)


def _gelu_tanh(x: Array, out: Array) -> None:
    """Write x (1 + tanh(z / 2)) / 2: near x Phi(x), without an error function."""
    _gated(x, out, GELU_SCALE, GELU_CUBE)


def _gelu_tanh_derivative(x: Array, out: Array) -> None:
    _gated_derivative(x, out, GELU_SCALE, GELU_CUBE)


def _silu(x: Array, out: Array) -> None:
    """Write x sigmoid(x)."""
    _gated(x, out, 1.0, 0.0)


def _silu_derivative(x: Array, out: Array) -> None:
    _gated_derivative(x, out, 1.0, 0.0)


def _gated(x: Array, out: Array, scale: float, cube: float) -> None:
    """Write x sigmoid(z) with z = scale x (1 + cube x^2)."""
    near = np.clip(x, -FAR, FAR)
    gate = np.empty_like(near)
    _sigmoid(scale * near * (1 + cube * near * near), gate)
    np.multiply(np.maximum(x, -FAR), gate, out=out)


def _gated_derivative(x: Array, out: Array, scale: float, cube: float) -> None:
    """Write s + x s (1 - s) z'(x) for s = sigmoid(z)."""
    near = np.clip(x, -FAR, FAR)
    square = near * near
    z = scale * near * (1 + cube * square)
    e = np.exp(-np.abs(z))
    larger = 1 / (1 + e)
    smaller = e * larger  # s and 1 - s, neither of which cancels
    steepness = scale * (1 + 3 * cube * square)
    np.add(np.where(z < 0, smaller, larger), near * smaller * larger * steepness, out=out)


def _elu(x: Array, out: Array) -> None:
    """Write x above 0 and exp(x) - 1 below."""
    np.copyto(out, np.where(x > 0, x, np.expm1(np.minimum(x, 0))))


def _elu_derivative(y: Array, out: Array) -> None:
    np.add(np.minimum(y, 0), 1, out=out)  # exp(x) = y + 1


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
    Activation(
        name="plain_relu",  # max(x, 0); "relu" is Loom's, which multiplies by 1.1
        kind=ActivationType.PlainReLU,
        word="PlainReLU",
        aliases=("plainrelu",),
        apply=_plain_relu,
        derivative=_plain_relu_derivative,
        rectifies=True,
    ),
    Activation(
        name="gelu",
        kind=ActivationType.GELU,
        word="GELU",
        apply=_gelu,
        derivative=_gelu_derivative,
        derivative_from="input",
    ),
    Activation(
        name="gelu_tanh",
        kind=ActivationType.GELUTanh,
        word="GELUTanh",
        aliases=("gelutanh",),
        apply=_gelu_tanh,
        derivative=_gelu_tanh_derivative,
        derivative_from="input",
    ),
    Activation(
        name="silu",
        kind=ActivationType.SiLU,
        word="SiLU",
        aliases=("swish",),
        apply=_silu,
        derivative=_silu_derivative,
        derivative_from="input",
    ),
    Activation(
        name="elu",
        kind=ActivationType.ELU,
        word="ELU",
        apply=_elu,
        derivative=_elu_derivative,
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
