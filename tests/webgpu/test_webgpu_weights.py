"""Weights that a GPU changes while others want them: no reader gets old ones, and none is lost."""

import numpy as np
import pytest

from loom_core import Network, load_model, load_model_from_string
from loom_core.bridge import Bridge
from loom_core.errors import WeightsAwayError
from loom_core.models.bundle import deserialize_model
from loom_core.network.bundle_text import save_bundle_to_string
from tests.support import simd_support, webgpu_support
from tests.support.gpu_networks import assert_same_weights, data, network
from tests.support.gpu_trainings import (
    EACH_STEP,
    ON_GPU,
    finished,
    layer_weights,
    reads_take_turns,
    step_of,
    weights_after_each_step,
)
from tests.support.tolerances import NETWORK, assert_close
from tests.support.weights import weights_of

pytestmark = pytest.mark.usefixtures("one_device")


READERS = {
    "SaveModelToString": lambda net: weights_of(
        load_model_from_string(net.save_model_to_string("m"), "m").layers
    ),
    "SaveModelWithDType": lambda net: weights_of(
        load_model_from_string(net.save_model_with_dtype("m", "float64"), "m").layers
    ),
    "SerializeModel": lambda net: weights_of(deserialize_model(net.serialize_model("m")).layers),
    "SaveBundle": lambda net: weights_of(
        load_model_from_string(save_bundle_to_string({"m": net}), "m").layers
    ),
    "GetLayer": layer_weights,
    "ForwardCPU": lambda net: [net.forward_cpu(data()["Inputs"][:4])],
    "Activations": lambda net: [net.forward_cpu(data()["Inputs"][:4]), *net.activations()],
    "EvaluateNetwork": lambda net: [
        net.evaluate_network(data()["Inputs"], data()["Labels"]).average_deviation
    ],
    "GetTelemetry": lambda net: [layer.weight_norm for layer in net.get_telemetry().layer_stats],
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_who_reads_weights_of_a_training_on_the_gpu_gets_the_present_ones(read):
    def at_step_8(net, settings):
        seen = []
        net.train(data(), settings, lambda e: seen.append(read(net)) if e.step == 8 else None)
        return seen[0]

    ours, theirs = network(), network(backend="numpy")
    found, expected = at_step_8(ours, ON_GPU), at_step_8(theirs, EACH_STEP)
    for a, b in zip(found, expected, strict=True):
        assert_close(np.asarray(a), np.asarray(b), NETWORK, "what was read")
    untrained = network(backend="numpy")
    untrained.require_weights()
    assert any(np.any(a != old) for a, old in zip(found, read(untrained), strict=True))
    assert_same_weights(ours, theirs)
    ours.release_gpu()


class Driven:
    """A network behind a bridge, trained on a GPU whose reads take turns."""

    def __init__(self):
        self.net = network(backend=simd_support.backend())
        self.bridge = Bridge()
        self.handle = self.bridge._to_plain(self.net)["$object"]
        arguments = [data(), {**ON_GPU, "Epochs": 3}, lambda event: None]
        self.training = self.call("Train", arguments)["job"]

    def call(self, name, arguments=()):
        return self.bridge.call(self.handle, name, list(arguments))

    def advance_to(self, step):
        while self.net.position is None or self.net.position.step < step:
            assert "pending" in self.bridge.advance(self.training, 0)

    def advance_ahead(self):
        while not self.net.programs.ahead():
            assert "pending" in self.bridge.advance(self.training, 0)

    def result_of(self, job, beside=()):
        while "pending" in (reply := self.bridge.advance(job, 0)):
            for other in beside:
                self.bridge.advance(other, 0)
        return reply["value"]


def test_where_reads_take_time_a_call_that_reads_weights_becomes_a_job():
    known = weights_after_each_step()
    with reads_take_turns(webgpu_support.device()):
        driven = Driven()
        driven.advance_to(7)
        driven.advance_ahead()
        saving = driven.call("SaveModelToString", ["m"])["job"]
        text = driven.result_of(saving, [driven.training])
        assert driven.net.is_training()
        assert step_of(weights_of(load_model_from_string(text, "m").layers), known) >= 7
        driven.advance_ahead()
        assert driven.bridge.prepare_forward(driven.handle, 12) == 0
        x = data()["Inputs"][0]
        y = driven.result_of(driven.call("ForwardCPU", [x])["job"])  # the training goes on after it
        step = step_of(weights_of(driven.net.layers), known)
        assert step >= 7
        driven.advance_ahead()
        getting = driven.call("GetLayer", [0, 0, 0])["job"]
        assert driven.result_of(getting, [driven.training])["$class"] == "Layer"
        driven.result_of(driven.training)
        twin = network(backend="numpy")
        twin.require_weights()
        for array, held in zip(weights_of(twin.layers), known[step], strict=True):
            array[...] = held
        assert_close(y, twin.forward_cpu(x), NETWORK, "output")
    assert step_of(weights_of(driven.net.layers), known) == 18
    assert driven.bridge.prepare_forward(driven.handle, 12) != 0
    assert driven.bridge.live_jobs() == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SaveModelToString", ["m"]),
        ("SaveModelWithDType", ["m", "float64"]),
        ("SerializeModel", ["m"]),
        ("GetLayer", [0, 0, 0]),
        ("ForwardCPU", [np.zeros(12)]),
        ("GetTelemetry", []),
        ("SaveTrainingState", []),
    ],
)
def test_who_must_answer_at_once_refuses_rather_than_give_old_weights(name, arguments):
    with reads_take_turns(webgpu_support.device()):
        driven = Driven()
        driven.bridge.answer_at_once()
        driven.advance_to(7)
        driven.advance_ahead()
        error = driven.call(name, arguments)["error"]
        assert error["code"] == "busy"
        assert "on the GPU" in error["message"]
        assert "Pause" in error["hint"]
        driven.call("PauseTraining")
        while not driven.bridge.advance(driven.training, 0)["paused"]:
            pass
        assert "value" in driven.call(name, arguments)
        driven.call("ResumeTraining")
        driven.result_of(driven.training)


def test_a_function_that_reads_the_weights_of_a_network_waits_for_them_too(tmp_path):
    with reads_take_turns(webgpu_support.device()):
        driven = Driven()
        driven.advance_to(7)
        driven.advance_ahead()
        saved = str(tmp_path / "bundle.json")
        networks = {"m": {"$object": driven.handle}}
        saving = driven.bridge.call(0, "SaveBundle", [saved, networks])["job"]
        driven.result_of(saving, [driven.training])
        assert driven.net.is_training()
        weights = weights_of(load_model(saved, "m").layers)
        assert step_of(weights, weights_after_each_step()) >= 7
        driven.result_of(driven.training)


def test_outside_the_bridge_a_call_that_cannot_wait_says_so():
    with reads_take_turns(webgpu_support.device()):
        net = network()
        steps = Network.train.steps(net, data(), ON_GPU)
        while net.position is None or net.position.step < 3:
            next(steps)
        with pytest.raises(WeightsAwayError):
            net.forward_cpu(np.zeros(12))
        with pytest.raises(WeightsAwayError):
            save_bundle_to_string({"m": net})
        finished(steps)
