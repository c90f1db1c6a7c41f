"""Layers as pairs of functions on tensors, with inputs to try them on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from loom_core import generic as g

Tensors = Mapping[str, g.Tensor]


@dataclass
class Case:
    """One pair.

    Args:
        shapes: Of each tensor that goes in.
        forward: Gives the output and what else backward wants.
        backward: From the output's gradient, the tensors and that, gradients by tensor name.
    """

    shapes: dict[str, tuple[int, ...]]
    forward: Callable[[Tensors], tuple[g.Tensor, Any]]
    backward: Callable[[g.Tensor, Tensors, Any], dict[str, g.Tensor]]


def kernel_case(shapes, forward, backward, sizes, activation):
    """A layer with a kernel, a bias and an activation."""

    def run(t):
        found = forward(t["input"], t["kernel"], t["bias"], *sizes, activation)
        return found.post_activation, found.pre_activation

    def back(dy, t, pre):
        found = backward(dy, t["input"], pre, t["kernel"], *sizes, activation)
        return {
            "input": found.grad_input,
            "kernel": found.kernel_grads,
            "bias": found.bias_grads,
        }

    return Case(shapes, run, back)


def dense(batch, inputs, outputs, activation):
    shapes = {"input": (batch, inputs), "kernel": (inputs, outputs), "bias": (outputs,)}
    sizes = (inputs, outputs, batch)
    return kernel_case(shapes, g.dense_forward, g.dense_backward, sizes, activation)


def conv2d(stride, padding, activation):
    shapes = {"input": (2, 2, 5, 4), "kernel": (3, 2, 3, 3), "bias": (3,)}
    u, v = ((size + 2 * padding - 3) // stride + 1 for size in (5, 4))
    sizes = (5, 4, 2, 3, stride, padding, 3, u, v, 2)
    return kernel_case(shapes, g.conv2d_forward, g.conv2d_backward, sizes, activation)


def conv1d(activation):
    shapes = {"input": (2, 2, 7), "kernel": (3, 2, 3), "bias": (3,)}
    sizes = (7, 2, 3, 2, 1, 3, 2)
    return kernel_case(shapes, g.conv1d_forward, g.conv1d_backward, sizes, activation)


def rnn(batch, steps, inputs, hidden):
    sizes = (batch, steps, inputs, hidden)
    names = ("input", "w", "u", "b")
    shapes = dict(
        zip(names, [(batch, steps, inputs), (hidden, inputs), (hidden, hidden), (hidden,)],
            strict=True)
    )  # fmt: skip

    def run(t):
        found = g.rnn_forward(t["input"], t["w"], t["u"], t["b"], *sizes)
        return found.output, found.hidden_states

    def back(dy, t, states):
        found = g.rnn_backward(dy, t["input"], states, t["w"], t["u"], *sizes)
        gradients = (getattr(found, f.name) for f in fields(found))
        return dict(zip(names, gradients, strict=True))

    return Case(shapes, run, back)


def lstm(batch, steps, inputs, hidden):
    sizes = (batch, steps, inputs, hidden)
    kinds = {"weight_ih": (hidden, inputs), "weight_hh": (hidden, hidden), "bias_h": (hidden,)}
    shapes = {f.name: kinds[f.name[:-2]] for f in fields(g.LSTMWeights)}

    def weights(t):
        return g.LSTMWeights(**{name: t[name] for name in shapes})

    def run(t):
        found = g.lstm_forward(t["input"], weights(t), *sizes)
        return found.output, {"hidden": found.hidden, "cell": found.cell, **found.gates}

    def back(dy, t, states):
        found = g.lstm_backward(dy, t["input"], states, weights(t), *sizes)
        return {"input": found.grad_input, **vars(found.grad_weights)}

    return Case({"input": (batch, steps, inputs), **shapes}, run, back)


def attention(heads, groups, head_dim, theta, causal, shape):
    width = shape[-1]
    wide, narrow = heads * head_dim, groups * head_dim
    shapes = {
        "q_weights": (width, wide), "k_weights": (width, narrow), "v_weights": (width, narrow),
        "output_weight": (wide, width), "q_bias": (wide,), "k_bias": (narrow,),
        "v_bias": (narrow,), "output_bias": (width,),
    }  # fmt: skip

    def weights(t):
        tensors = {name: t[name] for name in shapes}
        return g.AttentionWeights(
            d_model=width, num_heads=heads, num_kv_heads=groups, head_dim=head_dim, **tensors
        )

    def run(t):
        return g.multi_head_attention_forward(t["input"], weights(t), theta, causal), None

    def back(dy, t, _):
        found = g.multi_head_attention_backward(dy, t["input"], weights(t), theta, causal)
        return {"input": found.grad_input, **vars(found.grad_weights)}

    return Case({"input": shape, **shapes}, run, back)


def layer_norm():
    shapes = {"input": (2, 6), "residual": (2, 6), "gamma": (3,), "beta": (3,)}

    def run(t):
        return g.layer_norm_forward(
            t["input"], t["residual"], t["gamma"], t["beta"], 3, 2, 0.01
        ), None

    def back(dy, t, _):
        found = g.layer_norm_backward(
            t["input"], t["residual"], dy, t["gamma"], t["beta"], 3, 2, 0.01
        )
        return {
            "input": found.grad_input, "residual": found.grad_input,
            "gamma": found.grad_gamma, "beta": found.grad_beta,
        }  # fmt: skip

    return Case(shapes, run, back)


def rms_norm():
    def run(t):
        return g.rms_norm_forward(t["input"], t["residual"], t["gamma"], 4, 0.01), None

    def back(dy, t, _):
        found = g.rms_norm_backward(t["input"], t["residual"], dy, t["gamma"], 4, 3, 0.01)
        assert found.grad_beta is None
        return {
            "input": found.grad_input, "residual": found.grad_input, "gamma": found.grad_gamma
        }  # fmt: skip

    return Case({"input": (3, 4), "residual": (3, 4), "gamma": (4,)}, run, back)


def swiglu(tokens, width, middle):
    shapes = {
        "gate": (width, middle), "up": (width, middle), "down": (middle, width),
        "gate_bias": (middle,), "up_bias": (middle,), "down_bias": (width,),
    }  # fmt: skip

    def run(t):
        weights = [t[name] for name in shapes]
        return g.swiglu_forward(t["input"], *weights, width, middle, tokens), None

    def back(dy, t, _):
        weights = [t[name] for name in shapes]
        found = g.swiglu_backward(t["input"], dy, *weights, width, middle, tokens)
        gradients = (getattr(found, f.name) for f in fields(found))
        return dict(zip(("input", *shapes), gradients, strict=True))

    return Case({"input": (tokens, width), **shapes}, run, back)


def embedding():
    ids = g.Tensor(np.array([1, 0, 2, 1, 9], np.int32))

    def run(t):
        return g.embedding_forward(ids, t["table"], 3, 2), None

    def back(dy, t, _):
        return {"table": g.embedding_backward(dy, ids, 3, 2)}

    return Case({"table": (3, 2)}, run, back)


def residual():
    def run(t):
        return g.residual_forward(t["input"], t["skip"]), None

    def back(dy, t, _):
        found = g.residual_backward(dy)
        return {"input": found.grad_input, "skip": found.grad_skip}

    return Case({"input": (2, 3), "skip": (2, 3)}, run, back)


def softmax(shape, temperature, grid=()):
    def run(t):
        function = g.apply_softmax_grid if grid else g.apply_softmax
        y = function(t["input"], *grid, temperature)
        return y, y

    def back(dy, t, y):
        rows, cols = grid or (0, 0)
        return {"input": g.softmax_backward(dy, y, rows, cols, temperature)}

    return Case({"input": shape}, run, back)


def activation(name):
    def run(t):
        return g.activate_tensor(t["input"], name), None

    def back(dy, t, _):
        slope = g.activate_derivative_tensor(t["input"], name)
        product = dy.values * slope.values
        return {"input": g.Tensor(product)} if dy.dtype == "float64" else {}

    return Case({"input": (2, 5)}, run, back)
