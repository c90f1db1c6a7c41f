"""The network: a grid of layers with all that can be done with it."""

from __future__ import annotations

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

    A fresh grid holds bare activations (Dense without sizes), as Loom's does.

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

    Source: Loom v0.0.7, nn.go; seeds 002 and 003.
    """
