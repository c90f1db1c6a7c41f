"""Loss curves of 200 steps against PyTorch's in float64: optimizers and schedulers, MLP and CNN."""

import numpy as np
import pytest

from loom_core import (
    AdamOptimizer,
    AdamWOptimizer,
    Conv2D,
    CosineAnnealingScheduler,
    Dense,
    ExponentialDecayScheduler,
    LinearDecayScheduler,
    Network,
    PolynomialDecayScheduler,
    RMSpropOptimizer,
    SGDOptimizer,
    Softmax,
    StepDecayScheduler,
    TrainingConfig,
    TrainingData,
    WarmupScheduler,
)
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.optimize.schedulers import ConstantScheduler
from tests.support.fixture_files import FIXTURES
from tests.support.simd_support import backend
from tests.support.tolerances import CURVE

CURVES = {
    name: array
    for file in ("torch_training.npz", "torch_adam.npz")
    for name, array in np.load(FIXTURES / file).items()
}
BATCH, BATCHES, STEPS = 8, 5, 200
LOSSES = {"mlp": "mse", "cnn": "cross_entropy"}


def recorded_network(name, runs):
    if name == "mlp":
        layers = [
            Dense(16, "tanh", input_size=6),
            Dense(12, "tanh", input_size=16),
            Dense(2, "linear", input_size=12),
        ]
    else:
        layers = [
            Conv2D(3, 3, 1, 1, "tanh", input_channels=1, input_height=6, input_width=6),
            Conv2D(4, 2, 2, 0, "tanh"),
            Dense(3, "linear", input_size=36),
            Softmax(),
        ]
    network = Network.of(*layers, input_size=CURVES[f"{name}/x"].shape[1], backend=runs)
    network.initialize_weights()
    for number, layer in enumerate(layer for layer in layers if layer.weights):
        kernel, bias = CURVES[f"{name}/w{2 * number}"], CURVES[f"{name}/w{2 * number + 1}"]
        layer.set_weights({"kernel": kernel, "bias": bias})
    return network


OPTIMIZERS = {
    "sgd": (lambda: SGDOptimizer(), 0.1),
    "sgd_decay": (lambda: SGDOptimizer(weight_decay=0.01), 0.1),
    "momentum": (lambda: SGDOptimizer(0.9), 0.03),
    "dampening": (lambda: SGDOptimizer(0.9, 0.5), 0.1),
    "nesterov": (lambda: SGDOptimizer(0.9, 0.0, True), 0.03),
    "adam": (lambda: AdamOptimizer(), 0.01),
    "adam_other": (lambda: AdamOptimizer(0.8, 0.95, 1e-4), 0.003),
    "adamw": (lambda: AdamWOptimizer(), 0.01),
    "adamw_other": (lambda: AdamWOptimizer(0.8, 0.95, 1e-4, 0.1), 0.003),
    "rmsprop": (lambda: RMSpropOptimizer(), 0.003),
    "rmsprop_momentum": (lambda: RMSpropOptimizer(0.9, 1e-6, 0.8, weight_decay=0.01), 0.001),
    "clipped": (lambda: SGDOptimizer(0.5), 0.1),
}
CLIP = {"clipped": 0.3}

SCHEDULERS = {
    "constant": lambda: ConstantScheduler(0.1),
    "linear": lambda: LinearDecayScheduler(0.1, 0.01, 150),
    "cosine": lambda: CosineAnnealingScheduler(0.1, 0.01, 200),
    "cosine_warm_restarts": lambda: CosineAnnealingScheduler(0.1, 0.01, 60, restarts=True),
    "exponential": lambda: ExponentialDecayScheduler(0.1, 0.5, 50),
    "step": lambda: StepDecayScheduler(0.1, 0.3, 70),
    "polynomial": lambda: PolynomialDecayScheduler(0.1, 0.0, 180, 2.0),
    "warmup": lambda: WarmupScheduler(20, 0.01, 0.1, CosineAnnealingScheduler(0.1, 0.01, 180)),
}

CASES = [("optimizer", key) for key in OPTIMIZERS] + [("scheduler", key) for key in SCHEDULERS]


def trained(name, runs, optimizer, scheduler, rate, clip):
    """Return the losses of Train, step by step."""
    losses = []
    recorded_network(name, runs).train(
        TrainingData(CURVES[f"{name}/x"], CURVES[f"{name}/t"], batch_size=BATCH, shuffle=False),
        TrainingConfig(
            epochs=STEPS // BATCHES,
            learning_rate=rate,
            loss_type=LOSSES[name],
            gradient_clip=clip,
            optimizer=optimizer,
            scheduler=scheduler,
            progress_interval=0.0,
        ),
        lambda event: event.event == "batch_end" and losses.append(event.loss),
    )
    return np.array(losses)


def error(found, expected):
    assert found.shape == expected.shape == (STEPS,)
    return float(np.max(np.abs(found - expected) / np.abs(expected)))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("kind", "key"), CASES)
def test_curves_are_those_of_torch(name, kind, key):
    """Both backends, in float32, lie close to float64: they agree among themselves too."""
    expected = CURVES[f"{name}/{kind}/{key}"]
    make, rate = OPTIMIZERS[key] if kind == "optimizer" else OPTIMIZERS["sgd"]
    scheduler = SCHEDULERS[key]() if kind == "scheduler" else None
    for runs in (NumpyBackend(), backend()):
        found = trained(name, runs, make(), scheduler, rate, CLIP.get(key, 0.0))
        assert error(found, expected) < CURVE, runs.name
