"""Networks that run tick by tick on tensors of every numeric type."""

import numpy as np
import pytest

from loom_core import Dense, LimitError, ShapeError, SpecError, generic as g
from tests.support.generic_networks import mixed, network, samples


def tensor(x, dtype):
    return g.convert_tensor_float32_to_t(g.Tensor(np.abs(x)), dtype)


@pytest.mark.parametrize("dtype", g.DTYPES)
def test_each_input_comes_out_as_the_forward_pass_gives_it(dtype):
    net = mixed()
    depth = net.total_layers()
    state = g.new_generic_step_state(depth, 16, dtype)
    inputs = [tensor(samples(2, seed=seed), dtype) for seed in range(depth + 2)]
    for tick, x in enumerate(inputs):
        state.set_input(x)
        assert g.step_forward_generic(net, state) > 0
        assert state.get_step_count() == tick + 1
        if tick + 1 < depth:
            continue
        forward = g.generic_forward_pass(net, inputs[tick + 1 - depth])
        np.testing.assert_array_equal(state.get_output().array, forward.output.array)
        weights = tensor(samples(2, 3, seed=5), dtype)
        found = g.step_backward_generic(net, state, weights)
        expected = g.generic_backward_pass(net, weights, forward.activations)
        np.testing.assert_array_equal(
            found.grad_input.array.ravel(), expected.grad_input.array.ravel()
        )
        for part in ("kernel_grads", "bias_grads"):
            for a, b in zip(getattr(found, part), getattr(expected, part), strict=True):
                assert a.keys() == b.keys()
                assert all(np.array_equal(a[key].array, b[key].array) for key in a)


def test_a_value_flows_one_layer_a_tick():
    layers = [Dense(1, "linear", input_size=1) for _ in range(2)]
    for layer in layers:
        layer.set_weights({"kernel": [2.0], "bias": [0.0]})
    net = network(*layers)
    state = g.new_generic_step_state(2, 1, "int16", 0.5)
    state.set_input(g.Tensor(np.array([3], np.int16), scale=1.0))
    for expected in ([3.0, 6.0, 0.0], [3.0, 6.0, 12.0]):
        g.step_forward_generic(net, state)
        assert [float(state.get_layer_output(k).values[0, 0]) for k in range(3)] == expected
    assert state.get_output().array[0, 0] == 24  # steps of a half
    assert state.get_output().dtype == "int16"


def test_before_anything_came_through_the_gradients_are_zero():
    net = mixed()
    state = g.new_generic_step_state(net.total_layers(), 8, "float64")
    g.step_forward_generic(net, state)
    found = g.step_backward_generic(net, state, g.Tensor(np.ones(3)))
    assert not found.grad_input.array.any()
    assert sorted(found.kernel_grads[0]) == ["kernel"]
    assert not found.kernel_grads[0]["kernel"].array.any()


def test_disabled_layers_pass_on():
    net = network(Dense(2, input_size=2, disabled=True), inputs=2)
    state = g.new_generic_step_state(1, 2)
    state.set_input(g.Tensor(np.array([1.0, 2.0], np.float32)))
    g.step_forward_generic(net, state)
    np.testing.assert_array_equal(state.get_output().array, [[1.0, 2.0]])


def test_wrong_arguments_are_typed_errors(monkeypatch):
    net = mixed()
    state = g.new_generic_step_state(net.total_layers(), 8)
    with pytest.raises(SpecError, match="no values yet"):
        state.get_output()
    with pytest.raises(SpecError, match="the input is float64, the step state float32"):
        state.set_input(g.Tensor(np.zeros(8)))
    with pytest.raises(ShapeError, match="has 9 numbers, the step state was made for 8"):
        state.set_input(g.Tensor(np.zeros(9, np.float32)))
    with pytest.raises(SpecError, match="the backend is for int8"):
        g.step_forward_generic(net, state, g.new_cpu_backend("int8"))
    with pytest.raises(SpecError, match="StepForwardGeneric: state must be a GenericStepState"):
        g.step_forward_generic(net, None)
    with pytest.raises(SpecError, match="StepBackwardGeneric: gradOutput must be a Tensor"):
        g.step_backward_generic(net, state, [1.0])
    with pytest.raises(ShapeError, match="StepForwardGeneric: the step state is one of 1 layers"):
        g.step_forward_generic(net, g.new_generic_step_state(1, 8))
    with pytest.raises(ShapeError, match="expected a multiple of 8"):
        g.step_forward_generic(net, g.new_generic_step_state(net.total_layers(), 9))
    g.step_forward_generic(net, state)
    with pytest.raises(SpecError, match="no place 10"):
        state.get_layer_output(10)
    with pytest.raises(SpecError, match="total_layers"):
        g.new_generic_step_state(0, 8)
    with pytest.raises(SpecError, match="input_size"):
        g.new_generic_step_state(1, 0)
    monkeypatch.setattr("loom_core.limits.PLAN_BYTES", 100)
    with pytest.raises(LimitError, match="step state's input"):
        g.new_generic_step_state(1, 100)
