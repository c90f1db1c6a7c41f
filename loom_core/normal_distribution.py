"""The normal distribution's share below a number and its density, in NumPy, to the last places.

Source of the method: Shepherd and Laframboise 1981, "Chebyshev approximation of
(1 + 2x) exp(x^2) erfc(x) in 0 <= x < infinity". The expansion here is of (1 + t) exp(t^2 / 2) Q(t),
with Q(t) the share above t, in u = (t - 4) / (t + 4) from -1 to 1, computed with 40 digits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FAR = 40.0
"""Beyond it exp(-t^2 / 2) is 0 in float64."""

_MIDDLE = 4.0
"""The t at which u is 0."""

_POWERS_OF_U = (
    -6.7632672105624539e-10, -1.5456221598143852e-9, 5.4747086320486894e-9,
    1.7442583764419793e-8, -1.7932121916642414e-8, -1.1022354013739079e-7,
    -1.237153366992197e-9, 5.5077479653640979e-7, 4.0671730125154448e-7,
    -2.6118464340168556e-6, -3.4333722168532754e-6, 1.3626315192600401e-5,
    2.1250446856208375e-5, -8.7853004426457919e-5, -9.4430339441522229e-5,
    0.00069489706925704951, -0.00028562308680939413, -0.0050023785870514666,
    0.017936097478868589, -0.032197837428314526, 0.02860036405357749,
    0.013999634724430469, -0.096703477326526068, 0.47205320650984466,
)  # fmt: skip
"""Coefficients of the expansion, of u^23 first."""


def normal(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return Phi(x), the share below x, and the density exp(-x^2 / 2) / sqrt(2 pi).

    Args:
        x: float32 or float64; so are the results.

    Numerics: Phi is ``(1 + erf(x / sqrt(2))) / 2`` with a relative error of a few units of the last
    place, far below 0 too, where that formula cancels.
    """
    t = np.minimum(np.abs(x), _FAR)
    # t^2 rounded would lose places in exp(-t^2 / 2); the square of few bits is exact.
    high = np.rint(t * 16) / 16
    bell = np.exp(high * high * -0.5) * np.exp((t - high) * (t + high) * -0.5)
    u = (t - _MIDDLE) / (t + _MIDDLE)
    expansion = np.full_like(u, _POWERS_OF_U[0])
    for coefficient in _POWERS_OF_U[1:]:
        expansion *= u
        expansion += coefficient
    above = bell * expansion / (1 + t)
    return np.where(x < 0, above, 1 - above), bell / math.sqrt(2 * math.pi)
