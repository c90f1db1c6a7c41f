"""Optimizer objects: names, settings, hyper numbers, and state that survives saving."""

import inspect
import json
import math
from dataclasses import fields
from typing import get_args

import numpy as np
import pytest

from loom_core import (
    AdamWOptimizer,
    BusyError,
    Dense,
    LayerNorm,
    ModelFormatError,
    Network,
    NonFiniteError,
    RMSpropOptimizer,
    SGDOptimizer,
    ShapeError,
    SpecError,
)
from loom_core.graph.ops.updates import HYPER
from loom_core.model_io.base64_text import encode_base64
from loom_core.optimize.optimizer_config import OptimizerSettings, make_optimizer
from loom_core.optimize.optimizers import OPTIMIZERS, OptimizerName
from loom_core.public import FUNCTIONS
from tests.support.weights import assert_same_arrays, copied_weights

CLASSES = list(dict.fromkeys(OPTIMIZERS.values()))

MAKERS = {
    **{kind().name(): kind for kind in CLASSES},
    "SGD (momentum)": lambda: SGDOptimizer(0.9, 0.1),
    "SGD (Nesterov momentum)": lambda: SGDOptimizer(0.9, 0.0, True),
    "RMSprop (momentum)": lambda: RMSpropOptimizer(0.9, 1e-6, 0.5, weight_decay=0.1),
}


def small_network(backend="numpy"):
    return Network.of(
        Dense(5, "tanh"), LayerNorm(5), Dense(2, "linear"), input_size=3, seed=4, backend=backend
    )


def one_step(network, optimizer, step, rate=0.1):
    x = np.random.default_rng(step).standard_normal((4, 3)).astype(np.float32)
    network.backward_cpu(network.forward_cpu(x))
    optimizer.step(network, rate)


@pytest.mark.parametrize("name", MAKERS)
def test_names_are_looms(name):
    assert MAKERS[name]().name() == name


def test_names_in_configs_are_those_of_the_classes():
    assert get_args(OptimizerName) == tuple(OPTIMIZERS)
    for name, kind in OPTIMIZERS.items():
        implied = kind.aliases.get(name, {})
        assert make_optimizer(name).settings() == kind(**implied).settings()


def test_configs_have_the_settings_of_all_optimizers_and_no_others():
    settings = {name for kind in CLASSES for name in kind.setting_names}
    assert {field.name for field in fields(OptimizerSettings)} == settings


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_settings_are_kept_under_the_names_of_the_constructor(kind):
    made = kind()
    for name, parameter in inspect.signature(kind).parameters.items():
        assert getattr(made, name) == parameter.default, name


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_javascript_can_make_each_optimizer(kind):
    makers = [make for name, make in FUNCTIONS.items() if name.startswith(f"New{kind.__name__}")]
    assert makers
    for make in makers:
        asked = [*inspect.signature(make).parameters]
        assert asked == [*kind.setting_names[: len(asked)]]


@pytest.mark.parametrize("through_json", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_a_saved_optimizer_goes_on_as_if_nothing_had_happened(name, through_json):
    straight, broken = small_network(), small_network()
    first, second = MAKERS[name](), MAKERS[name]()
    for step in range(6):
        one_step(straight, first, step)
    for step in range(3):
        one_step(broken, second, step)
    state = second.get_state()
    if through_json:
        state = json.loads(json.dumps(state))
    fresh = type(second)()
    fresh.load_state(state)
    assert fresh.get_state() == second.get_state()
    for step in range(3, 6):
        one_step(broken, fresh, step)
    assert_same_arrays(copied_weights(straight), copied_weights(broken))
    assert first.get_state() == fresh.get_state()


def test_loading_into_an_optimizer_in_use_takes_effect():
    network, optimizer = small_network(), AdamWOptimizer()
    one_step(network, optimizer, 0)
    saved, weights = optimizer.get_state(), [layer.copied_weights() for layer in network.layers]
    one_step(network, optimizer, 1)
    after = copied_weights(network)
    for layer, values in zip(network.layers, weights, strict=True):
        layer.set_weights(values)
    optimizer.load_state(saved)
    one_step(network, optimizer, 1)
    assert_same_arrays(after, copied_weights(network))


def test_reset_forgets_everything_but_the_settings():
    network, optimizer = small_network(), SGDOptimizer(0.9, 0.5)
    network.initialize_weights()
    before = [layer.copied_weights() for layer in network.layers]
    one_step(network, optimizer, 0)
    once = copied_weights(network)
    one_step(network, optimizer, 1)
    optimizer.reset()
    assert optimizer.get_state()["step"] == 0
    for layer, values in zip(network.layers, before, strict=True):
        layer.set_weights(values)
    network.zero_gradients()
    one_step(network, optimizer, 0)
    assert_same_arrays(once, copied_weights(network))


def test_running_means_of_one_network_are_refused_to_another():
    first, second, optimizer = small_network(), small_network(), AdamWOptimizer()
    one_step(first, optimizer, 0)
    second.initialize_weights()
    state, weights = optimizer.get_state(), copied_weights(second)
    with pytest.raises(SpecError, match="another network"):
        one_step(second, optimizer, 1)
    config = {"Optimizer": optimizer, "Epochs": 1}
    with pytest.raises(SpecError, match="another network"):
        second.train([{"Input": [1, 2, 3], "Target": [0, 1]}], config)
    assert optimizer.get_state() == state
    assert_same_arrays(weights, copied_weights(second))
    one_step(first, optimizer, 1)
    optimizer.load_state(state)  # of whichever network: what is loaded is wanted here
    one_step(second, optimizer, 1)
    sgd = SGDOptimizer()  # has no state that could be mixed up
    one_step(first, sgd, 2)
    one_step(second, sgd, 2)


def test_weight_decay_pulls_on_matrices_only():
    network = small_network()
    network.initialize_weights()
    before = [layer.copied_weights() for layer in network.layers]
    network.forward_cpu(np.ones((1, 3), np.float32))
    network.backward_cpu(np.zeros((1, 2), np.float32))
    AdamWOptimizer(weight_decay=0.5).step(network, 0.1)
    for layer, held in zip(network.layers, before, strict=True):
        for name, old in held.items():
            factor = 1 - 0.1 * 0.5 if old.ndim == 2 else 1.0
            np.testing.assert_allclose(layer.weights[name], factor * old, rtol=1e-6)


def test_hyper_numbers_stand_where_the_ops_read_them():
    row = AdamWOptimizer(0.8, 0.9, 1e-4, 0.03).hyper(2, 0.5)
    assert dict(zip(HYPER, row.tolist(), strict=True)) == pytest.approx(
        {
            "rate": 0.5,
            "momentum": 0.0,
            "fresh": 0.2,
            "fresh_squares": 0.1,
            "decay": 0.03,
            "epsilon": 1e-4,
            "mean_correction": 1 / (1 - 0.8**2),
            "root_correction": 1 / math.sqrt(1 - 0.9**2),
        }
    )
    rows = SGDOptimizer(0.9, 0.25).hyper_rows(1, np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(rows[:, 0], [0.1, 0.2, 0.3])
    np.testing.assert_allclose(rows[:, 2], [1.0, 0.75, 0.75])


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_gradient_that_is_not_finite_changes_nothing_and_names_its_layer(kind):
    network, optimizer = small_network(), kind()
    one_step(network, optimizer, 0)
    before, state = copied_weights(network), optimizer.get_state()
    network.forward_cpu(np.ones((1, 3), np.float32))
    with np.errstate(all="ignore"):
        network.backward_cpu(np.array([[0.0, np.inf]], np.float32))
    with pytest.raises(NonFiniteError, match=r"cell \(0, 0\) layer 2 dense kernel"):
        optimizer.step(network, 0.1)
    assert_same_arrays(before, copied_weights(network))
    assert optimizer.get_state() == state
    network.zero_gradients()
    one_step(network, optimizer, 1)  # it goes on


def test_a_training_network_refuses_a_step():
    network = small_network()
    with network.control.training(), pytest.raises(BusyError):
        SGDOptimizer().step(network, 0.1)


STATE = {"type": "adamw", "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "weight_decay": 0.0}
ONE = encode_base64(np.ones(15, "<f4").tobytes())
BAD = encode_base64(np.array([np.nan] * 15, "<f4").tobytes())


def moments(m, v=ONE):
    return {**STATE, "step": 1, "moments": {"0.kernel": {"m": m, "v": v}}}


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([], ModelFormatError, "must be an object, got a list"),
        ({**STATE, "type": "sgd"}, SpecError, "of type 'sgd', not of 'adamw'"),
        ({"type": "adamw"}, ModelFormatError, "lacks beta1, beta2"),
        ({**STATE, "beta1": 1.0}, SpecError, "beta1 must be"),
        ({**STATE, "epsilon": 0}, SpecError, "epsilon must be"),
        ({**STATE, "beta2": "x"}, SpecError, "beta2 must be a number"),
        ({**STATE, "step": 3}, ModelFormatError, "a step but no moments"),
        ({**STATE, "step": -1}, ModelFormatError, "from 0 to"),
        ({**STATE, "step": 1.5}, ModelFormatError, "whole number"),
        ({**STATE, "step": True}, ModelFormatError, "whole number"),
        ({**STATE, "step": 1e300}, ModelFormatError, "from 0 to"),
        ({**STATE, "moments": []}, ModelFormatError, "are no object"),
        ({**STATE, "moments": {"0.kernel": {"m": ONE}}}, ModelFormatError, "must hold m, v"),
        ({**STATE, "moments": {"0.kernel": [1]}}, ModelFormatError, "must hold m, v"),
        (moments("?"), ModelFormatError, "not base64"),
        (moments("AAA="), ModelFormatError, "2 bytes"),
        (moments([0.0] * 15), ModelFormatError, "must be base64 text"),
        (moments(ONE, BAD), NonFiniteError, "0.kernel, v"),
        (moments(encode_base64(bytes(8))), ShapeError, "has 2 numbers, the weight 15"),
    ],
)
def test_a_wrong_state_is_refused_before_anything_changes(state, error, message):
    network, optimizer = small_network(), AdamWOptimizer()
    one_step(network, optimizer, 0)
    before = optimizer.get_state()
    with pytest.raises(error, match=message):
        optimizer.load_state(state)
    assert optimizer.get_state() == before


@pytest.mark.parametrize("name", MAKERS)
def test_a_mean_of_squares_below_0_is_refused(name):
    """Its root would be NaN, and so would the weights; the other means may have either sign."""
    optimizer, network = MAKERS[name](), small_network()
    for step in range(3):
        one_step(network, optimizer, step)
    state, names = optimizer.get_state(), optimizer.state_names
    arrays = {n: np.concatenate([a[n].ravel() for a in optimizer._state.values()]) for n in names}
    assert {n for n in names if arrays[n].min() >= 0} == optimizer.squares & set(names)
    place = next(iter(optimizer._state))
    for state_name in names:
        below = -np.abs(optimizer._state[place][state_name])
        moments = {**state["moments"][place], state_name: encode_base64(below.tobytes())}
        changed = {**state, "moments": {**state["moments"], place: moments}}
        if state_name in optimizer.squares:
            message = f"the state of weight {place}, {state_name} is a mean of squares, and holds -"
            with pytest.raises(ModelFormatError, match=message):
                MAKERS[name]().load_state(changed)
        else:
            MAKERS[name]().load_state(changed)


def test_state_of_another_size_is_found_when_it_meets_the_network():
    optimizer = AdamWOptimizer()
    two = encode_base64(np.ones(2, "<f4").tobytes())
    optimizer.load_state(moments(two, two))
    with pytest.raises(ShapeError, match="has 2 numbers, the weight 15"):
        one_step(small_network(), optimizer, 0)


def test_layers_of_other_sizes_need_a_reset():
    network, optimizer = small_network(), AdamWOptimizer()
    one_step(network, optimizer, 0)
    network.set_layer(0, 0, 0, Dense(5, "tanh", input_size=3))
    one_step(network, optimizer, 1)  # the same sizes: the state goes on
    for place, layer in enumerate(
        (Dense(4, "tanh", input_size=3), LayerNorm(4), Dense(2, "linear", input_size=4))
    ):
        network.set_layer(0, 0, place, layer)
    with pytest.raises(ShapeError, match="numbers, the weight"):
        one_step(network, optimizer, 2)
    optimizer.reset()
    one_step(network, optimizer, 2)


def test_settings_that_need_other_state_can_be_loaded():
    network, optimizer = small_network(), SGDOptimizer(0.9)
    one_step(network, optimizer, 0)
    optimizer.load_state(SGDOptimizer().get_state())
    one_step(network, optimizer, 1)
    again = SGDOptimizer()
    again.load_state(optimizer.get_state())
    assert again.get_state() == optimizer.get_state()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGDOptimizer(-0.1), "momentum must be"),
        (lambda: SGDOptimizer(0.9, 1.5), "dampening must be from 0 to 1"),
        (lambda: SGDOptimizer(0.0, 0.0, True), "needs a momentum"),
        (lambda: SGDOptimizer(0.9, 0.0, 1), "true or false"),
        (lambda: SGDOptimizer(math.inf), "momentum must be finite"),
        (lambda: SGDOptimizer(10**400), "momentum must be finite"),
        (lambda: AdamWOptimizer(weight_decay=1e308), "weight_decay must be finite"),
        (lambda: AdamWOptimizer(epsilon=1e-50), "epsilon must be finite, above 0"),
        (lambda: AdamWOptimizer(beta1=1.0), "beta1 must be"),
        (lambda: AdamWOptimizer(weight_decay=-1), "weight_decay must be"),
        (lambda: RMSpropOptimizer(alpha=1), "alpha must be"),
        (lambda: RMSpropOptimizer(epsilon=0.0), "epsilon must be finite, above 0"),
        (lambda: RMSpropOptimizer(momentum=True), "momentum must be a number"),
    ],
)
def test_settings_without_meaning_are_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()
