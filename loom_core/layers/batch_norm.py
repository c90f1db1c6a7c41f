"""BatchNorm: every feature or channel scaled by what a batch, or all batches so far, hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from loom_core.arrays import F32, Shape, element_count
from loom_core.checks import finite_number, optional_size
from loom_core.errors import ShapeError, SpecError
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.layers.base import Layer
from loom_core.random_stream import RandomStream


class BatchNorm(Layer):
    """``y = g (x - mean) / sqrt(variance + eps) + b`` for each feature, or channel of images.

    Samples are (C,), each number a feature, or channels first: (C, H, W) as Conv2D gives them, or
    (C, T) as Conv1D does, for which ``num_features`` has to say C, as tokens (T, D) look alike.

    Train takes mean and variance of the step's batch, over all samples and places, the variance
    divided by their number n; and it moves the running ones: ``m := m + momentum (mean - m)``, for
    the variance the one divided by n - 1, as PyTorch does. A step that is refused (a loss or
    gradient that is not finite) moves nothing. Everything else takes the running ones and leaves
    them: ForwardCPU, BackwardCPU with ApplyGradients, StepForward and TrainWithStepping (a tick
    sees one sample, which has no variance; gain and bias learn there), and Train where the layer,
    or one around it, is frozen.

    ``gain`` and ``bias`` (C,) are parameters. ``running_mean`` and ``running_variance`` (C,), 0
    and 1 at first, are saved with them but count as none: no optimizer, norm or weight decay
    touches them.

    Args:
        num_features: C; taken from the layer before when left out.
        epsilon: > 0, added to the variance.
        momentum: The share of a new batch in the running statistics; above 0, at most 1.
        frozen: Training leaves weights and statistics alone, and goes by the latter.
        disabled: The layer passes its input through.

    Raises:
        SpecError: A setting outside its range.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167; torch.nn.BatchNorm1d and BatchNorm2d.
    """

    type_name = "batch_norm"
    type_aliases = ("batchnorm",)
    weight_keys: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "gain": "gamma",
            "bias": "beta",
            "running_mean": "running_mean",
            "running_variance": "running_variance",
        }
    )
    running_statistics = frozenset({"running_mean", "running_variance"})

    def __init__(
        self,
        num_features: int | None = None,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        *,
        frozen: bool = False,
        disabled: bool = False,
    ) -> None:
        super().__init__(frozen=frozen, disabled=disabled)
        self.num_features = optional_size(num_features, "num_features")
        self.epsilon = finite_number(epsilon, "epsilon", above=0.0)
        self.momentum = finite_number(momentum, "momentum", above=0.0)
        if self.momentum > 1:
            raise SpecError(f"momentum must be at most 1, got {momentum!r}")
        self._places = 1  # of a channel in one sample, known once the sizes are complete

    def complete(self, input_shape: Shape | None) -> None:
        """Take the first size of the layer before, where that is sure to be the channels."""
        if self.num_features is None and input_shape is not None and len(input_shape) != 2:
            self.num_features = input_shape[0]
        if input_shape is not None:
            self._places = element_count(input_shape[1:])

    def input_features(self) -> int | None:
        """Return C: what a network is given has no places."""
        return self.num_features

    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the input's shape."""
        if self.num_features is None:
            raise ShapeError(
                "batch_norm needs num_features",
                hint="It is inferred only where the layer before gives flat samples or images.",
            )
        if input_shape is not None and input_shape[0] != self.num_features:
            raise ShapeError(
                f"batch_norm expects {self.num_features} features or channels, but receives "
                f"samples of shape {input_shape}",
                hint="Channels come first. For tokens (T, D) use LayerNorm or RMSNorm.",
            )
        return input_shape

    def require_batch(self, batch: int) -> None:
        """Raise where a feature or channel has one number in a whole batch."""
        if batch * self._places < 2:
            raise ShapeError(
                "batch_norm cannot train on a batch of one sample: one number has no variance",
                hint="Choose a batch size that leaves no single sample over, or freeze the layer.",
            )

    def weight_shapes(self) -> dict[str, Shape]:
        """Return gain, bias, running_mean and running_variance, each (C,)."""
        names = self.weight_keys if self.num_features else ()
        return dict.fromkeys(names, (self.num_features or 0,))

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Gain and variance 1, bias and mean 0: nothing changes but by epsilon."""
        ones = ("gain", "running_variance")
        return {
            name: np.full(shape, name in ones, np.float32)
            for name, shape in self.weight_shapes().items()
        }

    def require_allowed(self, weights: Mapping[str, F32]) -> None:
        """Raise where a variance is negative."""
        variance = weights.get("running_variance")
        if variance is not None and variance.size and variance.min() < 0:
            raise SpecError(
                f"running_variance of batch_norm must not be negative, got {variance.min()}"
            )

    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit batch_norm in training, else one factor and one term a channel; gain and bias."""
        gain, bias = self.parameter(graph, "gain"), self.parameter(graph, "bias")
        if graph.training and not graph.frozen:
            x, _, mean, variance = graph.emit_all("batch_norm", x, axis=1, epsilon=self.epsilon)
            graph.track(self.weights["running_mean"], mean, self.momentum)
            graph.track(self.weights["running_variance"], variance, self.momentum)
        else:
            gain, bias = self._with_running_statistics(graph, gain, bias)
        x = graph.emit("mul_channels", x, gain, axis=1)
        return graph.emit("add_bias", x, bias, axis=1)

    def _with_running_statistics(
        self, graph: GraphBuilder, gain: Value, bias: Value
    ) -> tuple[Value, Value]:
        """Emit ``f = g / sqrt(variance + eps)`` and ``b - mean f``: y is f x plus the latter."""
        mean, variance = (
            self.parameter(graph, name) for name in ("running_mean", "running_variance")
        )
        epsilon = graph.constant(np.full(gain.shape, self.epsilon, np.float32))
        deviation = graph.emit("sqrt", graph.emit("add", variance, epsilon))
        factor = graph.emit("div", gain, deviation)
        shift = graph.emit("scale", graph.emit("mul", mean, factor), factor=-1.0)
        return factor, graph.emit("add", bias, shift)

    @classmethod
    def from_fields(cls, fields: Fields) -> BatchNorm:
        """Read num_features, epsilon and momentum."""
        epsilon, momentum = fields.number("epsilon"), fields.number("momentum")
        return cls(
            fields.size("num_features"),
            1e-5 if epsilon is None else epsilon,
            0.1 if momentum is None else momentum,
            **fields.flags(),
        )

    def to_fields(self) -> dict[str, Any]:
        """Write num_features, epsilon and momentum."""
        return {
            "num_features": self.num_features,
            "epsilon": self.epsilon,
            "momentum": self.momentum,
        }
