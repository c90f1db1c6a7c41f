"""Caps on what untrusted input may ask for, checked before anything is allocated.

They are module variables: a program that trusts its files may raise them.
"""

from __future__ import annotations

from loom_core.errors import LimitError

MODEL_STRING_CHARS = 512 * 2**20
"""Longest model string that is parsed. JavaScript engines end near the same length."""

JSON_DEPTH = 64
"""Deepest nesting of arrays and objects in a model string."""

MODELS_PER_BUNDLE = 1_000
"""Most models in one bundle."""

LAYERS = 10_000
"""Most layers in one network."""

LIST_ITEMS = 2**20
"""Most items in a list among a layer's settings (a mask, branches, clusters)."""

DIMENSION = 2**31 - 1
"""Largest single size (width, channels, kernel, stride ...)."""

PARAMETERS = 2**28
"""Most weights in one network: 1 GiB of float32."""

PLAN_BYTES = 2**31
"""Most working memory of one plan."""


def require_within(amount: int, limit: int, what: str, *, where: str = "", hint: str = "") -> None:
    """Raise :class:`LimitError` when ``amount`` (a Python int, so exact) exceeds ``limit``."""
    if amount > limit:
        raise LimitError(
            f"{what} is {amount:,}, more than the limit of {limit:,}",
            where=where,
            hint=hint
            or "Use a smaller model, or raise the cap in loom_core.limits if you trust it.",
        )
