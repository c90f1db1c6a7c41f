"""Record what PyTorch computes for the layers that it has: outputs and gradients, float64.

Run by hand where PyTorch is installed: ``python tests/make_torch_fixtures.py``. The tests need only
the file that it writes. Weights are written in our layout.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

TARGET = Path(__file__).parent / "fixtures" / "torch_layers.npz"
torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
arrays: dict[str, np.ndarray] = {}


def record(name, x, y, weights):
    """Store a case: input, output, a weighting of the output, and every gradient."""
    weighting = torch.randn_like(y)
    (y * weighting).sum().backward()
    arrays[f"{name}/x"] = x.detach().numpy()
    arrays[f"{name}/dx"] = x.grad.numpy()
    arrays[f"{name}/y"] = y.detach().numpy()
    arrays[f"{name}/dy"] = weighting.numpy()
    for key, (value, gradient) in weights.items():
        arrays[f"{name}/w/{key}"] = value.detach().numpy()
        arrays[f"{name}/dw/{key}"] = gradient.numpy()


def leaf(*shape):
    return torch.randn(*shape, requires_grad=True)


def pair(tensor, change=lambda t: t):
    return change(tensor), change(tensor.grad)


class Lazily(dict):
    """Weights whose gradients exist only after the backward pass."""

    def __init__(self, **tensors):
        super().__init__(tensors)

    def items(self):
        return [(key, make()) for key, make in super().items()]


def transposed(t):
    return t.T


for name, batch, i, o, act in (
    ("dense 1", 1, 1, 1, torch.tanh),
    ("dense odd", 3, 7, 5, torch.sigmoid),
    ("dense large", 33, 65, 67, nn.functional.softplus),
):
    x, layer = leaf(batch, i), nn.Linear(i, o)
    record(name, x, act(layer(x)), Lazily(
        kernel=lambda m=layer: pair(m.weight, transposed), bias=lambda m=layer: pair(m.bias),
    ))  # fmt: skip

for name, shape, f, k, s, p in (
    ("conv2d 1", (1, 1, 1, 1), 1, 1, 1, 0),
    ("conv2d odd", (2, 3, 7, 5), 4, 3, 2, 1),
    ("conv2d large", (2, 5, 17, 19), 9, 5, 1, 2),
):
    x, layer = leaf(*shape), nn.Conv2d(shape[1], f, k, s, p)
    record(name, x, layer(x), Lazily(
        kernel=lambda m=layer: pair(m.weight), bias=lambda m=layer: pair(m.bias),
    ))  # fmt: skip

for name, shape, f, k, s, p in (
    ("conv1d 1", (1, 1, 1), 1, 1, 1, 0),
    ("conv1d odd", (3, 2, 11), 5, 3, 2, 1),
    ("conv1d large", (2, 3, 67), 8, 7, 1, 3),
):
    x, layer = leaf(*shape), nn.Conv1d(shape[1], f, k, s, p)
    record(name, x, layer(x), Lazily(
        kernel=lambda m=layer: pair(m.weight), bias=lambda m=layer: pair(m.bias),
    ))  # fmt: skip

for kind in (nn.RNN, nn.LSTM):
    for name, batch, steps, i, h in (
        ("1", 1, 1, 1, 1),
        ("odd", 3, 5, 2, 3),
        ("large", 2, 33, 9, 17),
    ):
        x, layer = leaf(batch, steps, i), kind(i, h, batch_first=True)
        with torch.no_grad():
            layer.bias_hh_l0.zero_()  # torch has two biases where one is enough
        record(f"{kind.__name__.lower()} {name}", x, layer(x)[0], Lazily(
            input=lambda m=layer: pair(m.weight_ih_l0),
            recurrent=lambda m=layer: pair(m.weight_hh_l0),
            bias=lambda m=layer: pair(m.bias_ih_l0),
        ))  # fmt: skip

for name, batch, steps, d, heads, groups, causal in (
    ("1", 1, 1, 1, 1, 1, False),
    ("odd", 2, 5, 6, 3, 3, False),
    ("causal", 2, 7, 6, 2, 2, True),
    ("grouped", 2, 5, 8, 4, 2, True),
    ("large", 1, 67, 16, 4, 4, False),
):
    x, head = leaf(batch, steps, d), d // heads
    narrow = groups * head
    w = {
        "query": leaf(d, d), "key": leaf(d, narrow), "value": leaf(d, narrow), "output": leaf(d, d),
        "query_bias": leaf(d), "key_bias": leaf(narrow), "value_bias": leaf(narrow),
        "output_bias": leaf(d),
    }  # fmt: skip

    def project(kind, count, x=x, w=w, head=head):
        y = x @ w[kind] + w[f"{kind}_bias"]
        return y.reshape(x.shape[0], x.shape[1], count, head).transpose(1, 2)

    mixed = nn.functional.scaled_dot_product_attention(
        project("query", heads), project("key", groups), project("value", groups),
        is_causal=causal, enable_gqa=True,
    )  # fmt: skip
    mixed = mixed.transpose(1, 2).reshape(batch, steps, d)
    record(f"attention {name}", x, mixed @ w["output"] + w["output_bias"], Lazily(
        **{key: lambda t=t: pair(t) for key, t in w.items()}
    ))  # fmt: skip

for name, batch, size in (("1", 3, 1), ("odd", 3, 7), ("large", 4, 129)):
    x, layer = leaf(batch, size), nn.LayerNorm(size, eps=1e-5)
    with torch.no_grad():
        layer.weight += torch.randn(size)
        layer.bias += torch.randn(size)
    record(f"layer_norm {name}", x, layer(x), Lazily(
        gain=lambda m=layer: pair(m.weight), bias=lambda m=layer: pair(m.bias),
    ))  # fmt: skip
    x, layer = leaf(batch, size), nn.RMSNorm(size, eps=1e-5)
    with torch.no_grad():
        layer.weight += torch.randn(size)
    record(f"rms_norm {name}", x, layer(x), Lazily(gain=lambda m=layer: pair(m.weight)))

for name, tokens, d, m in (("1", 1, 1, 1), ("odd", 3, 5, 7), ("large", 2, 33, 65)):
    x = leaf(tokens, d)
    w = {
        "gate": leaf(d, m), "up": leaf(d, m), "down": leaf(m, d),
        "gate_bias": leaf(m), "up_bias": leaf(m), "down_bias": leaf(d),
    }  # fmt: skip
    gated = nn.functional.silu(x @ w["gate"] + w["gate_bias"]) * (x @ w["up"] + w["up_bias"])
    record(f"swiglu {name}", x, gated @ w["down"] + w["down_bias"], Lazily(
        **{key: lambda t=t: pair(t) for key, t in w.items()}
    ))  # fmt: skip

for name, batch, size, temperature in (
    ("1", 2, 1, 1.0),
    ("odd", 3, 7, 0.5),
    ("large", 2, 131, 3.0),
):
    x = leaf(batch, size)
    record(f"softmax {name}", x, torch.softmax(x / temperature, dim=1), {})

np.savez_compressed(TARGET, **arrays)
print(f"{len(arrays)} arrays, {TARGET.stat().st_size:,} bytes")
