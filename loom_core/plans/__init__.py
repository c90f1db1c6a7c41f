"""What a network runs, as plans: an inference, gradients, a training step, an update by hand."""
