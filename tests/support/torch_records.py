"""A layer against what PyTorch computed for it: recorded input, output, weights and gradients."""

from collections.abc import Mapping

import numpy as np

from loom_core.layers import Layer
from loom_core.layers.chain import complete_chain
from tests.support.finite_differences import gradients_of


def assert_equals_torch(layer: Layer, arrays: Mapping[str, np.ndarray], name: str) -> None:
    """Compare output and all gradients, in float64, with the arrays recorded under a name."""
    x = arrays[f"{name}/x"]
    complete_chain([layer], x.shape[1:], str)
    prefix = f"{name}/w/"
    weights = {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
    assert weights.keys() == layer.weight_shapes().keys()
    layer.set_weights(weights)
    layer._weights.update({key: np.array(value) for key, value in weights.items()})  # in float64
    y, found = gradients_of([layer], x, arrays[f"{name}/dy"])
    np.testing.assert_allclose(y, arrays[f"{name}/y"].reshape(y.shape), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(found["x"], arrays[f"{name}/dx"], rtol=1e-8, atol=1e-9)
    for key in weights:
        expected = arrays[f"{name}/dw/{key}"]
        np.testing.assert_allclose(found[f"0.{key}"], expected, rtol=1e-8, atol=1e-9)
