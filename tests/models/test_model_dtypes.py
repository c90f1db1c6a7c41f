"""Weights in other dtypes: Loom's multi-precision strings, and ours."""

import base64
import json
import math

import numpy as np
import pytest

import loom_core
from loom_core import BatchNorm, Dense, Network, SpecError
from loom_core.model_io.size_info import BYTES_PER_WEIGHT
from loom_core.model_io.weights_binary import DTYPES
from loom_core.model_io.weights_multi_precision import WRITTEN
from tests.support.fixture_files import LOOM_MODELS
from tests.support.layer_stacks import STACKS, stack

CASES = [
    (path.stem, dtype)
    for path in sorted(LOOM_MODELS.glob("dtype_*.json"))
    for dtype in json.loads(path.read_text(encoding="utf-8"))["dtypes"]
]
BOUND = {
    "float32": 0.0,
    "float64": 0.0,
    "float16": 2e-3,
    "int8": 1e-2,
    "int16": 4e-5,
    "int32": 1e-7,
}


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_looms_multi_precision_strings_give_looms_outputs(name, dtype):
    case = json.loads((LOOM_MODELS / f"{name}.json").read_text(encoding="utf-8"))
    stored = case["dtypes"][dtype]
    loaded = loom_core.load_model_with_dtype(stored["model_json"], case["model_id"])
    assert loaded.dtype == stored["load_returned_dtype"]
    for x, expected in zip(case["inputs"], stored["outputs"], strict=True):
        np.testing.assert_allclose(loaded.network.forward_cpu(x), expected, atol=1e-5)


def networks():
    for name in ("conv conv", "lstm", "attention grouped", "parallel filter, deep gate"):
        make, width = STACKS[name]
        yield Network.of(*stack(*make(), width=width)[0], input_size=width, seed=3), width
    # Weights beyond 1, which Loom itself would clip.
    large = Network.of(Dense(4, "linear"), input_size=3, seed=5)
    large.require_weights()
    large.layers[0].weights["kernel"][...] *= 37.0
    yield large, 3


@pytest.mark.parametrize(
    ("save_as", "dtype"),
    [("compact", dtype) for dtype in DTYPES] + [("loom", dtype) for dtype in WRITTEN],
)
def test_weights_come_back_within_the_dtypes_precision_and_then_exactly(save_as, dtype):
    for network, width in networks():
        text = network.save_model_with_dtype("m", dtype, save_as)
        loaded = loom_core.load_model_with_dtype(text, "m")
        assert loaded.dtype == dtype
        assert loaded.network.save_model_with_dtype("m", dtype, save_as) == text
        before = [o.weights[n] for layer in network.layers for o, n in layer.trained_weights()]
        after = [
            o.weights[n] for layer in loaded.network.layers for o, n in layer.trained_weights()
        ]
        largest = max(float(np.abs(w).max()) for w in before)
        for a, b in zip(before, after, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=BOUND[dtype] * largest)
        x = np.linspace(-1, 1, 2 * width, dtype=np.float32)
        assert np.isfinite(loaded.network.forward_cpu(x)).all()


def test_the_compact_string_is_small():
    network = Network.of(Dense(64), Dense(10), input_size=784, seed=1)
    sizes = {
        save_as: len(network.save_model_to_string("m", save_as)) for save_as in ("compact", "loom")
    }
    assert sizes["loom"] > 2.5 * sizes["compact"]


def test_unknown_dtypes_and_formats_are_refused():
    network, _ = next(networks())
    with pytest.raises(SpecError, match="unknown weight dtype 'int4'"):
        network.save_model_with_dtype("m", "int4")
    with pytest.raises(SpecError, match="reads no 'float16'"):
        network.save_model_with_dtype("m", "float16", "loom")
    with pytest.raises(SpecError, match='"compact" or "loom"'):
        network.save_model_to_string("m", "zip")
    with pytest.raises(SpecError, match="float32, not 'int8'"):
        loom_core.load_model_with_dtype(network.save_model_to_string("m"), "m", "int8")
    network.layers[0].weights["kernel"][0] = 1e6
    with pytest.raises(SpecError, match="too large for float16"):
        network.save_model_with_dtype("m", "float16")


def test_size_info_counts_every_weight():
    make, width = STACKS["batch norm inside"]
    normed = Network.of(*stack(*make(), width=width)[0], input_size=width)
    for network in (*(network for network, _ in networks()), normed):
        info = network.get_model_size_info()
        assert info.keys() == DTYPES.keys()
        for dtype, sizes in info.items():
            saved = json.loads(network.save_model_with_dtype("m", dtype))["models"][0]["weights"]
            numbers = sum(math.prod(tensor["shape"]) for tensor in saved["tensors"])
            assert sizes.total_weights == numbers
            assert sizes.bytes_per_weight == DTYPES[dtype].itemsize == BYTES_PER_WEIGHT[dtype]
            assert sizes.total_bytes == len(base64.b64decode(saved["data"]))
            assert sizes.base64_bytes == len(saved["data"])
        assert network.get_memory_usage() == info["float32"].total_bytes


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_small_variance_beside_a_large_one_stays(dtype):
    """As a whole number it would be 0, and the layer would divide by its epsilon alone."""
    network = Network.of(Dense(3, input_size=2), BatchNorm(), Dense(1))
    network.initialize_weights()
    statistics = {"running_variance": [1e6, 1e-4, 2e-7], "running_mean": [7e5, -1e-3, 0.0]}
    network.layers[1].set_weights(statistics)
    text = network.save_model_with_dtype("m", dtype)
    again = loom_core.load_model_from_string(text, "m")
    for name in statistics:
        stored, kept = again.layers[1].weights[name], network.layers[1].weights[name]
        np.testing.assert_array_equal(stored, kept)
    assert again.save_model_with_dtype("m", dtype) == text


def test_serialized_models_come_back():
    network, width = next(networks())
    saved = json.loads(json.dumps(network.serialize_model("part")))
    again = loom_core.deserialize_model(saved)
    x = np.linspace(-1, 1, width, dtype=np.float32)
    assert again.model_id == "part"
    np.testing.assert_array_equal(again.forward_cpu(x), network.forward_cpu(x))
