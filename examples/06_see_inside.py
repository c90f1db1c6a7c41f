"""See inside a network while it learns: observers, telemetry, diagnosis, evaluation."""

import numpy as np

from loom_core import (
    Dense,
    Network,
    RecordingObserver,
    SchedulerConfig,
    Softmax,
    TrainingConfig,
    TrainingData,
)

points = np.random.default_rng(0).uniform(-1, 1, (512, 2)).astype(np.float32)
same_sign = (points[:, 0] * points[:, 1] > 0).astype(int)

network = Network.of(Dense(16, "tanh"), Dense(2, "linear"), Softmax(), input_size=2, seed=1)
print(network.get_blueprint_text())

recorder = RecordingObserver("signs", 1000)
network.set_observer(recorder, every_n=20)  # the other steps run as if nobody watched
result = network.train(
    TrainingData(points, labels=same_sign, batch_size=32),
    TrainingConfig(
        epochs=20,
        learning_rate=0.02,
        loss_type="cross_entropy",
        optimizer="adamw",
        scheduler=SchedulerConfig("cosine", warmup_steps=20),
        gradient_clip=1.0,
    ),
)
network.set_observer(None)
print(f"\nloss {result.loss_history[0]:.3f} -> {result.final_loss:.3f}")

for layer in network.get_telemetry().layer_stats:
    print(f"{layer.index} {layer.type:8} weights {layer.weight_norm:5.2f} ", end="")
    print(f"gradient {layer.gradient_norm:.4f} " if layer.gradient_norm is not None else "", end="")
    print(f"outputs {layer.activation_min:.2f} to {layer.activation_max:.2f}")
for finding in recorder.diagnose():
    print(finding.message, finding.advice[0])
assert len(recorder.get_backward_history()) == 3 * (result.steps // 20)

metrics = network.evaluate_network(points, same_sign)
metrics.print_summary()
assert metrics.accuracy is not None
assert metrics.accuracy > 0.9
