"""Attention over long sequences: the same numbers in blocks, in memory linear in the length."""

import gc

import numpy as np
import pytest

from loom_core import MultiHeadAttention
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.layers import multi_head_attention
from loom_core.plans.step_graph import inference_plan, training_plan
from tests.support import webgpu_support
from tests.support.tolerances import NETWORK, assert_close

WIDTH, TOKENS = 8, 23


def attention(tokens, *, causal, rope_theta=None):
    layer = MultiHeadAttention(
        4, WIDTH, num_kv_heads=2, seq_length=tokens, causal=causal, rope_theta=rope_theta
    )
    layer.initialize(3, 0)
    return layer


def outputs_and_weights(layer, x, t, runs):
    """What the layer gives on a backend, and its weights after one step of training."""
    batch, width = x.shape
    inference = runs.prepare(inference_plan([layer], batch, width))
    inference.write("input", x)
    inference.run()
    step = runs.prepare(training_plan([layer], batch, width, "mse"))
    step.write("input", x)
    step.write("target", t)
    step.write("hyper", np.array([0.5, 0, 0, 0, 0, 0, 0, 0]))
    step.run()
    return inference.read("output"), [w.copy() for w in layer.weights.values()]


@pytest.mark.parametrize(
    ("backend", "tolerance"),
    [(NumpyBackend, 1e-5), (webgpu_support.backend, NETWORK)],
    ids=["numpy", "webgpu"],
)
@pytest.mark.parametrize("rope_theta", [None, 1e4])
@pytest.mark.parametrize("causal", [False, True])
def test_blocks_give_what_all_queries_at_once_give(
    monkeypatch, causal, rope_theta, backend, tolerance
):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, TOKENS * WIDTH)).astype(np.float32)
    t = rng.standard_normal((2, TOKENS * WIDTH)).astype(np.float32)
    layer = attention(TOKENS, causal=causal, rope_theta=rope_theta)
    whole = outputs_and_weights(layer, x, t, NumpyBackend())
    monkeypatch.setattr(multi_head_attention, "LONG_SEQUENCE", 8)
    monkeypatch.setattr(multi_head_attention, "QUERIES_AT_ONCE", 7)
    layer = attention(TOKENS, causal=causal, rope_theta=rope_theta)
    blocks = outputs_and_weights(layer, x, t, backend())
    assert_close(blocks[0], whole[0], tolerance, "output")
    fresh = attention(TOKENS, causal=causal).weights["query"]
    assert np.abs(whole[1][0] - fresh).max() > 1e-3  # the step did change the weights
    for found, expected in zip(blocks[1], whole[1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_memory_of_a_training_step_grows_with_the_length_not_its_square(causal):
    sizes = [
        training_plan([attention(n, causal=causal)], 1, n * WIDTH, "mse").arena_bytes
        for n in (2048, 4096)
    ]
    assert sizes[1] < 2.2 * sizes[0]
    assert sizes[1] < 4 * 4 * 4096 * 4096 / 4  # a quarter of the scores of four heads


@pytest.mark.parametrize("causal", [False, True])
def test_memory_on_a_gpu_grows_with_the_length_not_its_square(causal):
    gpu, sizes = webgpu_support.backend(), []
    gc.collect()
    others = gpu.device.memory_bytes
    for n in (2048, 4096):
        step = gpu.prepare(training_plan([attention(n, causal=causal)], 1, n * WIDTH, "mse"))
        sizes.append(gpu.device.memory_bytes - others)
        step.release()
    assert sizes[1] < 2.2 * sizes[0]
    assert sizes[1] < 4 * 4 * 4096 * 4096 / 4  # a quarter of the scores of four heads
