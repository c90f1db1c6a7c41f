"""A program of two layers that trains many steps in one call, and data for them."""

import numpy as np

from loom_core import Dense
from loom_core.backends.step_data import StepData
from loom_core.cooperative import finish
from loom_core.plans.step_graph import training_plan
from tests.support.layer_stacks import stack


def rate_only(rate):
    """Return the numbers of a step of plain gradient descent."""
    return np.array([rate] + [0.0] * 7, np.float32)


def steps_data(width, outputs, batch, steps, rate=0.1):
    """Inputs, targets and rates, one row a step."""
    rng = np.random.default_rng(2)
    return {
        "input": rng.uniform(-1, 1, (steps, batch, width)).astype(np.float32),
        "target": rng.uniform(0, 1, (steps, batch * outputs)),  # any shape and dtype of that size
        "hyper": np.tile(rate_only(rate), (steps, 1)),
    }


def program_of(runs):
    """Return two layers, and the program of a backend that trains them."""
    layers, _ = stack(Dense(9, "tanh", input_size=5), Dense(3, "linear", input_size=9), width=5)
    return layers, runs.prepare(training_plan(layers, 4, 5, "mse"))


def run_steps(program, data, report=("loss", "norm", "norms")):
    """Run all steps in one call; return what they report."""
    return finish(program.run_steps(StepData(data), report))
