"""The examples of the guide to introspection and telemetry, one test a section."""

import json
import math
import threading
from collections import defaultdict

import numpy as np
import pytest

from loom_core import (
    ConsoleObserver,
    Dense,
    LayerObserver,
    TrainingBatch,
    TrainingConfig,
)
from loom_core.observers.channel import new_channel_observer
from loom_core.observers.http_observer import new_http_observer
from loom_core.observers.observer import new_console_observer
from loom_core.observers.recording import new_recording_observer
from tests.support.event_server import LONG, serving
from tests.support.observed_networks import guide_inputs, guide_network, network_of


@pytest.fixture
def network():
    return guide_network()


# Introspection: what can this network do?


def test_discovering_methods(network, capsys):
    for m in network.get_methods():
        types = ", ".join(p.type for p in m.parameters)
        print(f"{m.method_name}({types}) → {', '.join(m.returns)}")
    lines = capsys.readouterr().out.splitlines()
    assert "ForwardCPU(float32array) → float32array" in lines
    assert "GetBlueprint() → NetworkBlueprint" in lines
    assert any(line.startswith("Train(") and "TrainingConfig" in line for line in lines)
    assert any(line.startswith("SaveModel(string, string") for line in lines)


def test_the_method_info_structure(network):
    (info,) = (m for m in network.get_methods() if m.method_name == "ForwardCPU")
    assert [(p.name, p.type) for p in info.parameters] == [("input", "float32array")]
    assert info.returns == ["float32array"]  # the time that Go returns too is not part of it


def test_checking_for_specific_methods(network):
    assert network.has_method("ForwardGPU")
    assert not network.has_method("MakeCoffee")
    signature = network.get_method_signature("Train")
    assert signature.startswith("Train(batches: TrainingData | TrainingBatch[], config: ")
    assert signature.endswith(" -> TrainingResult")


def test_json_export(network):
    methods = json.loads(network.get_methods_json())
    assert {"method_name", "parameters", "returns"} <= set(methods[0])


# Telemetry: network structure and statistics


def test_network_blueprint(network):
    blueprint = network.get_blueprint()
    assert (blueprint.grid_rows, blueprint.grid_cols, blueprint.layers_per_cell) == (2, 3, 2)
    assert blueprint.total_layers == 12
    assert blueprint.total_params == network.get_total_parameters()


def test_layer_by_layer_breakdown(network):
    lines = [
        f"[{layer.row},{layer.col},{layer.layer}] {layer.type}: "
        f"{layer.input_size} → {layer.output_size} ({layer.num_params} params)"
        for layer in network.get_blueprint().layers
    ]
    assert lines[:3] == [
        "[0,0,0] Dense: 20 → 16 (336 params)",
        "[0,0,1] Dense: 16 → 12 (204 params)",
        "[0,1,0] Dense: 12 → 8 (104 params)",
    ]
    assert lines[-1] == "[1,2,1] Softmax: 8 → 8 (0 params)"


def test_blueprint_visualization(network):
    text = network.get_blueprint_text()
    assert "Dense" in text
    assert "Softmax" in text


def test_live_telemetry(network):
    output = network.forward_cpu(guide_inputs())
    one_output = np.zeros_like(output)  # all of a softmax together never change
    one_output[:, 0] = 1
    network.backward_cpu(one_output)
    telemetry = network.get_telemetry()
    assert telemetry.memory_usage >= network.get_memory_usage()
    assert [layer.index for layer in telemetry.layer_stats] == list(range(12))
    for layer in telemetry.layer_stats[:-1]:
        weights = network.layers[layer.index].weights.values()
        norm = math.sqrt(sum(float((weight.astype(np.float64) ** 2).sum()) for weight in weights))
        assert layer.weight_norm == pytest.approx(norm, rel=1e-5)
        assert layer.gradient_norm > 0
        assert -1 <= layer.activation_min < layer.activation_max <= 1
    assert telemetry.layer_stats[-1].weight_norm == 0  # the softmax


# Observers: real-time monitoring


class Notes(LayerObserver):
    """An observer of one's own: the two methods of the guide, overridden."""

    def __init__(self):
        self.forward, self.backward = [], []

    def on_layer_forward(self, layer_index, stats):
        self.forward.append((layer_index, stats))

    def on_layer_backward(self, layer_index, stats):
        self.backward.append((layer_index, stats))


def test_the_observer_interface(network):
    observer = Notes()
    network.set_observer(observer)
    output = network.forward_cpu(guide_inputs())
    network.backward_cpu(np.ones_like(output))
    assert [index for index, _ in observer.forward] == list(range(12))
    assert [index for index, _ in observer.backward] == list(reversed(range(12)))


def test_layer_stats_what_you_see(network):
    observer = Notes()
    network.set_observer(observer)
    x = guide_inputs(32)
    network.forward_cpu(x)
    index, stats = observer.forward[0]
    weights = network.get_layer(0, 0, 0).weights
    matrix, bias = (next(w for w in weights.values() if w.ndim == n) for n in (2, 1))
    y = np.tanh(x @ (matrix if matrix.shape == (20, 16) else matrix.T) + bias)
    assert (index, stats.layer_index, stats.layer_type) == (0, 0, "Dense")
    assert (stats.input_shape, stats.output_shape) == ([32, 20], [32, 16])
    assert stats.weight_norm == pytest.approx(np.linalg.norm(matrix), rel=1e-5)
    assert stats.bias_norm == pytest.approx(np.linalg.norm(bias), abs=1e-6)
    assert stats.output_min == pytest.approx(y.min(), rel=1e-4)
    assert stats.output_max == pytest.approx(y.max(), rel=1e-4)
    assert stats.output_mean == pytest.approx(y.mean(), abs=1e-5)
    assert stats.output_std == pytest.approx(y.std(), rel=1e-4)


def test_console_observer_print_everything(network, capsys):
    observer = new_console_observer()
    network.set_observer(observer)
    network.forward_cpu(guide_inputs(1))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[Layer 0] Dense: 20 → 16"
    assert lines[1].strip().startswith("Output: mean=")
    assert "range=[" in lines[1]
    assert sum(line.startswith("[Layer ") for line in lines) == 12


def test_console_observer_into_a_list(network):
    written = []
    network.set_observer(ConsoleObserver(write=written.append))
    network.forward_cpu(guide_inputs(1))
    assert len(written) == 12


def test_recording_observer_capture_history(network, tmp_path):
    observer = new_recording_observer()
    network.set_observer(observer)
    for sample in guide_inputs(5):
        network.forward_cpu(sample)
    history = observer.get_history()
    assert len(history) == 5 * 12
    assert [record.layer_index for record in history[:12]] == list(range(12))
    large = [record.layer_index for record in history if record.output_max > 100]
    assert large == []
    path = tmp_path / "training_recording.json"
    observer.save_to_file(str(path))
    recording = json.loads(path.read_text(encoding="utf-8"))
    assert recording["total_events"] == 60
    assert recording["events"][0]["Type"] == "forward"


def test_channel_observer_custom_processing(network):
    observer = new_channel_observer(1000)
    network.set_observer(observer)
    layer_means = defaultdict(list)

    def collect():
        while events := observer.take():
            for event in events:
                layer_means[event.stats.layer_index].append(event.stats.output_mean)

    collector = threading.Thread(target=collect)
    collector.start()
    for sample in guide_inputs(6):
        network.forward_cpu(sample)
    observer.close()
    collector.join()
    assert sorted(layer_means) == list(range(12))
    assert all(len(means) == 6 for means in layer_means.values())
    assert observer.dropped_events() == 0
    drifting = [layer for layer, means in layer_means.items() if np.ptp(means) > 2]
    assert drifting == []


def test_http_observer_remote_monitoring(network):
    with serving() as server:
        # An address of this machine is refused unless it is allowed.
        observer = new_http_observer(server.url, allow_private=True)
        network.set_observer(observer)
        network.forward_cpu(guide_inputs(1))
        observer.close()
        assert observer.flush(LONG)
    events = [event for body in server.bodies for event in body]
    assert [event["LayerIdx"] for event in events] == list(range(12))


def test_training_events():
    """The handler of the guide: what the end of an epoch says, and a bar that moves on."""

    class MyObserver(LayerObserver):
        def __init__(self):
            self.epochs, self.progress = [], []

        def on_training_event(self, event):
            match event.type:
                case "epoch_end":
                    self.epochs.append((event.epoch, event.loss))
                case "batch_end":
                    self.progress.append(event.batch)

    student = network_of(Dense(3, "tanh", input_size=4), Dense(1, input_size=3), input_size=4)
    observer = MyObserver()
    student.set_observer(observer)
    batches = [TrainingBatch(guide_inputs(2, 4), np.ones(2, np.float32)) for _ in range(3)]
    result = student.train(batches, TrainingConfig(epochs=4, learning_rate=0.01))
    assert [epoch for epoch, _ in observer.epochs] == [1, 2, 3, 4]
    assert [loss for _, loss in observer.epochs] == pytest.approx(result.loss_history)
    assert observer.progress == [1, 2, 3] * 4
