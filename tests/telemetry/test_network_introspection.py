"""What a network says of its own methods, against the methods that it has."""

import inspect
import json

import pytest

from loom_core import CallError, Network
from loom_core.bridge import Bridge
from loom_core.cooperative import Cooperative
from loom_core.introspection import describe, type_text
from loom_core.network import introspecting as network_introspection
from loom_core.public import METHODS


@pytest.fixture
def network():
    return Network(2, 1, 1, 1)


def test_every_public_method_is_listed_and_nothing_else(network):
    names = network.list_methods()
    assert names == sorted(METHODS[Network])
    assert [method.method_name for method in network.get_methods()] == names
    assert {"ForwardCPU", "Train", "SaveModelToString", "GetMethods"} <= set(names)


def test_parameters_are_the_real_ones(network):
    for method in network.get_methods():
        function = METHODS[Network][method.method_name]
        function = function.steps if isinstance(function, Cooperative) else function
        real = list(inspect.signature(function).parameters.values())[1:]
        assert [p.name for p in method.parameters] == [p.name for p in real], method
        for said, parameter in zip(method.parameters, real, strict=True):
            assert said.optional == (parameter.default is not parameter.empty)
            assert said.default == (parameter.default if said.optional else None)
            assert said.type
        assert method.doc, method.method_name


def test_one_method_in_full(network):
    (method,) = (m for m in network.get_methods() if m.method_name == "InitializeWeights")
    assert method.returns == []
    (seed,) = method.parameters
    assert (seed.name, seed.type, seed.optional) == ("seed", "number | null", True)
    assert seed.default is None
    assert seed.doc.startswith("Replaces the network's seed")
    assert method.doc.startswith("Draw all weights anew")


@pytest.mark.parametrize(
    ("name", "parameters", "returns"),
    [
        ("ForwardCPU", "input: float32array", " -> float32array"),
        ("PauseTraining", "", ""),
        ("GetLayer", "row: number, col: number, layer: number", " -> Layer"),
        ("InitializeWeights", "seed: number | null = null", ""),
        (
            "SaveModelToString",
            'model_id: string, save_as: "compact" | "loom" = "compact"',
            " -> string",
        ),
        (
            "EvaluateNetwork",
            "inputs: float32array | float32array[], expected_outputs: float32array",
            " -> DeviationMetrics",
        ),
    ],
)
def test_signatures(network, name, parameters, returns):
    assert network.get_method_signature(name) == f"{name}({parameters}){returns}"


def test_a_callback_and_a_list_of_choices_are_written_clearly(network):
    callback = {"kind": "callback", "parameters": [{"kind": "record", "name": "Event"}]}
    choice = {"kind": "union", "options": [callback, {"kind": "null"}]}
    assert type_text(choice) == "((Event) => void) | null"
    listed = {"kind": "union", "options": [{"kind": "number"}, {"kind": "string"}]}
    assert type_text({"kind": "array", "item": listed}) == "(number | string)[]"


@pytest.mark.parametrize("name", ["forward_cpu", "__class__", "_programs", "layers", "", "Nothing"])
def test_only_public_methods_are_known(network, name):
    assert not network.has_method(name)
    with pytest.raises(CallError, match="a network has no method"):
        network.get_method_signature(name)


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(network):
    assert network.has_method("ForwardCPU")
    with pytest.raises(CallError) as caught:
        network.get_method_signature("ForwardCpu")
    assert caught.value.hint == "Is ForwardCPU meant?"


def test_json_has_the_documented_keys(network):
    methods = json.loads(network.get_methods_json())
    assert [method["method_name"] for method in methods] == network.list_methods()
    forward = next(method for method in methods if method["method_name"] == "ForwardCPU")
    assert forward == {
        "method_name": "ForwardCPU",
        "parameters": [
            {
                "name": "input",
                "type": "float32array",
                "optional": False,
                "default": None,
                "doc": "Flat, (I,) or (B * I,), or with the batch first, (B, ...).",
            }
        ],
        "returns": ["float32array"],
        "doc": "Return the network's output for one sample or a batch of samples.",
    }


def test_methods_are_described_once(network, monkeypatch):
    network.get_methods()
    monkeypatch.setattr(network_introspection, "describe_callable", None)
    assert Network(3, 1, 1, 1).get_methods() == network.get_methods()


def test_it_is_the_description_that_the_javascript_types_are_made_from(network):
    (described,) = (c for c in describe()["classes"] if c["name"] == "Network")
    for method, other in zip(network.get_methods(), described["methods"], strict=True):
        assert method.method_name == other["name"]
        assert method.doc == other["doc"]
        assert [p.type for p in method.parameters] == [
            type_text(p["type"]) for p in other["parameters"]
        ]
        assert [p.default for p in method.parameters] == [
            p.get("default") for p in other["parameters"]
        ]


def test_defaults_are_plain_json():
    text = json.dumps(describe(), allow_nan=False)
    described = json.loads(text)
    config = next(r for r in described["records"] if r["name"] == "TrainingConfig")
    fields = {field["name"]: field for field in config["fields"]}
    assert fields["LearningRate"]["default"] == 0.01
    assert fields["LossType"]["default"] == "mse"
    data = next(r for r in described["records"] if r["name"] == "TrainingData")
    inputs = next(field for field in data["fields"] if field["name"] == "Inputs")
    assert inputs["optional"] is False
    assert "default" not in inputs


def test_introspection_crosses_the_bridge():
    bridge = Bridge()
    layers = [{"type": "dense", "input_size": 2, "output_size": 1, "activation": "tanh"}]
    handle = bridge.call(0, "BuildNetworkFromJSON", [json.dumps({"layers": layers})])
    network = handle["value"]["$object"]

    def call(name, *args):
        return bridge.call(network, name, list(args))["value"]

    assert call("HasMethod", "ForwardCPU") is True
    assert call("HasMethod", "__init__") is False
    first = call("GetMethods")[0]
    assert set(first) == {"MethodName", "Parameters", "Returns", "Doc"}
    assert [m["MethodName"] for m in call("GetMethods")] == call("ListMethods")
    assert all(
        set(p) == {"Name", "Type", "Optional", "Default", "Doc"}
        for m in call("GetMethods")
        for p in m["Parameters"]
    )
    assert call("GetMethodSignature", "TotalLayers") == "TotalLayers() -> number"
    assert json.loads(call("GetMethodsJSON"))[0]["method_name"] == first["MethodName"]
    assert bridge.call(network, "GetMethodSignature", ["X"])["error"]["code"] == "call"
