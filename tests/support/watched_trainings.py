"""Data and settings for trainings of nested_network (see observed_networks) that are watched."""

import numpy as np

from loom_core import TrainingConfig, TrainingData


def data(samples=22, width=5, classes=4, batch_size=4):
    """Samples with classes, in batches of which the last is smaller."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(samples, width)).astype(np.float32)
    labels = rng.integers(0, classes, samples)
    return TrainingData(x, labels=labels, batch_size=batch_size)


def config(**options):
    """Three epochs, told at once."""
    return TrainingConfig(**{"epochs": 3, "learning_rate": 0.05, "progress_interval": 0} | options)
