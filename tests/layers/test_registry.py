"""Layers by function call: every type and variant, real parameter names, checked arguments."""

import inspect

import numpy as np
import pytest

from loom_core import (
    CallError,
    Network,
    Softmax,
    SpecError,
)
from loom_core.bridge import Bridge
from loom_core.functions import registry
from loom_core.functions.registry import call_layer_init
from loom_core.layers import LOOM_LAYER_TYPES, Dense
from loom_core.layers.softmax_variants import VARIANTS

DENSE = Dense(2, input_size=4)
CALLS = {
    "InitDenseLayer": ([4, 3, "tanh"], 4, 3),
    "InitStitchLayer": ([4, 3], 4, 3),
    "InitConv2DLayer": ([4, 5, 2, 3, 1, 1, 6, 2], 40, 120),
    "InitConv1DLayer": ([10, 2, 3, 2, 1, 4, "relu"], 20, 20),
    "InitMultiHeadAttentionLayer": ([8, 4, 1, 3, 2, True, 10000.0], 24, 24),
    "InitRNNLayer": ([3, 5, 1, 4], 12, 20),
    "InitLSTMLayer": ([3, 5, 1, 4], 12, 20),
    "InitLayerNormLayer": ([4], 8, 8),
    "InitRMSNormLayer": ([4, 1e-6], 8, 8),
    "InitResidualLayer": ([], 5, 5),
    "InitSwiGLULayer": ([4, 6], 8, 8),
    "InitEmbeddingLayer": ([9, 3], 2, 6),
    "InitSequentialLayer": ([[Dense(3, input_size=4), Dense(2, input_size=3)]], 4, 2),
    "InitParallelLayer": ([[Dense(3, input_size=4), Dense(3, input_size=4)], "add"], 4, 3),
    "InitGridScatterLayer": (
        [
            [Dense(3, input_size=4), Dense(1, input_size=4)],
            [{"branchIndex": 0, "targetRow": 1, "targetCol": 0},
             {"BranchIndex": 1, "TargetRow": 0, "TargetCol": 0}],
            2, 1,
        ], 4, 4,
    ),
    "InitFilteredParallelLayer": (
        [[Dense(3, input_size=4), Dense(1, input_size=4)], 4, "sparse", 0.5], 4, 3,
    ),
    "InitSoftmaxLayer": ([], 6, 6),
    "InitTemperatureSoftmaxLayer": ([0.5], 6, 6),
    "InitGridSoftmaxLayer": ([2, 3], 6, 6),
    "InitHierarchicalSoftmaxLayer": ([[3, 3, 4]], 36, 36),
    "InitGumbelSoftmaxLayer": ([1.0], 6, 6),
    "InitMaskedSoftmaxLayer": ([6], 6, 6),
    "InitSparsemaxLayer": ([], 6, 6),
    "InitEntmaxLayer": ([1.5], 6, 6),
    "InitAdaptiveSoftmaxLayer": ([[[0, 1], [2, 3, 4, 5]]], 6, 6),
    "InitMixtureSoftmaxLayer": ([[1.0, 2.0]], 6, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_every_init_function_makes_a_layer_that_runs(name):
    args, width, outputs = CALLS[name]
    network = Network.of(call_layer_init(name, args), input_size=width)
    x = np.linspace(0, 1, 2 * width, dtype=np.float32)
    assert network.forward_cpu(x).shape == (2 * outputs,)


def test_the_list_is_complete_for_the_layers_of_loom():
    listed = registry.list_layer_init_functions()
    assert [entry.name for entry in listed] == sorted(CALLS)
    made = [call_layer_init(name, args) for name, (args, *_) in CALLS.items()]
    assert {layer.type_name for layer in made} == {layer.type_name for layer in LOOM_LAYER_TYPES}
    assert {layer.variant for layer in made if isinstance(layer, Softmax)} == set(VARIANTS)
    conv = registry.get_layer_init_function("InitConv2DLayer")
    assert conv.arg_names[:4] == ["input_height", "input_width", "input_channels", "kernel_size"]
    assert conv.num_args == 8
    assert conv.arg_types == ["number"] * 7 + ["string | number"]
    assert registry.get_layer_init_function("InitGRULayer") is None
    for entry in listed:
        function = registry._init_functions()[entry.name]
        assert entry.arg_names == list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("name", "args", "error", "message"),
    [
        ("InitGRULayer", [], CallError, "no layer init function 'InitGRULayer'"),
        ("__import__", ["os"], CallError, "no layer init function"),
        ("InitDenseLayer", [4], CallError, "takes input_size, output_size, activation; got 1"),
        ("InitDenseLayer", "44", CallError, "needs a list of arguments, got text"),
        ("InitDenseLayer", [4, 3, 0, 0], CallError, "got 4 arguments"),
        ("InitDenseLayer", [4, "3"], CallError, "output_size must be a whole number, got text"),
        ("InitDenseLayer", [4, 3, []], CallError, "activation must be text or a whole number"),
        ("InitDenseLayer", [4, 3.5], CallError, "output_size must be a whole number, got 3.5"),
        ("InitDenseLayer", [4, 0], SpecError, "at least 1"),
        ("InitFilteredParallelLayer", [[DENSE], 4, "x"], SpecError, "unknown softmax variant"),
        ("InitFilteredParallelLayer", [[DENSE], 4, "sparse", 1.0, 7], CallError, "Layer, got 7"),
        ("InitHierarchicalSoftmaxLayer", [[]], SpecError, "needs levels"),
        ("InitMixtureSoftmaxLayer", [[-1.0, 2.0]], SpecError, "at least 0"),
        ("InitAdaptiveSoftmaxLayer", [[[0, 0]]], SpecError, "hold each score once"),
        ("InitEntmaxLayer", [2.5], SpecError, "from 1 to 2"),
        ("InitSequentialLayer", [[]], SpecError, "at least one"),
        ("InitSequentialLayer", [[3]], SpecError, "layer 0 of sequential must be a layer"),
        ("InitParallelLayer", [[], "add"], SpecError, "at least one"),
        ("InitParallelLayer", [[DENSE], "guess"], SpecError, "unknown combine mode 'guess'"),
        ("InitGridScatterLayer", [[DENSE], [], 1, 1], SpecError, "a position for each"),
        (
            "InitGridScatterLayer",
            [[DENSE], [{"branch_index": 0, "target_row": 5, "target_col": 0}], 1, 1],
            SpecError, "outside the grid of 1 x 1 x 1",
        ),
    ],
)  # fmt: skip
def test_wrong_calls_are_typed_errors(name, args, error, message):
    with pytest.raises(error, match=message):
        call_layer_init(name, args)


def test_layers_cross_the_bridge_as_handles():
    bridge = Bridge()

    def call(target, name, *args):
        envelope = bridge.call(target, name, list(args))
        assert "value" in envelope, envelope
        return envelope["value"]

    network = call(0, "NewNetwork", 4, 1, 2, 1)["$object"]
    dense = call(0, "CallLayerInit", "InitDenseLayer", [4, 3, "tanh"])
    assert dense["$class"] == "Layer"
    masked = call(0, "InitMaskedSoftmaxLayer", 3)
    assert masked["$class"] == "Softmax"
    call(network, "SetLayer", 0, 0, 0, dense)
    call(network, "SetLayer", 0, 1, 0, masked)
    call(masked["$object"], "SetMask", [True, False, True])
    output = call(network, "ForwardCPU", [1.0, 2.0, 3.0, 4.0])
    assert output[1] == 0.0
    assert output.sum() == pytest.approx(1.0)
    call(masked["$object"], "SetMask", [False, True, False])
    np.testing.assert_array_equal(call(network, "ForwardCPU", [1.0, 2.0, 3.0, 4.0]), [0, 1, 0])
    got = call(network, "GetLayer", 0, 0, 0)["$object"]
    weights = call(got, "GetWeights")
    assert {name: w.size for name, w in weights.items()} == {"kernel": 12, "bias": 3}
    assert call(got, "GetSettings")["type"] == "dense"
    assert call(network, "GetActivation", 0, 0, 0) == 2
    call(got, "SetWeights", {"bias": [0.0, 5.0, 0.0]})
    assert call(got, "GetWeights")["bias"][1] == 5.0
    sequential = call(0, "InitSequentialLayer", [dense, masked])
    assert call(sequential["$object"], "ParameterCount") == 15
