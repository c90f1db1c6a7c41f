"""Whole networks on the native WebGPU device against NumPy: outputs, training steps, models."""

import gc
from itertools import cycle

import numpy as np
import pytest

from loom_core import BackendError
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.plan import make_plan
from tests.support.layer_stacks import STACKS
from tests.support.network_runs import (
    LOADABLE,
    OPTIMIZERS,
    assert_inference_equals_numpy,
    assert_model_equals_numpy,
    assert_training_equals_numpy,
)
from tests.support.webgpu_support import backend


@pytest.fixture(scope="module")
def gpu():
    yield backend()
    gc.collect()
    assert backend().device.memory_bytes == 0, "a test's programs are still on the device"


@pytest.mark.parametrize("name", STACKS)
def test_inference_equals_numpy(name, gpu):
    assert_inference_equals_numpy(name, gpu)


@pytest.mark.parametrize(("loss", "optimizer"), [("mse", "sgd"), ("cross_entropy", "adamw")])
@pytest.mark.parametrize("name", STACKS)
def test_training_steps_equal_numpy(name, loss, optimizer, gpu):
    assert_training_equals_numpy(name, gpu, loss, optimizer)


@pytest.mark.parametrize(
    ("name", "optimizer"), [*zip(LOADABLE, cycle(OPTIMIZERS), strict=False)], ids=LOADABLE
)
def test_models_saved_by_loom_do_what_they_do_on_numpy(name, optimizer, gpu):
    report = assert_model_equals_numpy(name, "webgpu", optimizer)
    assert (report.used, report.device) == ("webgpu", gpu.device.name)


def test_a_plan_of_float64_is_refused(gpu):
    graph = GraphBuilder()
    x = graph.input("x", (2,))
    plan = make_plan(graph.graph, {"x": x, "y": graph.emit("scale", x)}, np.float64)
    with pytest.raises(BackendError, match="float32"):
        gpu.prepare(plan)
