"""The optimizers: each is one class in one file, listed here.

The mathematics is PyTorch's where it has the optimizer. Where Loom v0.0.7 differs (no special first
step of momentum, epsilon inside RMSprop's root) these follow PyTorch; weight decay never pulls on
biases and norm gains, as in Loom.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizers.adam import AdamOptimizer as AdamOptimizer
from loom_core.optimize.optimizers.adamw import AdamWOptimizer as AdamWOptimizer
from loom_core.optimize.optimizers.lion import LionOptimizer as LionOptimizer
from loom_core.optimize.optimizers.rmsprop import RMSpropOptimizer as RMSpropOptimizer
from loom_core.optimize.optimizers.sgd import SGDOptimizer as SGDOptimizer

OptimizerName = Literal["sgd", "sgd_momentum", "adam", "adamw", "rmsprop", "lion"]
"""What a config may ask for, as a type; a test holds it equal to the keys of OPTIMIZERS."""

_CLASSES: tuple[type[Optimizer], ...] = (
    SGDOptimizer,
    AdamOptimizer,
    AdamWOptimizer,
    RMSpropOptimizer,
    LionOptimizer,
)

OPTIMIZERS: Mapping[str, type[Optimizer]] = {
    name: kind for kind in _CLASSES for name in (kind.type_name, *kind.aliases)
}
"""The class of each name in configs."""
