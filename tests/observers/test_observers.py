"""Observers: who is told, bounded memory, nothing lost without being counted, and the bridge."""

import json
import re
import threading

import numpy as np
import pytest

import loom_core
from loom_core import (
    CallbackObserver,
    ChannelObserver,
    ConsoleObserver,
    Dense,
    LayerObserver,
    Parallel,
    RecordingObserver,
    SpecError,
    TrainingEvent,
)
from loom_core.bridge import Bridge
from tests.support.observed_networks import Collector, nested_network, network_of


def two_layers(**options):
    return network_of(Dense(3, "relu", input_size=2), Dense(1, "tanh", input_size=3), **options)


def test_nobody_listens_at_first_and_after_none_is_set():
    network = two_layers()
    assert not network.listening()
    seen = Collector()
    network.set_observer(seen)
    network.forward_cpu([1, 2])
    network.set_observer(None)
    network.forward_cpu([1, 2])
    assert len(seen.forward) == 2
    assert not network.listening()


def test_without_observers_the_plan_is_the_plain_one():
    network = two_layers()
    network.forward_cpu([1, 2])
    assert set(network.last_forward.plan.ports) == {"input", "output"}


def test_a_layer_tells_its_own_observer_instead():
    network, whole, own = nested_network(), Collector(), Collector()
    network.set_observer(whole)
    network.layers[1].set_observer(own)
    network.forward_cpu(np.ones(5))
    assert {event.layer_idx for event in whole.forward} == {0, 2, 3}
    assert {event.layer_idx for event in own.forward} == {1}
    network.set_observer(None)
    whole.forward.clear()
    network.forward_cpu(np.ones(5))
    assert not whole.forward
    assert len(own.forward) == 18


def test_a_branch_may_have_the_only_observer():
    network, own = (
        network_of(Parallel([Dense(2, input_size=2), Dense(2, input_size=2)])),
        Collector(),
    )
    network.layers[0].branches[1].set_observer(own)
    network.forward_cpu([1, 2])
    assert [(event.branch_idx, event.is_parallel_branch) for event in own.forward] == [(1, True)]


def test_events_say_where_they_come_from():
    network = network_of(
        *(Dense(2, input_size=2) for _ in range(4)), rows=2, cols=2, model_id="grid"
    )
    seen = Collector()
    network.set_observer(seen)
    network.forward_cpu([1, 2])
    places = [(event.grid_row, event.grid_col, event.cell_layer) for event in seen.forward]
    assert places == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)]
    assert {(event.model_id, event.mode, event.layer_type) for event in seen.forward} == {
        ("grid", "normal", 0)
    }


def test_the_guides_methods_get_number_and_statistics():
    class Guide(LayerObserver):
        def __init__(self):
            self.seen = []

        def on_layer_forward(self, layer_index, stats):
            self.seen.append(("forward", layer_index, stats.layer_type))

        def on_layer_backward(self, layer_index, stats):
            self.seen.append(("backward", layer_index, stats.gradient_norm >= 0))

    network, guide = two_layers(), Guide()
    network.set_observer(guide)
    network.forward_cpu([1, 2])
    network.backward_cpu([1])
    assert guide.seen == [
        ("forward", 0, "Dense"), ("forward", 1, "Dense"), ("backward", 1, True),
        ("backward", 0, True),
    ]  # fmt: skip


def test_functions_are_called_by_a_callback_observer():
    network, forward, backward, training = two_layers(), [], [], []
    observer = CallbackObserver(forward.append, backward.append, training.append)
    network.set_observer(observer)
    network.forward_cpu([1, 2])
    network.backward_cpu([1])
    observer.on_training_event(TrainingEvent("epoch_start", 1))
    assert [len(events) for events in (forward, backward, training)] == [2, 2, 1]
    network.set_observer(CallbackObserver())
    network.forward_cpu([1, 2])


def test_what_an_observer_raises_ends_the_call():
    def refuse(event):
        raise RuntimeError("no more")

    network = two_layers()
    network.set_observer(CallbackObserver(refuse))
    with pytest.raises(RuntimeError, match="no more"):
        network.forward_cpu([1, 2])


def test_sampling_must_be_a_whole_number():
    with pytest.raises(SpecError, match="every_n"):
        two_layers().set_observer(Collector(), 0)


def test_the_console_prints_each_layer():
    texts = []
    network = two_layers(model_id="m")
    network.set_observer(ConsoleObserver(verbose=True, write=texts.append))
    network.forward_cpu([1, 2])
    network.backward_cpu([1])
    text = "".join(texts)
    assert "[m] [Layer 0] Dense: 2 → 3\n" in text
    number = r"-?\d+\.\d+"
    pattern = rf"  Output: mean={number}, std={number}, range=\[{number}, {number}\]\n"
    assert len(re.findall(pattern, text)) == 2
    assert text.count("Gradient norm: ") == 2
    assert text.count("Values: ") == 4
    assert len(re.findall(r"  Time: \d+\.\d{3}ms\n", text)) == 2


def test_the_console_prints_events_of_a_training(capsys):
    observer = loom_core.ConsoleObserver()
    observer.on_training_event(TrainingEvent("epoch_start", 1))
    observer.on_training_event(TrainingEvent("batch_end", 1, 3, 0.5))
    observer.on_training_event(TrainingEvent("epoch_end", 1, 4, 0.25, 0.75))
    assert capsys.readouterr().out == (
        "[epoch_start] epoch 1\n"
        "[batch_end] epoch 1, batch 3: loss=0.500000\n"
        "[epoch_end] epoch 1, batch 4: loss=0.250000, accuracy=0.7500\n"
    )


def test_a_recording_keeps_the_newest_and_counts_the_rest():
    network, recording = two_layers(), RecordingObserver("run", capacity=5)
    network.set_observer(recording)
    for value in range(6):
        network.forward_cpu([value, value])
    kept = recording.get_recording()
    assert (kept.model_id, kept.total_events, kept.dropped_events) == ("run", 12, 7)
    assert len(kept.events) == 5
    assert recording.dropped_events() == 7
    assert kept.events[-1].input.size == 3
    assert [float(event.input[0]) for event in kept.events if event.layer_idx == 0] == [4, 5]
    recording.clear()
    assert recording.get_recording().total_events == 0
    assert recording.dropped_events() == 0


def test_a_recordings_histories_are_apart():
    network, recording = two_layers(), loom_core.RecordingObserver()
    network.set_observer(recording)
    network.forward_cpu([1, 2])
    network.backward_cpu([1])
    assert [stats.layer_index for stats in recording.get_history()] == [0, 1]
    assert [stats.layer_index for stats in recording.get_backward_history()] == [1, 0]
    assert all(stats.gradient_norm is None for stats in recording.get_history())
    recording.on_training_event(TrainingEvent("epoch_end", 1, 2, 0.5))
    assert [event.loss for event in recording.get_training_events()] == [0.5]


def test_a_recording_is_saved_as_json(tmp_path):
    network, recording = two_layers(), RecordingObserver("run")
    network.layers[0].set_weights({"kernel": [3e38] * 6, "bias": [0, 0, 0]})
    network.set_observer(recording)
    with np.errstate(all="ignore"):
        network.forward_cpu([2, 2])
    path = tmp_path / "recording.json"
    recording.save_to_file(str(path))
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert (saved["model_id"], saved["total_events"]) == ("run", 2)
    assert {"recorded_at", "duration_seconds", "events"} <= saved.keys()
    first = saved["events"][0]
    assert {"Type", "LayerIdx", "LayerType", "Stats", "Input", "Output", "mode", "step_count"} <= (
        first.keys()
    )
    assert {"grid_row", "grid_col", "cell_layer", "model_id", "branch_idx"} <= first.keys()
    assert first["Stats"]["OutputMax"] is None
    assert first["Stats"]["InfCount"] == 3
    assert json.loads(recording.save_to_string())["events"] == saved["events"]


def test_a_full_channel_drops_and_counts():
    network, channel = two_layers(), ChannelObserver(3)
    network.set_observer(channel)
    network.forward_cpu([1, 2])
    network.forward_cpu([1, 2])
    assert channel.dropped_events() == 1
    assert [event.layer_idx for event in channel.poll()] == [0, 1, 0]
    assert channel.poll() == []
    channel.close()
    network.forward_cpu([1, 2])
    assert channel.dropped_events() == 3


def test_another_thread_may_take_from_a_channel():
    network, channel, taken = two_layers(), ChannelObserver(100), []

    def consume():
        while events := channel.take(7):
            taken.extend(events)

    consumer = threading.Thread(target=consume)
    consumer.start()
    network.set_observer(channel)
    for _ in range(20):
        network.forward_cpu([1, 2])
    channel.close()
    consumer.join()
    assert len(taken) + channel.dropped_events() == 40
    assert [event.layer_idx for event in taken[:4]] == [0, 1, 0, 1]
    assert ChannelObserver().take(1, timeout=0.0) == []


def test_a_channel_that_is_closed_ends_those_who_wait():
    channel = ChannelObserver()
    channel.on_training_event(TrainingEvent("epoch_start", 1))
    channel.close()
    assert len(channel.next_events()) == 1
    assert channel.next_events() == []
    with pytest.raises(SpecError, match="max_events"):
        channel.poll(0)
    with pytest.raises(SpecError, match="buffer_size"):
        ChannelObserver(0)


def test_what_is_no_observer_is_refused_before_it_is_told_anything():
    network = network_of(Dense(1, input_size=2))
    with pytest.raises(SpecError, match="an observer is needed, got a function"):
        network.set_observer(lambda event: None)
    with pytest.raises(SpecError, match="an observer is needed, got text"):
        network.layers[0].set_observer("console")
    assert not network.listening()


@pytest.mark.parametrize("observer", [RecordingObserver(), ChannelObserver(), ConsoleObserver()])
def test_events_of_a_training_may_be_plain_data_and_nothing_else(observer):
    observer.on_training_event({"Type": "epoch_end", "Epoch": 1, "Loss": 0.5})
    with pytest.raises(SpecError, match="TrainingEvent must be an object, got 3"):
        observer.on_training_event(3)


CONFIG = json.dumps({"layers": [{"type": "dense", "input_size": 2, "output_size": 3}]})


@pytest.fixture(name="page")
def _page():
    """What a page holds: a bridge and the network on it."""
    bridge = Bridge()
    network = bridge.call(0, "BuildNetworkFromJSON", [CONFIG])["value"]["$object"]
    return bridge, network


def made(bridge, name, *args):
    return bridge.call(0, name, list(args))["value"]["$object"]


def test_javascript_records_by_handles(page):
    bridge, network = page
    recording = made(bridge, "NewRecordingObserver", "js")
    assert bridge.call(network, "SetObserver", [{"$object": recording}]) == {"value": None}
    bridge.call(network, "ForwardCPU", [[1.0, 2.0]])
    history = bridge.call(recording, "GetHistory", [])["value"]
    assert history[0]["LayerIndex"] == 0
    assert history[0]["OutputShape"] == [1, 3]
    assert history[0]["OutputValues"].dtype == np.float32
    kept = bridge.call(recording, "GetRecording", [])["value"]
    assert kept["Events"][0]["Stats"] == history[0] | {
        "OutputValues": kept["Events"][0]["Stats"]["OutputValues"]
    }
    assert bridge.call(network, "SetObserver", [None]) == {"value": None}
    refused = bridge.call(network, "SetObserver", [{"OnForward": print}])["error"]
    assert refused["code"] == "call"


def test_javascript_functions_are_called_while_listen_is_under_way(page):
    bridge, network = page
    channel = made(bridge, "NewChannelObserver", 10)
    bridge.call(network, "SetObserver", [{"$object": channel}])
    events = []
    job = bridge.call(channel, "Listen", [events.append])["job"]
    assert bridge.advance(job, 1.0) == {"pending": True, "paused": True}
    bridge.call(network, "ForwardCPU", [[1.0, 2.0]])
    assert bridge.advance(job, 1.0) == {"pending": True, "paused": True}
    assert [(event["Type"], event["LayerIdx"]) for event in events] == [("forward", 0)]
    bridge.call(channel, "Close", [])
    assert bridge.advance(job, 1.0) == {"value": None}


def test_javascript_waits_for_the_next_events(page):
    bridge, network = page
    channel = made(bridge, "NewChannelObserver")
    bridge.call(network, "SetObserver", [{"$object": channel}])
    job = bridge.call(channel, "Next", [])["job"]
    assert bridge.advance(job, 1.0)["paused"]
    bridge.call(network, "ForwardCPU", [[1.0, 2.0]])
    assert [event["Type"] for event in bridge.advance(job, 1.0)["value"]] == ["forward"]
    waiting = bridge.call(channel, "Next", [])["job"]
    bridge.call(channel, "Close", [])
    assert bridge.advance(waiting, 1.0) == {"value": []}


def test_an_event_may_come_back_from_javascript(page):
    bridge, network = page
    first, second = made(bridge, "NewRecordingObserver"), made(bridge, "NewRecordingObserver")
    bridge.call(network, "SetObserver", [{"$object": first}])
    bridge.call(network, "ForwardCPU", [[1.0, 2.0]])
    (event,) = bridge.call(first, "GetEvents", [])["value"]
    assert bridge.call(second, "OnForward", [event]) == {"value": None}
    (again,) = bridge.call(second, "GetHistory", [])["value"]
    assert again["OutputMean"] == event["Stats"]["OutputMean"]
    wrong = bridge.call(second, "OnForward", [{"Nonsense": 1}])["error"]
    assert "Nonsense" in wrong["message"]
