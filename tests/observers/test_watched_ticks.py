"""What observers are told of a network that runs tick by tick."""

import numpy as np

from tests.support.observed_networks import Collector, nested_network
from tests.support.weights import assert_same_arrays


def run(network, ticks):
    state = network.init_step_state(network.input_width())
    state.set_input(np.linspace(-1, 1, network.input_width()))
    for _ in range(ticks):
        network.step_forward(state)
    return state


def test_a_tick_is_told_layer_by_layer_with_its_number():
    network = nested_network()
    plain = run(network, 3).get_layer_data()
    observer = Collector(values_kept=1000)
    network.set_observer(observer)
    state = run(network, 3)
    assert_same_arrays(state.get_layer_data(), plain)
    events = observer.forward
    assert {event.mode for event in events} == {"step"}
    assert [event.step_count for event in events] == sorted(event.step_count for event in events)
    assert {event.step_count for event in events} == {0, 1, 2}
    last = [e for e in events if e.step_count == 2 and not e.stats.layer_path]
    for event in last:
        np.testing.assert_array_equal(event.output, plain[event.layer_idx + 1])
        assert len(event.input) == plain[event.layer_idx].size


def test_a_layer_alone_and_a_backward_step_are_told():
    network = nested_network()
    observer = Collector()
    network.set_observer(observer)
    state = run(network, network.total_layers())
    observer.forward.clear()
    network.step_forward_single(state, 0)
    assert {event.layer_idx for event in observer.forward} == {0}
    network.step_backward(state, np.ones(state.get_output().size))
    assert {event.mode for event in observer.backward} == {"step"}
    assert {e.step_count for e in observer.backward} == {network.total_layers() - 1}


def test_a_training_tick_by_tick_is_watched_every_n_ticks():
    network = nested_network()
    x = np.linspace(-1, 1, network.input_width())
    target = np.zeros(network.forward_cpu(x).size)
    observer = Collector()
    network.set_observer(observer, 3)
    network.train_with_stepping({}, lambda step: (x, target), 6)
    assert {event.step_count % 3 for event in observer.forward} == {0}
    assert {event.step_count % 3 for event in observer.backward} == {0}
    assert {event.mode for event in observer.forward} == {"step"}
