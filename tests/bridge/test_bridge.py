"""Calls by public name with plain data, and the description that JavaScript is made from."""

import ctypes
import gc
import inspect
import weakref

import numpy as np
import pytest

import loom_core
from loom_core import public as table
from loom_core.backends.choice import Choice
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.bridge import Bridge
from loom_core.introspection import describe
from tests.support.bridge_calls import CONFIG, XOR, build, drive, error, value
from tests.support.simd_support import backend


def test_objects_are_handles_and_arrays_cross_flat():
    bridge = Bridge()
    made = value(bridge.call(0, "BuildNetworkFromJSON", [CONFIG]))
    assert made == {"$object": 1, "$class": "Network"}
    output = value(bridge.call(1, "ForwardCPU", [memoryview(np.zeros(4, np.float32))]))
    assert output.shape == (2,)
    assert output.dtype == np.float32
    assert value(bridge.call(1, "GetNetworkInfo", []))["TotalLayers"] == 2
    text = value(bridge.call(1, "SaveModelToString", ["m"]))
    assert value(bridge.call(0, "ListModels", [text])) == ["m"]
    again = value(bridge.call(0, "LoadModelFromString", [text, "m"]))["$object"]
    same = value(bridge.call(again, "ForwardCPU", [[0.0] * 4]))
    np.testing.assert_array_equal(same, output)
    assert bridge.live_handles() == 2


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_released_objects_are_gone_at_once():
    bridge = Bridge()
    handle = build(bridge)
    reference = weakref.ref(bridge._objects[handle])
    value(bridge.call(handle, "ForwardCPU", [[0, 0]]))
    value(drive(bridge, bridge.call(handle, "Train", [XOR, {"Epochs": 2}])["job"])[0])
    error(bridge.call(handle, "ForwardCPU", [[0, 0, 0]]))
    error(drive(bridge, bridge.call(handle, "Train", [{**XOR, "Inputs": [1]}])["job"])[0])
    bridge.release(handle)
    assert reference() is None
    assert bridge.live_handles() == 0
    assert error(bridge.call(handle, "ForwardCPU", [[0, 0]]))["code"] == "call"
    bridge.release(handle)  # twice is harmless


def test_training_is_a_job_in_slices():
    bridge = Bridge()
    handle = build(bridge)
    events = []
    started = bridge.call(handle, "Train", [XOR, {"epochs": 400}, events.append])
    job = started["job"]
    assert bridge.live_jobs() == 1
    assert value(bridge.call(handle, "IsTraining", [])) is False  # not before the first slice
    assert bridge.advance(job, 0.0) == {"pending": True, "paused": False}
    assert value(bridge.call(handle, "ForwardCPU", [[0, 1]])).shape == (1,)
    assert error(bridge.advance(bridge.call(handle, "Train", [XOR])["job"], 1))["code"] == "busy"
    value(bridge.call(handle, "PauseTraining", []))
    assert bridge.advance(job, 50.0) == {"pending": True, "paused": True}
    value(bridge.call(handle, "ResumeTraining", []))
    envelope, slices = drive(bridge, job)
    result = value(envelope)
    assert slices > 1
    assert result["Steps"] == 400
    assert result["LossHistory"][-1] == result["FinalLoss"]
    assert events[-1]["Event"] == "epoch_end"
    assert events[-1]["Epoch"] == 400
    assert bridge.live_jobs() == 0


def test_jobs_can_be_cancelled_and_end_with_their_object():
    bridge = Bridge()
    handle = build(bridge)
    job = bridge.call(handle, "Train", [XOR])["job"]
    bridge.advance(job, 0.0)
    assert value(bridge.cancel(job)) is None
    assert value(bridge.call(handle, "IsTraining", [])) is False
    assert error(bridge.advance(job, 1.0))["code"] == "call"
    second = bridge.call(handle, "Train", [XOR])["job"]
    bridge.advance(second, 0.0)
    bridge.release(handle)
    assert bridge.live_jobs() == 0


def test_a_failing_callback_ends_the_job_with_its_error():
    bridge = Bridge()
    handle = build(bridge)

    def fail(event):
        raise RuntimeError("the page went away")

    job = bridge.call(handle, "Train", [XOR, {}, fail])["job"]
    envelope, _ = drive(bridge, job)
    assert "the page went away" in error(envelope)["message"]
    assert value(bridge.call(handle, "IsTraining", [])) is False


@pytest.mark.parametrize(
    ("target", "name", "args", "code", "message"),
    [
        (0, "Nothing", [], "call", "no function 'Nothing'"),
        (0, "__class__", [], "call", "no function"),
        (1, "forward_cpu", [[0, 0]], "call", "no method of Network 'forward_cpu'"),
        (1, "_programs", [], "call", "no method"),
        (1, "SetLayers", [], "call", "no method"),
        (9, "ForwardCPU", [], "call", "no object 9"),
        ("1", "ForwardCPU", [], "call", "no object '1'"),
        (1, "ForwardCPU", [], "call", "ForwardCPU takes input; got 0 arguments"),
        (1, "TotalLayers", [1], "call", "takes none; got 1"),
        (1, "SaveModelToString", [3], "call", "model_id must be text, got 3"),
        (1, "SaveModelToString", [{}], "call", "model_id must be text, got an object"),
        (1, "SaveModelToString", [None], "call", "model_id must be text, got nothing"),
        (1, "SaveModelToString", [2**200], "call", "model_id must be text, got a huge number"),
        (1, "SaveModelToString", [True], "call", "model_id must be text, got true"),
        (1, "SaveModelToString", [len], "call", "model_id must be text, got a function"),
        (1, "InitializeWeights", ["x"], "call", "seed must be a whole number"),
        (0, "DiagnoseStats", [3], "call", "stats must be a list, got 3"),
        (0, "SaveBundle", ["f", 3], "call", "networks must be an object, got 3"),
        (0, "SaveBundle", ["f", {"m": 3}], "spec", "'m' must be a network, got 3"),
        (0, "InitSequentialLayer", [np.zeros(2)], "call", "must be a list, got an array"),
        (0, "InitMixtureSoftmaxLayer", [3], "call", "weights must be a list, got 3"),
        (0, "InitMixtureSoftmaxLayer", [["x"]], "spec", "weights of at least 0"),
        (0, "InitMaskedSoftmaxLayer", [2**40], "limit", "mask_size is 1,099,511,627,776"),
        (1, "SetBackend", [[]], "call", "backend must be text, got a list"),
        (1, "ForwardCPU", [[0, 0, 0]], "shape", "expected a multiple of 2"),
        (1, "ForwardCPU", [["a", "b"]], "spec", "holds text"),
        (0, "LoadModelFromString", ["<html>", "m"], "model_format", "HTML"),
        (0, "LoadModel", ["no/such/file", "m"], "file", "no/such/file"),
    ],
)
def test_wrong_calls_are_error_envelopes(target, name, args, code, message):
    bridge = Bridge()
    build(bridge)
    found = error(bridge.call(target, name, args))
    assert found["code"] == code
    assert message in found["message"]
    assert "Traceback" not in found["message"]


def test_what_is_left_out_at_the_end_takes_its_default():
    bridge = Bridge()
    handle = build(bridge)
    value(bridge.call(handle, "InitializeWeights", [None]))
    job = bridge.call(handle, "Train", [XOR, None, None])["job"]
    assert value(drive(bridge, job)[0])["Steps"] == 10


def test_a_new_public_method_is_callable_and_described_without_more():
    class Thermometer:
        """Measures."""

        @table.public("ReadCelsius")
        def read(self, times: int = 1) -> list[float]:
            """Return readings."""
            return [20.5] * times

    @table.public("NewThermometer")
    def make() -> Thermometer:
        """Return a thermometer."""
        return Thermometer()

    make.__annotations__["return"] = Thermometer
    try:
        table.public_class(Thermometer)
        table.FUNCTIONS["NewThermometer"] = make
        bridge = Bridge()
        handle = value(bridge.call(0, "NewThermometer", []))["$object"]
        assert value(bridge.call(handle, "ReadCelsius", [2])) == [20.5, 20.5]
        (described,) = [c for c in describe()["classes"] if c["name"] == "Thermometer"]
        assert described["methods"] == [
            {
                "name": "ReadCelsius",
                "doc": "Return readings.",
                "parameters": [
                    {
                        "name": "times",
                        "type": {"kind": "number"},
                        "optional": True,
                        "default": 1,
                        "doc": "",
                    }
                ],
                "returns": {"kind": "array", "item": {"kind": "number"}},
                "cooperative": False,
            }
        ]
    finally:
        for registry, key in (
            (table.FUNCTIONS, "NewThermometer"),
            (table.CLASSES, "Thermometer"),
            (table.METHODS, Thermometer),
        ):
            registry.pop(key, None)


def test_the_description_is_complete_and_documented():
    description = describe()
    assert description["version"] == loom_core.__version__
    (network,) = [c for c in description["classes"] if c["name"] == "Network"]
    callables = description["functions"] + network["methods"]
    names = {c["name"] for c in callables}
    assert {"LoadModelFromString", "BuildNetworkFromJSON", "ForwardCPU", "Train"} <= names
    assert all(c["doc"].endswith(".") or c["doc"] for c in callables)
    train = next(c for c in network["methods"] if c["name"] == "Train")
    assert train["cooperative"]
    assert train["returns"] == {"kind": "record", "name": "TrainingResult"}
    assert [p["name"] for p in train["parameters"]] == ["batches", "config", "on_progress"]
    config = next(r for r in description["records"] if r["name"] == "TrainingConfig")
    rate = next(f for f in config["fields"] if f["name"] == "LearningRate")
    assert config["input"]
    assert rate == {
        "name": "LearningRate",
        "type": {"kind": "number"},
        "optional": True,
        "default": 0.01,
        "doc": "Step size of gradient descent, where no scheduler says another.",
    }
    assert all(f["doc"] for r in description["records"] for f in r["fields"] if r["input"] is False)


def test_enums_are_described():
    enums = {enum["name"]: enum["values"] for enum in describe()["enums"]}
    assert enums["LayerType"]["Sequential"] == 13
    assert enums["ActivationType"]["LeakyReLU"] == 4
    assert set(enums) == {"ActivationType", "DType", "LayerType", "SoftmaxType"}


def test_public_names_are_unique_and_signatures_have_types():
    for functions in (table.FUNCTIONS, *table.METHODS.values()):
        for name, function in functions.items():
            plain = getattr(function, "steps", function)
            assert name[0].isupper(), name
            for parameter in inspect.signature(plain).parameters.values():
                assert parameter.name == "self" or parameter.annotation is not parameter.empty


def test_a_prepared_forward_is_the_call_itself_as_numbers():
    bridge = Bridge()
    handle = build(bridge)
    x = np.array([0, 1, 1, 1, -3, 0.5], np.float32)
    bridge._objects[handle]._choice = Choice("simd", backend(), "of this test")
    address = bridge.prepare_forward(handle, x.size)
    assert bridge.prepare_forward(handle, x.size) == address
    words = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_size_t)), (8,))
    source, inputs, target, outputs, function, records, size, scratch = map(int, words)
    assert (inputs, outputs) == (6, 3)
    ctypes.memmove(source, x.ctypes.data, x.nbytes)
    run = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)
    assert run(function)(records, size, scratch) == -1
    y = np.frombuffer(ctypes.string_at(target, 4 * outputs), np.float32)
    np.testing.assert_array_equal(y, value(bridge.call(handle, "ForwardCPU", [x])))
    assert bridge._objects[handle].last_forward.plan.ports["input"].shape == (3, 2)


@pytest.mark.parametrize(
    ("target", "length", "why"),
    [
        (9, 2, "there is no such object"),
        (1, 3, "the length does not fit"),
        (2, 2, "a layer is no network"),
        (3, 2, "a fallback is no kernel"),
        (4, 2, "NumPy runs it"),
        (5, 2, "a class of its own may do more"),
        (6, 2, "somebody wants to be told of it"),
    ],
)
def test_a_forward_that_is_not_one_kernel_call_is_not_prepared(target, length, why):
    class Watched(loom_core.Network):
        def forward_cpu(self, input):
            return super().forward_cpu(input)

    bridge = Bridge()
    simd = Choice("simd", backend(), "of this test")
    build(bridge)
    value(bridge.call(1, "GetLayer", [0, 0, 0]))
    for _ in range(4):
        build(bridge)
    for handle in (1, 3, 5, 6):
        bridge._objects[handle]._choice = simd
    bridge._objects[3].forward_program((2,)).fallbacks["add_bias"] = 1
    bridge._objects[4]._choice = Choice("numpy", NumpyBackend(), "of this test")
    bridge._objects[5].__class__ = Watched
    bridge._objects[6].set_observer(loom_core.RecordingObserver())
    assert bridge.prepare_forward(1, 2) != 0
    assert bridge.prepare_forward(target, length) == 0, why
