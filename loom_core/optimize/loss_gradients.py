"""Losses by function call: value and gradient of outputs that are already there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from loom_core.arrays import F32, FloatData, to_float32
from loom_core.errors import ShapeError
from loom_core.optimize.losses import loss_and_gradient
from loom_core.public import public, result_record


@result_record
@dataclass(frozen=True)
class LossGradient:
    """A loss and its gradient; in Python it unpacks as a pair.

    Args:
        loss: Mean over the batch.
        grad: With respect to the output, in its shape.
    """

    loss: float
    grad: F32

    def __iter__(self) -> Iterator[float | F32]:
        return iter((self.loss, self.grad))


@public("CrossEntropyLossGrad")
def cross_entropy_loss_grad(output: FloatData, target: FloatData) -> LossGradient:
    """Return ``-sum(t ln p) / B`` of probabilities, and its gradient ``-t / (p B)``.

    Below a probability of 1e-7 the loss continues as its tangent, so that both stay finite.

    Args:
        output: (O,) probabilities of one sample, or (B, O) of a batch.
        target: In the same shape, one-hot or any shares.

    Raises:
        ShapeError: The shapes differ.
        SpecError: One of them holds anything but numbers.
    """
    p, t = to_float32(output, "the output"), to_float32(target, "the target")
    if p.shape != t.shape or p.ndim not in (1, 2) or not p.size:
        raise ShapeError(f"the output has shape {p.shape}, the target {t.shape}")
    loss, dp = loss_and_gradient("cross_entropy", np.atleast_2d(p), np.atleast_2d(t))
    return LossGradient(loss, dp.reshape(p.shape))
