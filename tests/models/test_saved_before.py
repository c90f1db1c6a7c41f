"""Models and trainings saved at commit 4ffb176 load, and go on as they did."""

import json

import numpy as np
import pytest

import loom_core
from loom_core import Dense, Network, TrainingConfig, TrainingData
from tests.support.fixture_files import FIXTURES

SAVED = json.loads((FIXTURES / "saved_by_4ffb176.json").read_text(encoding="utf-8"))
MODELS = pytest.mark.parametrize("model", SAVED["models"], ids=lambda model: model["name"])


@MODELS
def test_a_model_saved_before_gives_the_same_outputs(model):
    network = loom_core.load_model_with_dtype(model["text"], "m").network

    output = network.forward_cpu(model["input"])

    np.testing.assert_allclose(output, model["output"], rtol=1e-5, atol=1e-6)


@MODELS
def test_a_model_saved_before_is_saved_as_the_same_text(model):
    loaded = loom_core.load_model_with_dtype(model["text"], "m")
    as_loom = '"fmt": "tensorsB64"' not in model["text"]

    text = loaded.network.save_model_with_dtype("m", loaded.dtype, "loom" if as_loom else "compact")

    assert text == model["text"]


@pytest.mark.parametrize("saved", SAVED["states"], ids=lambda saved: saved["name"])
def test_a_training_saved_before_goes_on_as_it_did(saved):
    network = Network(3, 1, 1, 2, seed=99)
    network.set_layer(0, 0, 0, Dense(4, "tanh"))
    network.set_layer(0, 0, 1, Dense(2, "tanh"))
    data = TrainingData(**SAVED["data"], batch_size=4)

    result = network.train(data, TrainingConfig(epochs=6, resume_from=saved["state"]))

    np.testing.assert_allclose(result.loss_history, saved["losses"], rtol=1e-4)


def test_every_layer_type_of_then_and_every_format_of_weights_is_among_them():
    text = json.dumps([json.loads(model["text"]) for model in SAVED["models"]])
    types = ["dense", "conv2d", "conv1d", "multi_head_attention", "rnn", "lstm", "softmax"]
    types += ["layer_norm", "rms_norm", "residual", "swiglu", "parallel", "embedding", "sequential"]
    formats = ["tensorsB64", "jsonModelB64", "multiPrecisionB64"]
    dtypes = ["float32", "float64", "float16", "int8", "int16", "int32"]

    assert [name for name in types if f'"type": "{name}"' not in text] == []
    assert [name for name in formats if f'"fmt": "{name}"' not in text] == []
    assert [name for name in dtypes if f'"dtype": "{name}"' not in text] == []
