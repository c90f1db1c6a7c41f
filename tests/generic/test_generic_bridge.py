"""Tensors and their functions as JavaScript sees them: described, called by public name."""

import json

import numpy as np
import pytest

from loom_core import generic
from loom_core.bridge import Bridge
from loom_core.introspection import describe
from loom_core.public import FUNCTIONS, public_field_name

CONFIG = json.dumps(
    {"seed": 1, "layers": [{"type": "dense", "input_size": 2, "output_size": 1}]}
)  # fmt: skip


class Session:
    """Calls that give values, or the error's code."""

    def __init__(self):
        self.bridge = Bridge()

    def __call__(self, name, *args, on=0):
        envelope = self.bridge.call(on["$object"] if on else 0, name, list(args))
        return envelope["value"] if "value" in envelope else envelope["error"]["code"]

    def tensor(self, data, shape, *rest):
        return self("NewTensorFromSlice", memoryview(np.array(data, np.float32)), shape, *rest)


def test_everything_public_here_is_described():
    described = describe()
    functions = {function["name"]: function for function in described["functions"]}
    ours = [n for n, f in FUNCTIONS.items() if f.__module__.startswith(generic.__name__)]
    assert len(ours) >= 50
    for name in ours:
        assert functions[name]["doc"].endswith("."), name
    classes = {cls["name"]: [m["name"] for m in cls["methods"]] for cls in described["classes"]}
    assert {"Clone", "Reshape", "Size", "Data", "Shape", "Strides"} <= set(classes["Tensor"])
    assert {"MatMul", "MatMulAdd", "Add", "Scale", "Activate", "ActivateDerivative"} <= set(
        classes["CPUBackend"]
    )
    assert classes["CPUBackend"] == classes["Backend"]
    records = {record["name"]: record for record in described["records"]}
    keys = [field["name"] for field in records["LSTMWeights"]["fields"]]
    assert keys[:3] == ["WeightIH_i", "WeightHH_i", "BiasH_i"]
    assert records["AttentionWeights"]["fields"][0]["name"] == "QWeights"
    assert "NumKVHeads" in [f["name"] for f in records["AttentionWeights"]["fields"]]
    shape = functions["NewTensor"]["parameters"][0]
    assert shape == {
        "name": "shape",
        "type": {"kind": "array", "item": {"kind": "number"}},
        "optional": False,
        "doc": "Sizes of at least 0.",
    }
    assert public_field_name("grad_weight_ih") == "GradWeightIH"


def test_a_tensor_is_a_handle_with_methods():
    call = Session()
    tensor = call("NewTensor", [2, 3])
    assert tensor == {"$object": 1, "$class": "Tensor"}
    assert call("Shape", on=tensor) == [2, 3]
    assert call("Strides", on=tensor) == [3, 1]
    assert call("Size", on=tensor) == 6
    assert call("DType", on=tensor) == "float32"
    assert call("Data", on=tensor).tolist() == [0] * 6
    made = call.tensor([1, 2, 3, 4], [2, 2], "int8", 0.5)
    assert call("Data", on=made).dtype == np.float32
    assert call("Numbers", on=made) == [1, 2, 3, 4]
    assert (call("Scale", on=made), call("Offset", on=made)) == (0.5, 0)
    flat = call("Reshape", [4], on=call("Clone", on=made))
    assert call("Shape", on=flat) == [4]
    assert call("Reshape", [3], on=made) == "shape"
    assert call("ConvertSliceFloat32ToT", [0.5, 9], "int8") == [50, 127]


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ([-1], "spec"), ([1.5], "spec"), ([2**31, 2**31], "limit"), ([1e308], "spec"),
        ("4", "call"), ({}, "call"), ({"length": 4}, "call"), (4, "call"), ([[2]], "spec"),
        ([2], "shape"), ([None], "spec"), (None, "call"),
    ],
)  # fmt: skip
def test_wrong_shapes_are_typed_errors(shape, code):
    call = Session()
    if shape == [2]:
        assert call("NewTensorFromSlice", [1, 2, 3], shape) == code
    else:
        assert call("NewTensor", shape) == code
    assert call.bridge.live_handles() == 0


def test_functions_take_handles_and_give_records_of_handles():
    call = Session()
    x, w, b = (call.tensor([1, 2], s) for s in ([1, 2], [2, 1], [2]))
    bias = call("Reshape", [1], on=call.tensor([3], [1]))
    found = call("DenseForward", x, w, bias, 2, 1, 1, "linear")
    assert list(found) == ["PreActivation", "PostActivation"]
    assert call("Data", on=found["PostActivation"]).tolist() == [8]
    again = call("DenseForward", x, w, None, 2, 1, 1, 5)
    assert call("Data", on=again["PostActivation"]).tolist() == [5]
    back = call(
        "DenseBackward", found["PostActivation"], x, found["PreActivation"], w, 2, 1, 1, "linear"
    )
    assert list(back) == ["GradInput", "KernelGrads", "BiasGrads"]
    assert call("Data", on=back["GradInput"]).tolist() == [8, 16]
    for wrong in (5, "x", [1, 2], {}, None, {"$object": 99}):
        assert call("DenseForward", wrong, w, bias, 2, 1, 1, "linear") in ("spec", "call")
    assert call("DenseForward", x, w, b, 2, 1, 1, "linear") == "shape"
    assert call("DenseForward", x, w, bias, 2.5, 1, 1, "linear") == "call"


def test_weights_of_attention_and_lstm_are_objects():
    call = Session()
    eye = call.tensor([1, 0, 0, 1], [2, 2])
    x = call.tensor([1, 2, 3, 4], [2, 2])
    names = ("QWeights", "KWeights", "VWeights", "OutputWeight")
    weights = {**dict.fromkeys(names, eye), "DModel": 2, "numHeads": 1}
    y = call("MultiHeadAttentionForward", x, weights, 1e6, True)
    np.testing.assert_allclose(call("Data", on=y), [1, 2, 2.9999907, 3.9999907], rtol=1e-6)
    back = call("MultiHeadAttentionBackward", y, x, weights)
    assert list(back["GradWeights"])[:4] == list(names)
    assert call("MultiHeadAttentionForward", x, {"QWeights": eye}) == "spec"
    one = call.tensor([1], [1])
    gates = {f"{kind}_{gate}": one for gate in "ifgo" for kind in ("WeightIH", "WeightHH", "BiasH")}
    found = call("LSTMForward", one, gates, 1, 1, 1, 1)
    states = {"hidden": found["Hidden"], "cell": found["Cell"], **found["Gates"]}
    back = call("LSTMBackward", one, one, states, gates, 1, 1, 1, 1)
    assert list(back["GradWeights"]) == list(gates)


def test_a_network_trains_on_tensors():
    call = Session()
    network = call("BuildNetworkFromJSON", CONFIG)
    x, t = call.tensor([1, 2], [1, 2]), call.tensor([1], [1, 1])
    backend = call("NewCPUBackend")
    forward = call("GenericForwardPass", network, x, backend)
    assert list(forward) == ["Output", "Activations", "Duration"]
    back = call("GenericBackwardPass", network, t, forward["Activations"])
    assert call(
        "UpdateWeightsGeneric", network, 0.1, back["KernelGrads"], back["BiasGrads"]
    ) is None  # fmt: skip
    before = call("GenericForwardPass", network, x, backend)["Output"]
    step = call("GenericTrainStep", network, x, t, 0.1, backend)
    assert step["Loss"] == pytest.approx((call("Data", on=before)[0] - 1) ** 2, rel=1e-5)
    assert call("GenericForwardPass", network, x, call("NewCPUBackend", "int8")) == "spec"
    layer = call("InitDenseLayer", 2, 2, "tanh")
    found = call("SequentialForward", x, [layer, layer], 1)
    assert len(found["Intermediates"]) == 2
    found = call("ParallelForward", x, [layer, layer], 1, "add")
    both = call("Data", on=found["Output"])
    np.testing.assert_allclose(both, 2 * call("Data", on=found["Intermediates"][0]))
    assert call("ParallelForward", x, [layer, 3], 1, "add") == "spec"
