"""Bad input: each kind gives a LoomError with code, message and hint, and changes nothing."""

import base64
import json
import re

import numpy as np
import pytest
from glue import loaded_page

from loom_core.bridge import Bridge


def good():
    """A parsed bundle of one dense layer 3 -> 2, and its weights object."""
    config = {"id": "m", "layers": [{"type": "dense", "input_size": 3, "output_size": 2}]}
    bridge = Bridge()
    handle = bridge.call(0, "BuildNetworkFromJSON", [json.dumps(config)])["value"]["$object"]
    bundle = json.loads(bridge.call(handle, "SaveModelToString", ["m", "loom"])["value"])
    return bundle, json.loads(base64.b64decode(bundle["models"][0]["weights"]["data"]))


def with_kernel(values):
    bundle, weights = good()
    weights["layers"][0]["kernel"] = values
    encoded = base64.b64encode(json.dumps(weights).encode()).decode()
    bundle["models"][0]["weights"]["data"] = encoded
    return json.dumps(bundle)


def claiming(size):
    bundle, _ = good()
    bundle["models"][0]["cfg"].pop("input_size", None)
    layer = bundle["models"][0]["cfg"]["layers"][0]
    layer.update(input_height=size, output_height=size)
    return json.dumps(bundle)


GOOD = json.dumps(good()[0])

BAD_MODELS = {
    "broken JSON": (GOOD[:-9], "m", "model_format", "not valid JSON"),
    "nothing": ("", "m", "model_format", "empty"),
    "an HTML page": ("<!doctype html><p>404", "m", "model_format", "HTML"),
    "wrong id": (GOOD, "other", "model_not_found", "other"),
    "short array": (with_kernel([0.5] * 5), "m", "model_format", "needs 6 values"),
    "long array": (with_kernel([0.5] * 7), "m", "model_format", "got 7 values"),
    "NaN weights": (with_kernel([float("nan")] * 6), "m", "non_finite", "NaN"),
    "strings in data": (with_kernel(["0.5"] * 6), "m", "model_format", "numbers only"),
    "10^9 parameters in 1 KB": (claiming(2**15), "m", "limit", "parameters"),
    "10^8 parameters in 1 KB": (claiming(10**4), "m", "model_format", "100,000,000"),
}


@pytest.fixture(scope="module", params=[True, False], ids=["worker", "main-thread"])
def session(browser, site, request):
    with loaded_page(browser, site, worker=request.param) as page:
        page.run("window.net = await loom.BuildNetworkFromJSON(glue.network(4, 2))")
        yield page


@pytest.mark.parametrize("kind", BAD_MODELS)
def test_a_bad_model_is_refused_before_anything_is_allocated(session, kind):
    text, model_id, code, message = BAD_MODELS[kind]
    before = session.run("return loom.memory()")

    error = session.failure("loom.LoadModelFromString(...arg.options)", [text, model_id])

    assert len(text) < 1500
    assert (error["isLoomError"], error["code"]) == (True, code)
    assert re.search(message, error["message"])
    assert "Traceback" not in error["message"]
    assert session.run("return loom.memory()") == before


BAD_INPUTS = {
    "wrong length": ("net.ForwardCPU(new Float32Array(5))", "shape", "5 numbers.*4"),
    "empty": ("net.ForwardCPU(new Float32Array(0))", "shape", "0 numbers"),
    "strings": ("net.ForwardCPU(['1', '2', '3', '4'])", ".", "number"),
    "NaN": ("net.Train({ Inputs: [NaN, 0, 0, 0], Labels: [1] })", "non_finite", "NaN"),
    "strings to train on": ("net.Train({ Inputs: ['a', 0, 0, 0], Labels: [1] })", ".", "number"),
    "too few labels": ("net.Train({ Inputs: [0, 0, 0, 0], Labels: [] })", "shape", "abel"),
    "label out of range": ("net.Train({ Inputs: [0, 0, 0, 0], Labels: [7] })", "spec", "0 to 1"),
    "unknown field": ("net.Train({ Inputs: [0, 0, 0, 0], Label: [1] })", "spec", "'Label'"),
    "negative epochs": (
        "net.Train({ Inputs: [0, 0, 0, 0], Labels: [1] }, { Epochs: -1 })",
        "spec",
        "(?i)epochs",
    ),
    "a number as text": ("net.SaveModelToString(5)", "call", "must be text"),
    "more than 1 GiB": ("net.ForwardCPU(new Float32Array(2 ** 28 + 1))", "limit", "1073741828"),
    "a detached array": (
        "{ const x = new Float32Array(4); x.buffer.transfer(); return net.ForwardCPU(x); }",
        "call",
        "transferred",
    ),
}


@pytest.mark.parametrize("kind", BAD_INPUTS)
def test_bad_input_is_refused_and_changes_nothing(session, kind):
    expression, code, message = BAD_INPUTS[kind]
    before = session.run("return net.SaveModelToString('x')")

    error = session.failure(expression)

    assert error["isLoomError"], error
    assert re.match(code, error["code"]), error
    assert re.search(message, error["message"]), error
    assert session.run("return net.SaveModelToString('x')") == before


def test_errors_say_what_to_do(session):
    error = session.failure("loom.LoadModelFromString(arg.options, 'm')", GOOD[:-9])

    assert error["hint"]


def test_the_session_goes_on_after_errors(session):
    output = session.run("return [...(await net.ForwardCPU([1, 2, 3, 4]))]")

    assert np.isclose(sum(output), 1)
