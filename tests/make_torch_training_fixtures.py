"""Record how PyTorch trains, in float64: 200 losses for each optimizer and each scheduler.

Run by hand where PyTorch is installed: ``python tests/make_torch_training_fixtures.py``. The tests
need only the file that it writes. Weights are written in our layout.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn, optim
from torch.optim import lr_scheduler as lr

TARGET = Path(__file__).parent / "fixtures" / "torch_training.npz"
BATCH, BATCHES, EPOCHS = 8, 5, 40
torch.set_default_dtype(torch.float64)


def mlp():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 2)
    )


def cnn():
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.Tanh(),
        nn.Conv2d(3, 4, 2, stride=2),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(36, 3),
    )


def data(name):
    """Inputs and targets that float32 holds exactly."""
    torch.manual_seed(3)
    n = BATCH * BATCHES
    if name == "mlp":
        x = torch.randn(n, 6).float().double()
        return x, torch.stack([x[:, 0] * x[:, 1], torch.sin(x[:, 2] + x[:, 3])], 1).float().double()
    x = torch.randn(n, 1, 6, 6).float().double()
    return x, nn.functional.one_hot(x.mean((1, 2, 3)).mul(20).round().long() % 3, 3).double()


def groups(net, decay):
    """Weight decay on matrices and kernels only."""
    parameters = list(net.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]


OPTIMIZERS = {
    "sgd": lambda net: optim.SGD(groups(net, 0.0), lr=0.1),
    "sgd_decay": lambda net: optim.SGD(groups(net, 0.01), lr=0.1),
    "momentum": lambda net: optim.SGD(groups(net, 0.0), lr=0.03, momentum=0.9),
    "dampening": lambda net: optim.SGD(groups(net, 0.0), lr=0.1, momentum=0.9, dampening=0.5),
    "nesterov": lambda net: optim.SGD(groups(net, 0.0), lr=0.03, momentum=0.9, nesterov=True),
    "adamw": lambda net: optim.AdamW(groups(net, 0.01), lr=0.01),
    "adamw_other": lambda net: optim.AdamW(groups(net, 0.1), lr=0.003, betas=(0.8, 0.95), eps=1e-4),
    "rmsprop": lambda net: optim.RMSprop(groups(net, 0.0), lr=0.003),
    "rmsprop_momentum": lambda net: optim.RMSprop(
        groups(net, 0.01), lr=0.001, alpha=0.9, eps=1e-6, momentum=0.8
    ),
    "clipped": lambda net: optim.SGD(groups(net, 0.0), lr=0.1, momentum=0.5),
}

SCHEDULERS = {
    "constant": lambda o: lr.ConstantLR(o, 1.0),
    "linear": lambda o: lr.LinearLR(o, 1.0, 0.1, 150),
    "cosine": lambda o: lr.CosineAnnealingLR(o, 200, 0.01),
    "cosine_warm_restarts": lambda o: lr.CosineAnnealingWarmRestarts(o, 60, eta_min=0.01),
    "exponential": lambda o: lr.ExponentialLR(o, 0.5 ** (1 / 50)),
    "step": lambda o: lr.StepLR(o, 70, 0.3),
    "polynomial": lambda o: lr.PolynomialLR(o, 180, 2.0),
    "warmup": lambda o: lr.SequentialLR(
        o,
        [lr.LinearLR(o, 0.1, 1.0, 20), lr.CosineAnnealingLR(o, 180, 0.01)],
        milestones=[20],
    ),
}


def layout(parameter):
    array = parameter.detach().numpy()
    return array.T if array.ndim == 2 else array


def train(name, net, optimizer, scheduler=None, clip=None):
    """Return the loss of each step, before its update."""
    x, t = data(name)
    losses = []
    for step in range(EPOCHS * BATCHES):
        rows = slice(step % BATCHES * BATCH, (step % BATCHES + 1) * BATCH)
        y = net(x[rows])
        if name == "mlp":
            loss = nn.functional.mse_loss(y, t[rows])
        else:
            loss = nn.functional.cross_entropy(y, t[rows])
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
    return np.array(losses)


def rounded(make):
    """A network whose first weights float32 holds exactly."""
    net = make()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter.float().double())
    return net


arrays = {}
for name, make in (("mlp", mlp), ("cnn", cnn)):
    x, t = data(name)
    arrays[f"{name}/x"] = x.flatten(1).numpy().astype(np.float32)
    arrays[f"{name}/t"] = t.numpy().astype(np.float32)
    for number, parameter in enumerate(rounded(make).parameters()):
        arrays[f"{name}/w{number}"] = layout(parameter).astype(np.float32)
    for key, optimizer_of in OPTIMIZERS.items():
        net = rounded(make)
        clip = 0.3 if key == "clipped" else None
        arrays[f"{name}/optimizer/{key}"] = train(name, net, optimizer_of(net), clip=clip)
    for key, scheduler_of in SCHEDULERS.items():
        net = rounded(make)
        optimizer = optim.SGD(net.parameters(), lr=0.1)
        arrays[f"{name}/scheduler/{key}"] = train(name, net, optimizer, scheduler_of(optimizer))
np.savez_compressed(TARGET, **arrays)
