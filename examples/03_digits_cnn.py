"""A convolutional network learns to read handwritten digits: 97 % of 2,000 unseen ones."""

from digits import HELD_OUT, read_digits

from loom_core import Conv2D, Dense, Network, Softmax, TrainingConfig, TrainingData

images, labels = read_digits()
training = TrainingData(images[:-HELD_OUT], labels=labels[:-HELD_OUT], batch_size=32)

network = Network.of(
    Conv2D(12, 5, stride=2, padding=2, input_channels=1, input_height=28, input_width=28),
    Conv2D(24, 5, stride=2, padding=2),
    Dense(10, "linear"),
    Softmax(),
    seed=1,
)

for epochs, learning_rate in ((6, 0.1), (4, 0.02)):  # coarse first, then fine
    result = network.train(
        training,
        TrainingConfig(
            epochs=epochs,
            learning_rate=learning_rate,
            loss_type="cross_entropy",
            validation_inputs=images[-HELD_OUT:],
            validation_labels=labels[-HELD_OUT:],
        ),
        lambda event: (
            event.event == "epoch_end"
            and print(f"epoch {event.epoch}: loss {event.epoch_loss:.4f}")
        ),
    )
    print(f"held-out accuracy {result.validation_accuracy:.4f} at {result.avg_throughput:.0f}/s")

assert result.validation_accuracy is not None
assert result.validation_accuracy >= 0.97
