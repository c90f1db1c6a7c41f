"""Lion against a loop in float64, written from algorithm 2 of arXiv:2302.06675."""

from base64 import b64decode

import numpy as np
import pytest

from loom_core import Dense, LionOptimizer, Network, TrainingConfig, TrainingData
from loom_core.backends.numpy_backend import NumpyBackend
from tests.support import simd_support, webgpu_support

STEPS, RATE, CLIP = 20, 0.01, 0.2
BACKENDS = {
    "numpy": NumpyBackend,
    "simd": simd_support.backend,
    "webgpu": webgpu_support.backend,
}

pytestmark = pytest.mark.usefixtures("one_device")


def samples():
    rng = np.random.default_rng(10)
    return rng.standard_normal((12, 5)), rng.standard_normal((12, 3))


def first_weights():
    rng = np.random.default_rng(12)
    return rng.uniform(-1, 1, (5, 3)).astype(np.float32), rng.uniform(-1, 1, 3).astype(np.float32)


def by_the_paper(beta1, beta2, weight_decay):
    """Return a linear layer's weights after all steps, their means, and the least |c|."""
    x, t = (np.asarray(a, np.float32).astype(np.float64) for a in samples())
    theta = [w.astype(np.float64) for w in first_weights()]
    m = [np.zeros_like(w) for w in theta]
    nearest = np.inf
    for _ in range(STEPS):
        error = 2 * (x @ theta[0] + theta[1] - t) / t.size
        g = [x.T @ error, error.sum(axis=0)]
        norm = np.sqrt(sum((part**2).sum() for part in g))
        g = [part * min(1.0, CLIP / norm) for part in g]
        for i, decay in enumerate((weight_decay, 0.0)):  # biases do not decay
            c = beta1 * m[i] + (1 - beta1) * g[i]
            nearest = min(nearest, np.abs(c).min())
            theta[i] = theta[i] - RATE * (np.sign(c) + decay * theta[i])
            m[i] = beta2 * m[i] + (1 - beta2) * g[i]
    return theta, m, nearest


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("settings", [(0.9, 0.99, 0.0), (0.9, 0.99, 0.3), (0.5, 0.8, 1.0)])
def test_training_is_the_algorithm_of_the_paper(settings, backend):
    expected, means, nearest = by_the_paper(*settings)
    assert nearest > 1e-4  # else the rounding of float32 might decide a sign
    network = Network(5, 1, 1, 1, backend=BACKENDS[backend]())
    layer = Dense(3, "linear", input_size=5)
    network.set_layer(0, 0, 0, layer)
    layer.set_weights(dict(zip(("kernel", "bias"), first_weights(), strict=True)))
    optimizer = LionOptimizer(*settings)
    config = TrainingConfig(
        epochs=STEPS, learning_rate=RATE, gradient_clip=CLIP, optimizer=optimizer
    )
    network.train(TrainingData(*samples(), batch_size=12), config)
    moments = optimizer.get_state()["moments"]
    for name, weight, mean in zip(("kernel", "bias"), expected, means, strict=True):
        np.testing.assert_allclose(network.layers[0].weights[name], weight, atol=3e-6)
        held = np.frombuffer(b64decode(moments[f"0.{name}"]["m"]), "<f4")
        np.testing.assert_allclose(held, mean.ravel(), atol=1e-6)
