"""Networks judged on data sets, on files, and through the bridge."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from loom_core import (
    Dense,
    LimitError,
    ModelFormatError,
    Network,
    NonFiniteError,
    ShapeError,
    SpecError,
    evaluate_from_checkpoint_files,
    evaluate_model,
    limits,
)
from loom_core.bridge import Bridge
from loom_core.network import evaluation
from loom_core.train.validation import EVALUATION_BATCH
from tests.support.clock import set_clock
from tests.support.deviations import score_of


def tanh_network(*sizes, seed=3):
    layers = [Dense(size, "tanh") for size in sizes[1:]]
    return Network.of(*layers, input_size=sizes[0], seed=seed)


def samples(count, width, seed=1):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_a_network_of_one_output_predicts_its_value():
    network, x = tanh_network(3, 4, 1), samples(5, 3)
    expected = [0.3, -0.2, 0.5, 1.0, -1.0]
    one_by_one = [float(network.forward_cpu(row)[0]) for row in x]
    metrics = network.evaluate_network(x, expected)
    assert [r.actual_output for r in metrics.results] == pytest.approx(one_by_one, rel=1e-5)
    alone = evaluate_model(expected, one_by_one)
    assert metrics.score == pytest.approx(alone.score, rel=1e-5)
    assert metrics.accuracy is None


def test_a_network_of_several_outputs_predicts_a_class():
    network, x = tanh_network(3, 8, 4), samples(2 * EVALUATION_BATCH + 7, 3)
    classes = np.array([network.forward_cpu(row).argmax() for row in x])
    expected = classes.copy()
    expected[::5] = (classes[::5] + 1) % 4
    metrics = network.evaluate_network(x, expected)
    assert [r.actual_output for r in metrics.results] == classes.tolist()
    assert [r.sample_index for r in metrics.results] == list(range(len(x)))
    assert metrics.accuracy == pytest.approx(np.mean(classes == expected))
    assert metrics.correct_count == int(np.sum(classes == expected))


def test_inputs_may_be_flat_or_lists_of_samples():
    network, x = tanh_network(3, 4, 2), samples(6, 3)
    expected = [0, 1, 0, 1, 0, 1]
    forms = [x, x.reshape(-1), [row.tolist() for row in x], [memoryview(row) for row in x]]
    results = [network.evaluate_network(form, expected).results for form in forms]
    assert results == [results[0]] * 4


def test_samples_are_run_in_batches(monkeypatch):
    network, shapes = tanh_network(2, 2), []
    forward = network.forward_cpu
    monkeypatch.setattr(network, "forward_cpu", lambda x: shapes.append(x.shape) or forward(x))
    network.evaluate_network(samples(EVALUATION_BATCH + 3, 2), np.zeros(EVALUATION_BATCH + 3))
    assert shapes == [(EVALUATION_BATCH, 2), (3, 2)]


def test_outputs_with_nan_are_failures():
    network = tanh_network(2, 2)
    network.initialize_weights()
    for weight in network.get_layer(0, 0, 0).weights.values():
        weight[...] = np.nan
    metrics = network.evaluate_network(samples(4, 2), [0, 1, 0, 1])
    assert metrics.failures == 4
    assert metrics.accuracy == 0
    assert all(math.isnan(result.actual_output) for result in metrics.results)


@pytest.mark.parametrize(
    ("inputs", "expected", "error", "message"),
    [
        ([[1, 2, 3]], [0], ShapeError, "each sample needs 2 numbers"),
        ([1, 2, 3], [0], ShapeError, "a multiple of 2"),
        ([], [], ShapeError, "no samples to evaluate"),
        ([[1, 2]], [0, 1], ShapeError, "1 samples need as many expected numbers, got 2"),
        ([[1, 2], [3]], [0, 1], SpecError, "rows of equal length"),
        (["a"], [0], SpecError, "holds text"),
        ([[1, 2]], [2], SpecError, "2 is not a class: the network has 2 outputs"),
        ([[1, 2]], [-1], SpecError, "-1 is not a class"),
        ([[1, 2]], ["x"], SpecError, "what is expected must be numbers"),
    ],
)
def test_data_that_do_not_fit_are_refused(inputs, expected, error, message):
    with pytest.raises(error, match=message):
        tanh_network(2, 2).evaluate_network(inputs, expected)
    if len(expected) == 1:
        with pytest.raises(NonFiniteError, match="sample 0"):
            tanh_network(2, 1).evaluate_network([[1, 2]], [math.nan])


@pytest.fixture
def files(tmp_path):
    x = samples(4, 3)
    names = []
    for number, row in enumerate(x):
        path = tmp_path / f"input_{number}.json"
        path.write_text(json.dumps(row.tolist()), encoding="utf-8")
        names.append(str(path))
    return x, names


def test_inputs_in_files(files, monkeypatch):
    x, names = files
    network = tanh_network(3, 5, 3)
    set_clock(monkeypatch, evaluation, 10.0, 10.25, 12.0)
    found = network.evaluate_from_checkpoint_files(names, [0, 1, 2, 0])
    direct = network.evaluate_network(x, [0, 1, 2, 0])
    assert found.metrics.results == direct.results
    assert (found.load_time, found.forward_time) == (0.25, 1.75)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{}", ModelFormatError, "must hold a JSON array of numbers, got an object"),
        ("[1, 2", ModelFormatError, "not valid JSON"),
        ("[1, 2, null]", SpecError, "must be numbers"),
        ("[1, 2]", ShapeError, r"bad\.json: .*each sample needs 3 numbers"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(files, tmp_path, text, error, message):
    _, names = files
    bad = tmp_path / "bad.json"
    bad.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=message):
        tanh_network(3, 2).evaluate_from_checkpoint_files([*names, str(bad)], [0, 1, 0, 1, 0])


def test_files_are_counted_and_looked_for_first(files, monkeypatch):
    _, names = files
    network = tanh_network(3, 2)
    with pytest.raises(ShapeError, match="4 samples need as many expected numbers, got 1"):
        network.evaluate_from_checkpoint_files(names, [0])
    with pytest.raises(FileNotFoundError):
        network.evaluate_from_checkpoint_files(["no/such.json"], [0])
    monkeypatch.setattr(limits, "LIST_ITEMS", 3)
    with pytest.raises(LimitError, match="number of checkpoint files"):
        network.evaluate_from_checkpoint_files(names, [0, 1, 0, 1])


def test_a_saved_model_is_judged_from_its_file(tmp_path):
    network, x = tanh_network(3, 4, 2), samples(9, 3)
    path = str(tmp_path / "model.json")
    network.save_model(path, "model_v1")
    expected = [0, 1, 1, 0, 0, 1, 0, 1, 1]
    found = evaluate_from_checkpoint_files(path, "model_v1", x, expected)
    assert found.results == network.evaluate_network(x, expected).results


def value(bridge, envelope):
    job = envelope.get("job")
    if job is not None:
        while "pending" in (envelope := bridge.advance(job, 0.0)):
            pass
    assert list(envelope) == ["value"], envelope
    return envelope["value"]


def test_evaluation_crosses_the_bridge(files, monkeypatch):
    x, names = files
    bridge = Bridge()
    layers = [{"type": "dense", "input_size": 3, "output_size": 2, "activation": "tanh"}]
    config = json.dumps({"seed": 1, "layers": layers})
    network = value(bridge, bridge.call(0, "BuildNetworkFromJSON", [config]))["$object"]

    def call(target, name, *args):
        return value(bridge, bridge.call(target, name, list(args)))

    made = call(network, "EvaluateNetwork", [memoryview(row) for row in x], [0, 1, 0, 1])
    assert made["$class"] == "DeviationMetrics"
    metrics = made["$object"]
    assert call(metrics, "TotalSamples") == 4
    deviations = [result["Deviation"] for result in call(metrics, "Results")]
    assert call(metrics, "Score") == pytest.approx(score_of(deviations))
    assert call(metrics, "Accuracy") == call(metrics, "CorrectCount") / 4
    buckets = call(metrics, "Buckets")
    assert sum(bucket["Count"] for bucket in buckets.values()) == 4
    assert buckets["100%+"]["RangeMax"] == math.inf
    (worst,) = call(metrics, "GetWorstSamples", 1)
    assert set(worst) == {"SampleIndex", "ExpectedOutput", "ActualOutput", "Deviation", "Bucket"}
    assert worst["SampleIndex"] in call(metrics, "GetSamplesInBucket", worst["Bucket"])
    assert call(metrics, "AverageDeviation") == pytest.approx(sum(deviations) / 4)
    assert call(metrics, "Failures") == buckets["100%+"]["Count"]
    assert call(metrics, "PrintSummary").startswith("=== Model Evaluation Summary ===")
    text = call(metrics, "SaveMetricsToString")
    again = call(0, "LoadMetricsFromString", text)["$object"]
    assert call(again, "Results") == call(metrics, "Results")

    own = call(0, "NewDeviationMetrics")["$object"]
    call(own, "UpdateMetrics", call(0, "EvaluatePrediction", 0, 5, 4))
    call(own, "Update", [0.1, 0.9], 1)
    call(own, "ComputeFinalMetrics")
    assert call(own, "TotalSamples") == 2
    call(own, "Reset")
    assert call(own, "Results") == []
    listed = call(0, "EvaluateModel", [1, 2], [1, 3])["$object"]
    assert call(listed, "Score") == 75

    folder = Path(names[0]).parent
    call(metrics, "SaveMetrics", str(folder / "metrics.json"))
    saved = call(0, "LoadMetrics", str(folder / "metrics.json"))["$object"]
    assert call(saved, "Results") == call(metrics, "Results")
    model = str(folder / "model.json")
    call(network, "SaveModel", model, "m")
    judged = call(0, "EvaluateFromCheckpointFiles", model, "m", x, [0, 1, 0, 1])["$object"]
    assert call(judged, "Results") == call(metrics, "Results")

    set_clock(monkeypatch, evaluation, 10.0, 10.25, 12.0)
    found = call(network, "EvaluateFromCheckpointFiles", names, [0, 1, 0, 1])
    assert call(found["Metrics"]["$object"], "Results") == call(metrics, "Results")
    assert (found["LoadTime"], found["ForwardTime"]) == (0.25, 1.75)
