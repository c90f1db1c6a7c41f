"""What to say when a training meets NaN or infinity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from loom_core.arrays import F32, Array
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.errors import NonFiniteError
from loom_core.optimize.trained_weights import trained_weights
from loom_core.plans.gradient_graph import activations_plan
from loom_core.running import NetworkGrid


def divergence_error(
    network: NetworkGrid, step: int, batches: int, found: Mapping[str, Array], x: F32
) -> NonFiniteError:
    """Return the error of a step that was refused, naming where the trouble shows.

    Args:
        network: With the weights of the last good step.
        step: Good steps of the training.
        batches: In an epoch.
        found: What the last steps reported; the last of them is the refused one.
        x: (B, I), the input of the refused step.
    """
    refused = len(found["loss"]) - 1
    loss = float(found["loss"][refused])
    what = "a gradient" if np.isfinite(loss) else "the loss"
    value = f"became {loss}" if not np.isfinite(loss) else "became NaN or infinite"
    epoch, batch = divmod(step, batches)
    layer = _first_layer(network, x)
    if layer is not None:
        where = f"the output of {layer} is the first that is not finite"
    else:
        named = _gradients(network, found, refused)
        where = f"not finite: the gradient of {named}" if named else "all outputs are finite"
    return NonFiniteError(
        f"{what} {value} in epoch {epoch + 1}, batch {batch + 1} (step {step + 1}); {where}",
        hint="Lower the learning rate, clip the gradients, or scale the inputs to about -1 to 1. "
        "The weights are those of the step before.",
    )


def _first_layer(network: NetworkGrid, x: F32) -> str | None:
    """Return the first layer whose output for a batch is not finite, or None."""
    program = NumpyBackend().prepare(activations_plan(network.layers, *x.shape))
    program.write("input", x)
    with np.errstate(all="ignore"):
        program.run()
    for index in range(len(network.layers)):
        if not np.isfinite(program.read(f"activation.{index + 1}")).all():
            return network.layer_name(index)
    return None


def _gradients(network: NetworkGrid, found: Mapping[str, Array], refused: int) -> str:
    """Return the layers whose gradients are not finite."""
    if "norms" not in found:
        return ""
    bad = ~np.isfinite(found["norms"][refused])
    weights = [w for w, is_bad in zip(trained_weights(network.layers), bad, strict=True) if is_bad]
    return ", ".join(dict.fromkeys(network.layer_name(weight.index) for weight in weights))
