"""Untrusted model strings: each wrong one is a typed error, in bounded memory and time."""

import base64
import json
import tracemalloc
import zlib

import numpy as np
import pytest

import loom_core
from loom_core import (
    Dense,
    LimitError,
    LoomError,
    ModelFormatError,
    ModelNotFoundError,
    Network,
    NonFiniteError,
    ShapeError,
    SpecError,
    limits,
)
from tests.support.layer_stacks import settings_of_newer_types


def good():
    """A parsed bundle of one dense layer 3 -> 2, and its weights object."""
    network = Network.of(Dense(2, "tanh"), input_size=3)
    bundle = json.loads(network.save_model_to_string("m", "loom"))
    weights = json.loads(base64.b64decode(bundle["models"][0]["weights"]["data"]))
    return bundle, weights


def text_of(bundle, weights):
    raw = weights if isinstance(weights, bytes) else json.dumps(weights).encode()
    bundle["models"][0]["weights"]["data"] = base64.b64encode(raw).decode()
    return json.dumps(bundle)


def changed(**settings):
    """The good bundle with other settings in its dense layer."""
    bundle, weights = good()
    del bundle["models"][0]["cfg"]["input_size"]
    bundle["models"][0]["cfg"]["layers"][0].update(settings)
    return text_of(bundle, weights)


def with_kernel(values):
    bundle, weights = good()
    weights["layers"][0]["kernel"] = values
    return text_of(bundle, weights)


def with_weights_text(text):
    bundle, _ = good()
    return text_of(bundle, text)


def edited(**top):
    bundle, weights = good()
    bundle.update(top)
    return text_of(bundle, weights) if "models" not in top else json.dumps(bundle)


def with_data(data):
    bundle, _ = good()
    bundle["models"][0]["weights"]["data"] = data
    return json.dumps(bundle)


def with_format(fmt):
    bundle, _ = good()
    bundle["models"][0]["weights"]["fmt"] = fmt
    return json.dumps(bundle)


def compact(**changes):
    """The good network in our own encoding, with other values in its weights object."""
    network = Network.of(Dense(2, "tanh"), input_size=3)
    bundle = json.loads(network.save_model_to_string("m"))
    bundle["models"][0]["weights"].update(changes)
    return json.dumps(bundle)


def compact_of(array, dtype="float32"):
    data = np.asarray(array).tobytes()
    return compact(data=base64.b64encode(data).decode(), crc32=zlib.crc32(data), dtype=dtype)


SIX = [0.5] * 6
BAD = {
    "broken JSON": (lambda: text_of(*good())[:-20], ModelFormatError, "not valid JSON"),
    "empty": (lambda: "", ModelFormatError, "is empty"),
    "HTML": (lambda: "\n <!doctype html><p>404", ModelFormatError, "holds HTML"),
    "a list": (lambda: "[1]", ModelFormatError, "must be a JSON object"),
    "not text": (lambda: 17, ModelFormatError, "must be text, got 17"),
    "not UTF-8": (lambda: b'{"type": "\xff"}', ModelFormatError, "not UTF-8"),
    "a config": (lambda: '{"layers": []}', ModelFormatError, "has 'None'"),
    "wrong id": (lambda: text_of(*good()).replace('"m"', '"n"'), ModelNotFoundError, "no model"),
    "version": (lambda: edited(version=9), ModelFormatError, "version 9"),
    "no models": (lambda: edited(models=None), ModelFormatError, "no list of models"),
    "model without id": (lambda: edited(models=[{}]), ModelFormatError, "has no id"),
    "model without cfg": (
        lambda: edited(models=[{"id": "m"}]),
        ModelFormatError,
        "cfg and weights",
    ),
    "same id twice": (lambda: edited(models=[{"id": "m"}] * 2), ModelFormatError, "two models"),
    "same key twice": (lambda: '{"type": 1, "type": 2}', ModelFormatError, "occurs twice"),
    "NaN literal": (lambda: '{"type": NaN}', NonFiniteError, "holds NaN"),
    "5000 digits": (lambda: f'{{"type": {"9" * 5000}}}', ModelFormatError, "cannot be read"),
    "deep nesting": (lambda: '{"a":' * 100_000, LimitError, "nested deeper"),
    "weights format": (lambda: with_format("zip"), ModelFormatError, "weights format 'zip'"),
    "not base64": (lambda: with_data("a!b"), ModelFormatError, "not base64"),
    "base64 of garbage": (lambda: with_weights_text(b"\x00\x01"), ModelFormatError, "not valid"),
    "weights are a number": (lambda: with_data(5), ModelFormatError, "must be base64 text"),
    "deep weights": (lambda: with_weights_text(b"[" * 200), LimitError, "nested deeper"),
    "no layers": (lambda: with_weights_text({"layers": 3}), ModelFormatError, "no list of layers"),
    "layer count": (lambda: with_weights_text({"layers": []}), ModelFormatError, "hold 0 layers"),
    "array too short": (lambda: with_kernel([0.5] * 5), ModelFormatError, "needs 6 values"),
    "array too long": (lambda: with_kernel([0.5] * 7), ModelFormatError, "got 7 values"),
    "array missing": (lambda: with_kernel(None), ModelFormatError, "got none"),
    "array is an object": (lambda: with_kernel({"0": 1}), ModelFormatError, "got none"),
    "text in data": (lambda: with_kernel([*SIX[:5], "1.5"]), ModelFormatError, "numbers only"),
    "null in data": (lambda: with_kernel([*SIX[:5], None]), ModelFormatError, "numbers only"),
    "true in data": (lambda: with_kernel([*SIX[:5], True]), ModelFormatError, "numbers only"),
    "nested data": (lambda: with_kernel([[0.5]] * 6), ModelFormatError, "numbers only"),
    "NaN weight": (lambda: with_kernel([*SIX[:5], float("nan")]), NonFiniteError, "NaN"),
    "infinite weight": (lambda: with_kernel([*SIX[:5], 1e39]), NonFiniteError, "too large"),
    "huge integer": (lambda: with_kernel([*SIX[:5], 10**400]), NonFiniteError, "too large"),
    "unknown type": (
        lambda: changed(type="perceptron"),
        SpecError,
        "unknown layer type 'perceptron'",
    ),
    "no type": (lambda: changed(type=None), SpecError, "type is missing"),
    "unknown activation": (lambda: changed(activation="bent"), SpecError, "activation 'bent'"),
    "size as text": (lambda: changed(input_height="3"), SpecError, "whole number"),
    "size as float": (lambda: changed(input_height=3.5), SpecError, "whole number"),
    "negative size": (lambda: changed(input_height=-3), SpecError, "at least 0"),
    "size true": (lambda: changed(input_height=True), SpecError, "whole number"),
    "size overflow": (lambda: changed(input_height=2**70), LimitError, "input_height"),
    "tensor count": (lambda: compact(tensors=[]), ModelFormatError, "imply 2 weight arrays"),
    "no tensors": (lambda: compact(tensors=None), ModelFormatError, "got no"),
    "tensor shape": (
        lambda: compact(tensors=[{"shape": [2, 3]}, {"shape": [2]}]),
        ModelFormatError,
        r"shape \[3, 2\]",
    ),
    "tensor is a number": (lambda: compact(tensors=[3, 4]), ModelFormatError, "got 3"),
    "too few bytes": (lambda: compact(data="AAAA"), ModelFormatError, "need 32 bytes, got 3"),
    "checksum": (lambda: compact(crc32=1), ModelFormatError, "checksum"),
    "unknown dtype": (lambda: compact(dtype="bfloat8"), SpecError, "dtype 'bfloat8'"),
    "dtype is a list": (lambda: compact(dtype=[1]), SpecError, "unknown weight dtype"),
    "NaN bytes": (
        lambda: compact_of(np.full(8, np.nan, "<f4")),
        NonFiniteError,
        "dense kernel holds NaN",
    ),
    "double overflow": (lambda: compact_of(np.full(8, 1e300), "float64"), NonFiniteError, "kernel"),
    "integers without max": (
        lambda: compact_of(np.ones(8, "<i2"), "int16"),
        ModelFormatError,
        "needs max",
    ),
    "flag as text": (lambda: changed(frozen="yes"), SpecError, "true or false"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_model_string_is_a_typed_error(name):
    make, error, message = BAD[name]
    with pytest.raises(error, match=message) as caught:
        loom_core.load_model_from_string(make(), "m")
    assert caught.value.code


def test_errors_name_model_cell_and_layer():
    with pytest.raises(SpecError, match=r"model 'm': cell \(0, 0\) layer 0: frozen must be"):
        loom_core.load_model_from_string(changed(frozen=1), "m")


NEWER = settings_of_newer_types()


@pytest.mark.parametrize("name", NEWER)
def test_a_layer_that_loom_lacks_has_no_other_settings_than_its_own(name):
    layer = {**NEWER[name][0], "Is_Disabled": False, "frozen": False}
    described = {"layers": [layer]}
    loom_core.build_network_from_json(json.dumps(described))
    described["layers"] = [{"type": "sequential", "branches": [{**layer, "ratte": 0.5}]}]
    place = r"cell \(0, 0\) layer 0: child 0"
    with pytest.raises(SpecError, match=rf"{place}: {name} has no 'ratte'") as error:
        loom_core.build_network_from_json(json.dumps(described))
    assert "frozen, is_disabled" in error.value.hint


def test_a_claim_of_a_billion_parameters_in_a_small_file_allocates_nothing():
    text = changed(input_height=2**15, output_height=2**15)
    assert len(text) < 1500
    tracemalloc.start()
    with pytest.raises(LimitError, match="number of parameters"):
        loom_core.load_model_from_string(text, "m")
    with pytest.raises(ModelFormatError, match="needs 100,000,000 values"):
        loom_core.load_model_from_string(changed(input_height=10**4, output_height=10**4), "m")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_claim_of_a_huge_image_is_refused_before_it_is_allocated():
    config = {
        "layers": [
            {"type": "conv2d", "filters": 1, "kernel_size": 1, "input_channels": 1,
             "input_height": 10**5, "input_width": 10**5, "activation": "relu"}
        ]
    }  # fmt: skip
    network = loom_core.build_network_from_json(json.dumps(config))
    with pytest.raises(ShapeError, match="expected a multiple of 10000000000"):
        network.forward_cpu([1.0])
    with pytest.raises(LimitError):
        network.program(1, 10**10)


def test_too_many_layers_are_refused_before_they_are_made():
    with pytest.raises(LimitError, match="number of layers"):
        Network(1, 10**6, 10**6, 10**6)
    bundle, weights = good()
    bundle["models"][0]["cfg"] |= {"grid_rows": 10**9}
    with pytest.raises(SpecError, match="layer count mismatch"):
        loom_core.load_model_from_string(text_of(bundle, weights), "m")


def test_long_strings_are_refused_by_length(monkeypatch):
    monkeypatch.setattr(limits, "MODEL_STRING_CHARS", 100)
    with pytest.raises(LimitError, match="length of the model string"):
        loom_core.load_model_from_string(text_of(*good()), "m")


def test_cut_and_flipped_strings_never_give_another_kind_of_error():
    text = text_of(*good())
    rng = np.random.default_rng(0)
    for _ in range(300):
        at = int(rng.integers(len(text)))
        letter = chr(int(rng.integers(32, 127)))
        for damaged in (text[:at], text[:at] + letter + text[at + 1 :]):
            try:
                network = loom_core.load_model_from_string(damaged, "m")
            except LoomError:
                continue
            assert np.isfinite(network.forward_cpu([1.0, 2.0, 3.0])).all()
