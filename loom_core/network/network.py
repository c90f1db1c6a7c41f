"""The network: a grid of layers with all that can be done with it."""

from __future__ import annotations

from typing import Self

from loom_core.backends.base import Backend
from loom_core.backends.choice import BackendName
from loom_core.errors import SpecError
from loom_core.layers import Layer
from loom_core.layers.base import require_layers
from loom_core.network.evaluation import Evaluation
from loom_core.network.gpu import Gpu
from loom_core.network.gradients import Gradients
from loom_core.network.introspecting import Introspecting
from loom_core.network.observing import Observing
from loom_core.network.saving import Saving
from loom_core.network.stepping import Stepping
from loom_core.network.training import Training
from loom_core.public import public_class


@public_class
class Network(Training, Stepping, Gpu, Gradients, Saving, Evaluation, Observing, Introspecting):
    """A grid of cells, each a stack of layers; data flows cell by cell in reading order.

    A fresh grid holds bare activations (Dense without sizes), as Loom's does; set_layer fills it.
    Layers that only follow each other are put together by :meth:`of`.

    Args:
        input_size: Numbers in one sample; None where the first layer says it, or takes any.
        rows: Rows of cells.
        cols: Columns of cells.
        layers_per_cell: Layers in each cell.
        seed: Of every random choice: weights, and shuffling unless the training names its own.
        batch_size: Samples in a run that does not say otherwise; kept for Loom's files.
        model_id: Name in a bundle.
        backend: What runs the plans: ``"auto"``, ``"simd"``, ``"numpy"``, ``"webgpu"``, or a
            backend itself.

    Raises:
        SpecError: A size below 1, or no backend of that name.
        BackendError: The backend that was named cannot run here.
        LimitError: More layers than the limits allow.

    Source: Loom v0.0.7, nn.go.
    """

    @classmethod
    def of(
        cls,
        *layers: Layer,
        input_size: int | None = None,
        seed: int = 0,
        batch_size: int = 1,
        model_id: str = "",
        backend: BackendName | Backend = "auto",
    ) -> Self:
        """Return a network of layers one after the other: a grid of one cell that holds them.

        >>> network = Network.of(Dense(8, "tanh"), Dense(1, "sigmoid"), input_size=2)
        >>> network.get_total_parameters()
        33

        Sizes that a layer leaves out are inferred at once. A layer that is given twice uses the
        same weights in both places.

        Args:
            layers: At least one, in order.
            input_size: As for the class, here by name; left out where the first layer says it.
            seed: As for the class, and so are those that follow.
            batch_size: See there.
            model_id: See there.
            backend: See there.

        Raises:
            SpecError: There is no layer, or one is something else; else as for the class.
            ShapeError: A size is missing, or layers do not fit; the message names the layer.
            BackendError, LimitError: As for the class.
        """
        if len(layers) == 1 and isinstance(layers[0], list | tuple):
            raise SpecError(
                f"Network.of takes layers one by one, got a {type(layers[0]).__name__} of them",
                hint="Unpack it: Network.of(*layers, input_size=...).",
            )
        require_layers(layers, "a network")
        network = cls(
            input_size, 1, 1, len(layers),
            seed=seed, batch_size=batch_size, model_id=model_id, backend=backend,
        )  # fmt: skip
        network.layers[:] = layers
        network.complete_sizes()
        return network
