"""A stream that is classified and learned from without a stop: a sample in, and one out, a tick."""

import numpy as np

from loom_core import Dense, Network, SteppingTrainingConfig

SAMPLES = [
    ([0.1, 0.2, 0.1, 0.3], "low"),
    ([0.2, 0.1, 0.3, 0.2], "low"),
    ([0.8, 0.9, 0.8, 0.7], "high"),
    ([0.9, 0.8, 0.7, 0.9], "high"),
    ([0.1, 0.9, 0.2, 0.8], "mixed"),
    ([0.2, 0.8, 0.1, 0.9], "mixed"),
]
CLASSES = ["low", "high", "mixed"]

network = Network(input_size=4, rows=1, cols=3, layers_per_cell=1, seed=2)
for column, outputs in enumerate([32, 16, 3]):
    network.set_layer(0, column, 0, Dense(outputs, "leaky_relu"))


def load(step: int) -> tuple[list[float], list[float]]:
    """Another sample at each tick, although three of them are on their way at any time."""
    x, name = SAMPLES[step % len(SAMPLES)]
    return x, [float(name == candidate) for candidate in CLASSES]


config = SteppingTrainingConfig(
    optimizer="adamw", learning_rate=0.005, lr_schedule="cosine", log_every=400
)
result = network.train_with_stepping(config, load, total_steps=2400)
history = " ".join(f"{loss:.4f}" for loss in result.loss_history)
print(f"loss {history} at {result.steps_per_second:.0f} ticks a second")

# Now the stream is only read: what comes out belongs to the sample of two ticks before.
state = network.init_step_state(4)
for tick in range(len(SAMPLES) + 2):
    state.set_input(SAMPLES[tick % len(SAMPLES)][0])
    network.step_forward(state)
    if tick >= 2:
        x, name = SAMPLES[tick - 2]
        found = CLASSES[int(np.argmax(state.get_output()))]
        print(f"tick {tick}: {x} is {found}")
        assert found == name
