"""The examples of the package's documents on introspection and evaluation, one test a section."""

import json
import math

import numpy as np
import pytest

from loom_core import (
    LSTM,
    Dense,
    DeviationMetrics,
    Network,
    Softmax,
    TrainingBatch,
    TrainingConfig,
    evaluate_from_checkpoint_files,
    evaluate_model,
    load_metrics,
)
from loom_core.bridge import Bridge
from tests.support.deviations import score_of
from tests.support.observed_networks import network_of


@pytest.fixture
def network():
    return network_of(
        Dense(8, "tanh", input_size=6), Dense(4, "linear", input_size=8), Softmax(), input_size=6
    )


@pytest.fixture
def data():
    generator = np.random.default_rng(8)
    return generator.normal(size=(40, 6)).astype(np.float32), generator.integers(0, 4, 40)


# Runtime introspection


def test_introspection_example_usage(network, capsys):
    for method in network.get_methods():
        print(method.method_name)
        for param in method.parameters:
            print(f"  - {param.name}: {param.type}")
    assert "ForwardCPU\n  - input: float32array\n" in capsys.readouterr().out

    method_names = network.list_methods()
    assert len(method_names) > 24
    assert network.has_method("ForwardCPU")
    signature = network.get_method_signature("ForwardCPU")
    assert signature == "ForwardCPU(input: float32array) -> float32array"


def test_introspection_json_output_format(network):
    methods = {m["method_name"]: m for m in json.loads(network.get_methods_json())}
    # The document shows param0, param1: Go keeps no names at run time, and here they are known.
    assert [p["name"] for p in methods["Train"]["parameters"]][:2] == ["batches", "config"]
    assert methods["Train"]["returns"] == ["TrainingResult"]


def test_introspection_calls_any_method_by_its_name():
    """As the document does it from C and JavaScript: a name, a JSON list of arguments."""
    bridge = Bridge()
    layers = [{"type": "dense", "input_size": 2, "output_size": 1, "activation": "tanh"}]
    made = bridge.call(0, "BuildNetworkFromJSON", [json.dumps({"layers": layers})])
    handle = made["value"]["$object"]
    methods = json.loads(bridge.call(handle, "GetMethodsJSON", [])["value"])
    assert len(methods) > 24
    assert bridge.call(handle, "HasMethod", ["SaveModelToString"])["value"]
    model = bridge.call(handle, "SaveModelToString", json.loads('["my_model"]'))["value"]
    assert json.loads(model)["models"][0]["id"] == "my_model"
    output = bridge.call(handle, "ForwardCPU", json.loads("[[0.1, 0.2]]"))["value"]
    assert output.shape == (1,)


# Model evaluation


def test_quick_start_during_training(network, data, tmp_path, capsys):
    inputs, _ = data
    labels = inputs[:, :4].argmax(axis=1)
    config = TrainingConfig(
        epochs=10,
        learning_rate=0.3,
        evaluate_every_n=1,
        validation_inputs=inputs,
        validation_targets=labels,  # as Loom takes them: the right value, or a class number
    )
    batches = [
        TrainingBatch(x, np.eye(4, dtype=np.float32)[label])
        for x, label in zip(inputs.reshape(10, 4, 6), labels.reshape(10, 4), strict=True)
    ]
    result = network.train(batches, config)
    metrics = result.eval_metrics
    assert metrics.total_samples == 40
    assert metrics.results == network.evaluate_network(inputs, labels).results
    assert metrics.accuracy == result.validation_accuracy
    deviations = [result.deviation for result in metrics.results]
    assert metrics.score == pytest.approx(score_of(deviations))
    assert metrics.average_deviation == pytest.approx(np.mean(deviations))
    metrics.print_summary()
    assert "Quality Score" in capsys.readouterr().out
    path = str(tmp_path / "evaluation.json")
    metrics.save_metrics(path)
    assert load_metrics(path).results == metrics.results


def test_training_integration(network, data, capsys):
    inputs, _ = data
    labels = inputs[:, :4].argmax(axis=1)
    settings = {
        "Epochs": 6,
        "LearningRate": 0.3,
        "LossType": "cross_entropy",
        "EvaluateEveryN": 2,
        "ValidationInputs": inputs,
        "ValidationTargets": labels,
        "Verbose": True,
    }
    result = network.train({"Inputs": inputs, "Labels": labels, "BatchSize": 8}, settings)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in printed] == [f"{epoch}/6" for epoch in range(1, 7)]
    assert len(result.accuracy_history) == 3
    assert result.loss_history[-1] < result.loss_history[0]


def test_training_evaluates_without_printing_too(network, data, capsys):
    inputs, expected = data
    config = TrainingConfig(
        epochs=1, validation_inputs=inputs, validation_labels=expected, verbose=False
    )
    result = network.train({"Inputs": inputs, "Labels": expected}, config)
    assert result.eval_metrics.total_samples == 40
    assert capsys.readouterr().out == ""


def test_deviation_buckets(network, data):
    inputs, expected = data
    metrics = network.evaluate_network(inputs, expected)
    ends = [(bucket.range_min, bucket.range_max) for bucket in metrics.buckets.values()]
    assert ends == [
        (0, 10), (10, 20), (20, 30), (30, 40), (40, 50), (50, 100), (100, math.inf),
    ]  # fmt: skip


def test_sample_level_tracking(capsys):
    metrics = evaluate_model([5, 3, 2, 4], [1, 7, 9, 4])
    assert metrics.get_samples_in_bucket("0-10%") == [3]
    for result in metrics.get_worst_samples(3):
        print(
            f"Sample #{result.sample_index}: Expected {result.expected_output:.2f}, "
            f"Predicted {result.actual_output:.2f}, Deviation: {result.deviation:.1f}%"
        )
    # The document's list of worst predictions stands in another order, the worst last.
    assert capsys.readouterr().out.splitlines() == [
        "Sample #2: Expected 2.00, Predicted 9.00, Deviation: 350.0%",
        "Sample #1: Expected 3.00, Predicted 7.00, Deviation: 133.3%",
        "Sample #0: Expected 5.00, Predicted 1.00, Deviation: 80.0%",
    ]


def test_manual_evaluation(network, data, capsys):
    inputs, expected = data
    metrics = network.evaluate_network(inputs, expected)
    metrics.print_summary()
    assert "Total Samples: 40" in capsys.readouterr().out
    seen = []
    for bucket in metrics.buckets.values():
        assert bucket.count == len(bucket.samples)
        seen += bucket.samples
    assert sorted(seen) == list(range(40))


def test_metrics_persistence(network, data, tmp_path):
    inputs, expected = data
    metrics = network.evaluate_network(inputs, expected)
    path = str(tmp_path / "mnist_evaluation.json")
    metrics.save_metrics(path)
    assert load_metrics(path).results == metrics.results

    model = str(tmp_path / "model.json")
    network.save_model(model, "model_v1")
    again = evaluate_from_checkpoint_files(model, "model_v1", inputs, expected)
    assert again.results == metrics.results


def test_evaluating_inputs_that_lie_in_files(network, data, tmp_path):
    """The other form of EvaluateFromCheckpointFiles that the documents have."""
    inputs, expected = data
    names = [str(tmp_path / f"{number}.json") for number in range(3)]
    for name, row in zip(names, inputs, strict=False):
        with open(name, "w", encoding="utf-8") as file:
            json.dump(row.tolist(), file)
    found = network.evaluate_from_checkpoint_files(names, expected[:3])
    direct = network.evaluate_network(inputs[:3], expected[:3])
    assert found.metrics.results == direct.results


def test_example_output():
    """A hundred predictions that fall into the buckets as in the document's summary."""
    found = [105] * 45 + [115] * 18 + [125] * 12 + [135] * 8 + [145] * 6 + [180] * 8 + [250] * 3
    lines = str(evaluate_model([100] * 100, found)).splitlines()
    assert lines[:2] == ["=== Model Evaluation Summary ===", "Total Samples: 100"]
    assert "Failures (>100% deviation): 3 (3.0%)" in lines
    at = lines.index("Deviation Distribution:")
    assert lines[at + 1 : at + 8] == [
        "     0-10%:   45 samples (45.0%) ██████████████████████",
        "    10-20%:   18 samples (18.0%) █████████",
        "    20-30%:   12 samples (12.0%) ██████",
        "    30-40%:    8 samples (8.0%)  ████",
        "    40-50%:    6 samples (6.0%)  ███",
        "   50-100%:    8 samples (8.0%)  ████",
        "     100%+:    3 samples (3.0%)  █",
    ]
    assert "=== Worst 5 Predictions ===" in lines


def test_use_case_benchmarking_versions(data):
    inputs, _ = data
    versions = [
        network_of(Dense(4, "tanh", input_size=6), Softmax(), input_size=6) for _ in range(2)
    ]
    versions[1].initialize_weights(99)
    expected = versions[0].forward_cpu(inputs).argmax(axis=1)
    scores = [version.evaluate_network(inputs, expected).score for version in versions]
    assert scores[0] == 100
    assert scores[1] < scores[0]


def test_use_case_any_layer_type_can_be_judged():
    network = Network.of(LSTM(5, 4, seq_length=3), Dense(2), input_size=12, seed=1)
    inputs = np.random.default_rng(1).normal(size=(9, 12)).astype(np.float32)
    metrics = network.evaluate_network(inputs, [0, 1, 0, 1, 0, 1, 0, 1, 0])
    assert metrics.total_samples == 9
    assert isinstance(metrics, DeviationMetrics)
