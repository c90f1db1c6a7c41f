"""The one list of ops that a backend has no kernel for, with the reason of each.

Any other op must have a kernel on every backend; a test holds that. What is listed for ``"simd"``
runs by its NumPy definition between two calls of the kernels, and ``GetBackendReport`` counts it.
A graphics device cannot do so: there a plan with an op that is listed for ``"webgpu"`` is refused,
and ``"auto"`` leaves it to the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping

MISSING_KERNELS: Mapping[str, Mapping[str, str]] = {}
"""By the op's name, then by the backend's: why there is none."""
