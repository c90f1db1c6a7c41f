"""Layers on their own, and Loom's codes."""

import numpy as np
import pytest

import loom_core
from loom_core import Dense, MultiHeadAttention, RMSNorm, ShapeError, Softmax, SpecError, SwiGLU
from loom_core.activations import ACTIVATIONS
from loom_core.enums import LayerType, SoftmaxType
from loom_core.functions.single_layer import (
    forward_softmax_cpu,
    layer_type_to_name,
    multi_head_attention_forward_cpu,
    reshape_to_2d,
    residual_forward_cpu,
    rms_norm_forward_cpu,
    swiglu_forward_cpu,
)
from loom_core.layers import LAYER_TYPES, LOOM_LAYER_TYPES
from loom_core.layers.softmax_variants import VARIANTS


def test_softmax_examples_of_the_documents():
    expected = [0.101536326, 0.1674051, 0.27600434, 0.45505422]
    np.testing.assert_allclose(forward_softmax_cpu([1, 2, 3, 4], Softmax(2.0)), expected, rtol=1e-6)
    grid = Softmax(2.0, variant="grid", rows=2, cols=2)
    expected = [0.37754068, 0.62245935, 0.37754068, 0.62245935]
    np.testing.assert_allclose(forward_softmax_cpu([1, 2, 3, 4], grid), expected, rtol=1e-6)
    masked = Softmax(2.0, variant="masked", mask=[True, True, False, True])
    expected = [0.14024438, 0.2312239, 0, 0.6285317]
    np.testing.assert_allclose(forward_softmax_cpu([1, 2, 3, 4], masked), expected, rtol=1e-6)
    np.testing.assert_array_equal(
        forward_softmax_cpu([2, 1, 0], Softmax(variant="sparse")), [1, 0, 0]
    )
    sparse = forward_softmax_cpu([0.2, 0.1, 0], Softmax(variant="sparse"))
    np.testing.assert_allclose(sparse, [0.4333333, 0.3333333, 0.2333333], rtol=1e-5)


def test_attention_and_swiglu_examples_of_the_documents():
    attention = MultiHeadAttention(1, 2, causal=True, rope_theta=1e6)
    identity = np.eye(2)
    attention.set_weights(
        dict.fromkeys(("query", "key", "value", "output"), identity)
        | {f"{name}_bias": [0, 0] for name in ("query", "key", "value", "output")}
    )
    y = multi_head_attention_forward_cpu([1, 2, 3, 4], attention)
    np.testing.assert_allclose(y, [1, 2, 2.9999907, 3.9999907], rtol=1e-6)
    swiglu = SwiGLU(1, 2)
    swiglu.set_weights(
        {"gate": [1, 2], "up": [3, 4], "down": [5, 6], "gate_bias": [0], "up_bias": [0],
         "down_bias": [0, 0]}
    )  # fmt: skip
    np.testing.assert_allclose(
        swiglu_forward_cpu([1, 1], swiglu), [100.02029, 120.02434], rtol=1e-6
    )


def test_rms_norm_with_a_residual():
    layer = RMSNorm(2, 1e-6)
    y = rms_norm_forward_cpu([3.0, 4.0], None, layer)
    np.testing.assert_allclose(y, [0.8485281, 1.1313708], rtol=1e-6)
    np.testing.assert_array_equal(rms_norm_forward_cpu([1.0, 1.0], [2.0, 3.0], layer), y)
    with pytest.raises(ShapeError, match="adds 1 numbers to 2"):
        residual_forward_cpu([1.0, 2.0], [1.0])


def test_wrong_layers_and_sizes_are_refused():
    with pytest.raises(SpecError, match="takes a SwiGLU layer, got Dense"):
        swiglu_forward_cpu([1.0], Dense(1, input_size=1))
    with pytest.raises(ShapeError, match="not 3 samples"):
        multi_head_attention_forward_cpu([1.0, 2.0], MultiHeadAttention(1, 2), 3)
    with pytest.raises(ShapeError, match="4 numbers are not 1 x 1 x 2 x 3"):
        reshape_to_2d([1, 2, 3, 4], 1, 1, 2, 3)
    for code in (-1, len(LAYER_TYPES)):
        with pytest.raises(SpecError, match=rf"go from 0 to {len(LAYER_TYPES) - 1}, got {code}"):
            layer_type_to_name(code)


def test_codes_agree_with_the_tables():
    loom = ["Dense", "Conv2D", "MultiHeadAttention", "RNN", "LSTM", "Softmax", "LayerNorm"]
    loom += ["Residual", "RMSNorm", "SwiGLU", "Parallel", "Embedding", "Conv1D", "Sequential"]
    assert [layer.__name__ for layer in LOOM_LAYER_TYPES] == loom
    assert [layer.__name__ for layer in LAYER_TYPES] == [code.name for code in LayerType]
    assert LAYER_TYPES[: len(loom)] == LOOM_LAYER_TYPES
    assert all(getattr(loom_core, layer.__name__) is layer for layer in LAYER_TYPES)
    assert [layer_type_to_name(code) for code in LayerType] == [code.name for code in LayerType]
    assert {code.name.lower() for code in SoftmaxType} == set(VARIANTS)
    for name, row in ACTIVATIONS.items():
        assert loom_core.Dense(1, row.kind, input_size=1).activation == name
