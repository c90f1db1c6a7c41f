"""The vector functions against float64: the largest errors that functions.h states.

Each is measured where a kernel shows it, over all that kernels give it; the side modules of the
bundle are measured by the same tests (e2e/test_simd_modules.py), one of them with fused arithmetic.
"""

import math

import numpy as np
import pytest

from tests.support.kernel_cases import node_on
from tests.support.simd_support import run_node

SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)
LARGE = 3e38  # above, the spacing to the next number overflows

MAGNITUDES = np.concatenate(
    [np.geomspace(SMALLEST_NORMAL, LARGE, 200_000), np.linspace(0.0, 105.0, 200_000)]
).astype(np.float32)
"""Evenly over the exponents, and evenly where exp(-x) is not 0."""

BOTH_SIGNS = np.concatenate([MAGNITUDES, -MAGNITUDES])


def kernel(name, *arrays, **attributes):
    node, inputs, _ = node_on(name, *arrays, **attributes)
    return run_node(node, inputs)[0]


def activation(function):
    return lambda x: kernel("activate", x, function=function)


def exponential(x):
    """A softmax of (x, 0) gives (exp(x) s, s): their quotient has one rounding besides."""
    rows = kernel("softmax", np.stack([x, np.zeros_like(x)], axis=1)).astype(np.float64)
    return rows[:, 0] / rows[:, 1]


def exponential_minus_1(x):
    """Softplus has the derivative 1 - exp(-y) where it is y."""
    return -kernel("activate_dx", np.ones_like(x), -x, function="softplus")


def logarithm(x):
    """One probability a call: the loss of it is -ln(p)."""
    one = np.ones((1, 1))
    return -np.array([kernel("cross_entropy", p.reshape(1, 1), one) for p in x])


def exact_sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1.0 + e)


def exact_gelu(x):
    return np.array([v * math.erfc(-v / math.sqrt(2)) / 2 for v in x])


def exact_gelu_tanh(x):
    return x * exact_sigmoid(math.sqrt(8 / math.pi) * (x + 0.044715 * x**3))


def logarithm_arguments():
    """From where cross-entropy follows the logarithm, and close around 1, where it is 0."""
    beside_1 = np.geomspace(6e-8, 0.5, 500)
    parts = [np.geomspace(1.1e-7, LARGE, 2_000), 1 - beside_1, 1 + beside_1]
    return np.concatenate(parts).astype(np.float32)


def units_in_the_last_place(found, exact):
    spacing = np.spacing(np.maximum(np.abs(exact), SMALLEST_NORMAL).astype(np.float32))
    return float(np.max(np.abs(found.astype(np.float64) - exact) / spacing))


@pytest.mark.parametrize(
    ("function", "exact", "x", "bound"),
    [
        (exponential, np.exp, -MAGNITUDES, 2),
        (exponential_minus_1, np.expm1, -MAGNITUDES, 3),
        (activation("tanh"), np.tanh, BOTH_SIGNS, 4),
        (activation("sigmoid"), exact_sigmoid, BOTH_SIGNS, 3),
        (logarithm, np.log, logarithm_arguments(), 3),
        # Up to 0 softplus is log1p(exp(x)); above, x is added.
        (activation("softplus"), lambda x: np.log1p(np.exp(x)), -MAGNITUDES, 3),
        (activation("softplus"), lambda x: x + np.log1p(np.exp(-x)), MAGNITUDES, 3),
        # The normal distribution, and one product.
        (activation("gelu"), exact_gelu, BOTH_SIGNS, 9),
        # Lower down an exponent that is rounded to a float counts for more, in what is next to 0.
        (activation("gelu_tanh"), exact_gelu_tanh, BOTH_SIGNS[BOTH_SIGNS > -3], 16),
        (activation("silu"), lambda x: x * exact_sigmoid(x), BOTH_SIGNS[BOTH_SIGNS > -80], 5),
    ],
    ids=[
        *("exp", "expm1", "tanh", "sigmoid", "log", "log1p", "softplus"),
        *("normal", "gelu_tanh", "silu"),
    ],
)
def test_largest_error(function, exact, x, bound):
    assert units_in_the_last_place(function(x), exact(x.astype(np.float64))) <= bound
