"""Grid softmax is a dense mixture of experts: same outputs, same gradients.

Three experts each score four answers; a grid softmax makes a distribution of each, as experts that
are written out one by one do. Then a gate weighs them: the whole mixture against the formula, sum
over experts of gate times expert, and its training.
"""

import numpy as np

from loom_core import Dense, Network, Parallel, Sequential, Softmax, TrainingConfig, TrainingData

EXPERTS, ANSWERS, WIDTH = 3, 4, 5
rng = np.random.default_rng(0)
x = rng.standard_normal((64, WIDTH)).astype(np.float32)
labels = (x[:, 0] > 0) * 2 + (x[:, 1] * x[:, 2] > 0)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return the textbook's softmax of each row."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares


# 1. One Dense layer for all experts with a grid softmax, and each expert written out as a branch.
grid = Network.of(
    Dense(EXPERTS * ANSWERS, "linear"),
    Softmax(variant="grid", rows=EXPERTS, cols=ANSWERS),
    input_size=WIDTH,
    seed=3,
)
grid.initialize_weights()

experts = [Dense(ANSWERS, "linear") for _ in range(EXPERTS)]
branches = Parallel([Sequential([expert, Softmax()]) for expert in experts])
written = Network.of(branches, input_size=WIDTH)
kernel = grid.layers[0].weights["kernel"].reshape(WIDTH, EXPERTS, ANSWERS)
for number, expert in enumerate(experts):
    expert.set_weights({"kernel": kernel[:, number], "bias": np.zeros(ANSWERS)})

apart = np.abs(grid.forward_cpu(x) - written.forward_cpu(x)).max()
print("grid softmax against written experts, largest difference of outputs:", apart)
assert apart < 1e-6

before = kernel.copy()
step = TrainingConfig(epochs=1, learning_rate=1.0)  # the weights' change is the gradient
target = np.eye(EXPERTS * ANSWERS, dtype=np.float32)[labels]
for network in (grid, written):
    network.train(TrainingData(x, target, batch_size=64, shuffle=False), step)
stacked = np.stack([expert.weights["kernel"] for expert in experts], axis=1)
print("largest gradient:", np.abs(kernel - before).max())
print("largest difference of gradients:", np.abs(kernel - stacked).max())
assert np.abs(kernel - stacked).max() < 1e-6


# 2. The whole mixture: experts as branches, a gate that weighs them.
hidden = [Dense(16, "tanh") for _ in range(EXPERTS)]
answers = [Dense(ANSWERS, "linear") for _ in range(EXPERTS)]
gate = Dense(EXPERTS, "linear")
mixture = Parallel(
    [Sequential([*expert, Softmax()]) for expert in zip(hidden, answers, strict=True)],
    "filter",
    gate=gate,
)
moe = Network.of(mixture, input_size=WIDTH, seed=4)
output = moe.forward_cpu(x)


def dense(layer: Dense, inputs: np.ndarray) -> np.ndarray:
    """Return x W + b."""
    return inputs @ layer.weights["kernel"] + layer.weights["bias"]


experts_say = [
    softmax(dense(second, np.tanh(dense(first, x))))
    for first, second in zip(hidden, answers, strict=True)
]
gate_says = softmax(dense(gate, x))
written_out = np.einsum("xe,exa->xa", gate_says, np.stack(experts_say))
print("mixture against the formula, largest difference:", np.abs(output - written_out).max())
assert np.abs(output - written_out).max() < 1e-6

# 3. It learns: gradients reach the experts and the gate.
result = moe.train(
    TrainingData(x, labels=labels, batch_size=16),
    TrainingConfig(epochs=200, learning_rate=0.5, loss_type="cross_entropy"),
)
accuracy = np.mean(moe.forward_cpu(x).argmax(axis=1) == labels)
print(f"loss {result.loss_history[0]:.3f} -> {result.final_loss:.3f}, accuracy {accuracy:.3f}")
assert accuracy > 0.95
