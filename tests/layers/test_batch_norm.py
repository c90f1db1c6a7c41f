"""BatchNorm: PyTorch's numbers, what moves the running statistics, and what leaves them alone."""

import json

import numpy as np
import pytest

import loom_core
from loom_core import (
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Network,
    NonFiniteError,
    Parallel,
    RecordingObserver,
    Sequential,
    ShapeError,
    Softmax,
    SpecError,
    Tensor,
)
from loom_core.generic.network_training import generic_train_step
from loom_core.model_io.weights import encode_weights
from loom_core.telemetry.blueprint import extract_model
from tests.support import webgpu_support
from tests.support.fixture_files import FIXTURES
from tests.support.simd_support import backend
from tests.support.tolerances import CURVE, NETWORK, assert_close

TORCH = np.load(FIXTURES / "torch_batch_norm.npz")
BACKENDS = {"numpy": lambda: "numpy", "simd": backend, "webgpu": webgpu_support.backend}
STATISTICS = ("running_mean", "running_variance")
rng = np.random.default_rng(4)
X = (rng.standard_normal((6, 5)) * 2 + 3).astype(np.float32)
T = rng.uniform(-1, 1, (6, 2)).astype(np.float32)
BATCH = [{"Input": X, "Target": T}]

pytestmark = pytest.mark.usefixtures("one_device")


def network_of(*layers, runs="numpy", width=5):
    network = Network.of(*layers, input_size=width, seed=3, backend=runs)
    network.initialize_weights()
    return network


def small(runs="numpy", **settings):
    return network_of(
        Dense(4, "tanh", input_size=5), BatchNorm(**settings), Dense(2, "linear"), runs=runs
    )


def statistics_of(network, index=1):
    weights = network.get_layer(0, 0, index).copied_weights()
    return np.concatenate([weights[name] for name in STATISTICS])


PLACES = [(0, ("kernel", "bias")), (1, ("gain", "bias")), (3, ("kernel", "bias"))]
"""Where PyTorch's parameters belong, in its order: layer and weights."""


def recorded(name, runs):
    """The network that PyTorch trained, with its first weights."""
    if name == "features":
        layers = [Dense(9, "linear"), BatchNorm()]
    else:
        image = {"input_channels": 2, "input_height": 4, "input_width": 5}
        layers = [Conv2D(5, 3, 1, 1, "linear", **image), BatchNorm(epsilon=1e-3, momentum=0.3)]
    layers += [Dense(activation="tanh"), Dense(2, "linear")]
    network = network_of(*layers, runs=runs, width=TORCH[f"{name}/x"].shape[1])
    for (index, weight), values in parameters(name, "w").items():
        network.layers[index].set_weights({weight: values})
    return network


def parameters(name, kind):
    """PyTorch's parameters of a kind by layer and weight."""
    found = [(index, weight) for index, names in PLACES for weight in names]
    return {place: TORCH[f"{name}/{kind}{number}"] for number, place in enumerate(found)}


@pytest.mark.parametrize("runs", BACKENDS)
@pytest.mark.parametrize("name", ["features", "channels"])
def test_training_equals_pytorchs(name, runs):
    """Losses, running statistics after each epoch, weights, and evaluation by them."""
    network = recorded(name, BACKENDS[runs]())
    x, t = (TORCH[f"{name}/{part}"].astype(np.float32) for part in "xt")
    batches = [{"Input": x[i : i + 8], "Target": t[i : i + 8]} for i in (0, 8, 16)]
    config = {"LearningRate": 0.05, "Optimizer": {"Type": "sgd", "Momentum": 0.9}}
    for epoch in range(4):
        found = network.train(batches, {**config, "Epochs": epoch + 1})
        config = {"LearningRate": 0.05, "ResumeFrom": network.save_training_state()}
        weights = network.get_layer(0, 0, 1).copied_weights()
        for statistic in STATISTICS:
            expected = TORCH[f"{name}/{statistic}"][3 * epoch + 2]
            assert_close(weights[statistic], expected, NETWORK, statistic)
    losses = TORCH[f"{name}/losses"].reshape(4, 3).mean(axis=1)
    np.testing.assert_allclose(found.loss_history, losses, rtol=10 * CURVE)
    for (index, weight), expected in parameters(name, "trained").items():
        array = network.get_layer(0, 0, index).copied_weights()[weight]
        assert np.abs(array - expected).max() < NETWORK, f"{weight} of layer {index}"
    y = network.forward_cpu(x[:5]).reshape(5, 2)
    assert_close(y, TORCH[f"{name}/output"], NETWORK, "output")
    dx = network.backward_cpu(np.ones(10, np.float32)).reshape(5, -1)
    assert_close(dx, TORCH[f"{name}/input_gradient"], NETWORK, "gradient")


def test_one_step_moves_the_statistics_by_the_formula():
    """Two batches of a layer alone, whose mean and variance are known."""
    network = network_of(BatchNorm(momentum=0.25), Dense(2, "linear"))
    mean, variance = np.zeros(5), np.ones(5)
    for x in (X, 2 * X - 1):
        network.train([{"Input": x, "Target": T}], {"Epochs": 1})
        mean += 0.25 * (x.mean(axis=0) - mean)
        variance += 0.25 * (x.var(axis=0, ddof=1) - variance)
        np.testing.assert_allclose(
            statistics_of(network, 0), np.concatenate([mean, variance]), rtol=1e-5
        )


def test_evaluation_goes_by_the_running_statistics_and_leaves_them():
    network = network_of(BatchNorm(epsilon=0.5))
    mean, variance = rng.uniform(-2, 2, 5), rng.uniform(0, 2, 5)
    gain, bias = rng.uniform(-2, 2, 5), rng.uniform(-2, 2, 5)
    network.layers[0].set_weights(
        {"running_mean": mean, "running_variance": variance, "gain": gain, "bias": bias}
    )
    before = statistics_of(network, 0)
    expected = gain * (X - mean) / np.sqrt(variance + 0.5) + bias
    np.testing.assert_allclose(network.forward_cpu(X).reshape(6, 5), expected, rtol=1e-4, atol=1e-5)
    dx = network.backward_cpu(np.ones(30, np.float32)).reshape(6, 5)
    np.testing.assert_allclose(dx, np.tile(gain / np.sqrt(variance + 0.5), (6, 1)), rtol=1e-5)
    (dg,) = network.kernel_gradients()
    np.testing.assert_allclose(dg, ((X - mean) / np.sqrt(variance + 0.5)).sum(axis=0), rtol=1e-4)
    network.apply_gradients(0.1)
    np.testing.assert_array_equal(statistics_of(network, 0), before)


@pytest.mark.parametrize("optimizer", ["sgd", {"Type": "adamw", "WeightDecay": 0.5}])
@pytest.mark.parametrize("runs", BACKENDS)
def test_a_step_that_is_refused_moves_nothing(runs, optimizer):
    network = small(BACKENDS[runs]())
    network.train(BATCH, {"Epochs": 2, "Optimizer": optimizer})
    before = statistics_of(network)
    assert not np.array_equal(before, statistics_of(small()))
    network.set_optimizer(None)
    with pytest.raises(NonFiniteError):  # squares beyond float32
        network.train([{"Input": X, "Target": T + 1e25}], {"Epochs": 1})
    np.testing.assert_array_equal(statistics_of(network), before)


@pytest.mark.parametrize("runs", BACKENDS)
def test_clipping_and_weight_decay_leave_the_statistics_alone(runs):
    plain, clipped = (small(BACKENDS[runs]()) for _ in range(2))
    plain.train(BATCH, {"Epochs": 1})
    settings = {"Optimizer": {"Type": "sgd", "WeightDecay": 0.9}, "GradientClip": 1e-3}
    clipped.train(BATCH, {"Epochs": 1, **settings})
    np.testing.assert_array_equal(statistics_of(plain), statistics_of(clipped))


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("runs", BACKENDS)
def test_a_frozen_layer_goes_by_its_statistics_and_keeps_them(runs, inside):
    norm = BatchNorm(frozen=not inside)
    held = Sequential([Parallel([norm])], frozen=True) if inside else norm
    network = network_of(held, Dense(2, "linear", input_size=5), runs=BACKENDS[runs]())
    norm.set_weights({"running_mean": X.mean(axis=0) + 1, "running_variance": [2] * 5})
    before = norm.copied_weights()
    y = network.forward_cpu(X).reshape(6, 2)
    found = network.train([{"Input": X[:1], "Target": T[:1]}], {"Epochs": 1})
    np.testing.assert_allclose(found.loss_history, [np.mean((y[:1] - T[:1]) ** 2)], rtol=1e-4)
    network.get_layer(0, 0, 0)
    for name, values in norm.copied_weights().items():
        np.testing.assert_array_equal(values, before[name])
    norm.set_frozen(False)
    held.set_frozen(False)
    network.train(BATCH, {"Epochs": 1})
    network.get_layer(0, 0, 0)
    assert not np.array_equal(norm.copied_weights()["running_mean"], before["running_mean"])


@pytest.mark.parametrize("runs", BACKENDS)
def test_a_single_number_a_channel_is_refused_before_anything_changes(runs):
    def trained(*layers, width=5):
        network = network_of(*layers, Dense(2, "linear"), runs=BACKENDS[runs](), width=width)
        before = encode_weights(network.layers, "compact", "float32")
        inputs = rng.standard_normal((5, width))
        data = {"Inputs": inputs, "Targets": T[:5], "BatchSize": 2}  # the last batch holds one
        try:
            network.train(data, {"Epochs": 1})
        finally:
            assert (before == encode_weights(network.layers, "compact", "float32")) == failed

    failed = True
    for layers, place in (
        ([BatchNorm()], "layer 0 batch_norm: "),
        ([Dense(5), Parallel([BatchNorm()])], "layer 1 parallel: child 0 batch_norm: "),
    ):
        with pytest.raises(ShapeError, match=place + "batch_norm cannot train on a batch of one"):
            trained(*layers)
    failed = False
    trained(Conv1D(2, 2), BatchNorm(2))  # one sample, but four places


def test_generic_steps_track_the_statistics_too():
    network, other = small(), small()
    network.train(BATCH, {"Epochs": 1, "LearningRate": 0.1})
    generic_train_step(other, Tensor(X), Tensor(T), 0.1)
    np.testing.assert_allclose(statistics_of(other), statistics_of(network), rtol=1e-5)
    with pytest.raises(NonFiniteError), np.errstate(over="ignore", invalid="ignore"):
        generic_train_step(other, Tensor(X), Tensor(T + np.float32(1e25)), 0.1)
    np.testing.assert_allclose(statistics_of(other), statistics_of(network), rtol=1e-5)
    with pytest.raises(ShapeError, match="layer 1 batch_norm: batch_norm cannot train on a batch"):
        generic_train_step(other, Tensor(X[:1]), Tensor(T[:1]), 0.1)
    whole = small()
    generic_train_step(whole, Tensor(X.astype(np.float64)), Tensor(T.astype(np.float64)), 0.1)
    np.testing.assert_allclose(statistics_of(whole), statistics_of(network), rtol=1e-5)


def test_step_execution_goes_by_the_running_statistics():
    network = small()
    network.train(BATCH, {"Epochs": 3})
    before = statistics_of(network)
    gain = network.layers[1].copied_weights()["gain"]
    state = network.init_step_state(5)
    state.set_input(X[0])
    for _ in range(3):
        network.step_forward(state)
    np.testing.assert_allclose(state.get_output(), network.forward_cpu(X[0]), rtol=1e-6)
    network.train_with_stepping({"learning_rate": 0.1}, lambda step: (X[step % 6], T[step % 6]), 20)
    np.testing.assert_array_equal(statistics_of(network), before)
    assert not np.array_equal(network.layers[1].weights["gain"], gain)


@pytest.mark.parametrize("runs", BACKENDS)
def test_observers_see_the_layer_and_change_no_number(runs):
    watched, alone = (small(BACKENDS[runs]()) for _ in range(2))
    watcher = RecordingObserver("batch norm")
    watched.set_observer(watcher)
    for network in (watched, alone):
        network.train(BATCH, {"Epochs": 3, "Optimizer": "adamw"})
    np.testing.assert_array_equal(statistics_of(watched), statistics_of(alone))
    seen = [event for event in watcher.get_events() if event.layer_idx == 1]
    assert {event.stats.layer_type for event in seen} == {"BatchNorm"}
    forward = next(event for event in seen if event.type == "forward")
    assert forward.stats.output_shape == [6, 4]
    np.testing.assert_allclose(forward.stats.output_mean, 0, atol=1e-5)
    np.testing.assert_allclose(forward.stats.output_std, 1, rtol=0.05)
    np.testing.assert_allclose(forward.stats.weight_norm, 2, rtol=0.2)  # of the gain alone
    assert any(event.type == "backward" for event in seen)


def test_statistics_are_saved_and_count_as_no_parameters():
    network = small(momentum=0.25, epsilon=0.125)
    network.train(BATCH, {"Epochs": 4})
    text = network.save_model_to_string("m")
    again = loom_core.load_model_from_string(text, "m")
    np.testing.assert_array_equal(statistics_of(again), statistics_of(network))
    np.testing.assert_array_equal(again.forward_cpu(X), network.forward_cpu(X))
    assert again.layers[1].settings() == {
        "type": "batch_norm", "num_features": 4, "epsilon": 0.125, "momentum": 0.25,
    }  # fmt: skip
    assert network.get_total_parameters() == (5 * 4 + 4) + 2 * 4 + (4 * 2 + 2)
    blueprint = extract_model(network, "m")
    assert (blueprint.layers[1].type, blueprint.layers[1].parameters) == ("BatchNorm", 8)
    with pytest.raises(SpecError, match=r"layer 1 batch_norm: Loom v0\.0\.7 has no layer type"):
        network.save_model_to_string("m", "loom")


def test_files_with_wrong_statistics_are_refused():
    network = small()
    model = json.loads(network.save_model_to_string("m"))
    short = json.loads(json.dumps(model))
    short["models"][0]["weights"]["tensors"][4]["shape"] = [3]
    with pytest.raises(loom_core.ModelFormatError, match="running_mean needs the shape"):
        loom_core.load_model_from_string(json.dumps(short), "m")
    network.layers[1]._weights["running_variance"][2] = -1e-3
    with pytest.raises(SpecError, match="running_variance of batch_norm must not be negative"):
        loom_core.load_model_from_string(network.save_model_to_string("m"), "m")
    other = small()
    with pytest.raises(SpecError, match="must not be negative"):
        other.layers[1].set_weights({"gain": [3] * 4, "running_variance": [1, 1, -1, 1]})
    np.testing.assert_array_equal(other.layers[1].weights["gain"], np.ones(4))


def test_a_training_state_with_a_negative_variance_changes_nothing():
    network = small()
    network.train(BATCH, {"Epochs": 1})
    network.layers[1]._weights["running_variance"][0] = -1
    state = network.save_training_state()
    other = small()
    before = statistics_of(other)
    with pytest.raises(SpecError, match="must not be negative"):
        other.train(BATCH, {"Epochs": 2, "ResumeFrom": state})
    np.testing.assert_array_equal(statistics_of(other), before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_features": 0}, "num_features"),
        ({"epsilon": 0}, "epsilon"),
        ({"epsilon": float("nan")}, "epsilon"),
        ({"momentum": 0}, "momentum"),
        ({"momentum": 1.5}, "momentum must be at most 1"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(SpecError, match=message):
        BatchNorm(**settings)


def test_a_first_layer_says_how_many_numbers_a_sample_holds():
    norm = {"type": "batch_norm", "num_features": 5}
    for described in ([norm], [{"type": "dropout"}, norm]):
        network = loom_core.build_network_from_json(json.dumps({"layers": described}))
        assert network.get_network_info()["InputSize"] == 5
        assert network.forward_cpu(X.reshape(-1)).shape == (30,)
        with pytest.raises(ShapeError, match="has 6 numbers, expected a multiple of 5"):
            network.forward_cpu(np.ones(6, np.float32))


def test_channels_are_found_or_asked_for():
    image = {"input_channels": 2, "input_height": 4, "input_width": 5}
    for layers, width, features in (
        ([BatchNorm()], 5, 5),
        ([Conv2D(3, 2, **image), BatchNorm()], 40, 3),
        ([Conv1D(3, 2, input_channels=2), BatchNorm(3)], 10, 3),
    ):
        assert network_of(*layers, width=width).layers[-1].num_features == features
    with pytest.raises(ShapeError, match="layer 1 batch_norm: batch_norm needs num_features"):
        network_of(Conv1D(3, 2, input_channels=2), BatchNorm(), width=10)
    with pytest.raises(ShapeError, match=r"expects 4 .* shape \(3, 4\)"):
        network_of(Conv1D(3, 2, input_channels=2), BatchNorm(4), width=10)
    with pytest.raises(ShapeError, match="expects 4 features or channels"):
        network_of(Dense(5), BatchNorm(4))


def test_a_description_makes_one():
    layers = [
        {"type": "dense", "input_size": 5, "output_size": 4},
        {"type": "batch_norm", "momentum": 0.5},
        {"type": "softmax"},
    ]
    network = loom_core.build_network_from_json(json.dumps({"layers": layers}))
    assert (network.layers[1].momentum, network.layers[1].epsilon) == (0.5, 1e-5)
    assert isinstance(network.layers[2], Softmax)
    layers[1]["epsilon"] = 0
    with pytest.raises(SpecError, match=r"cell \(0, 0\) layer 1: epsilon must be"):
        loom_core.build_network_from_json(json.dumps({"layers": layers}))
