"""The training loop: batches, steps on a backend, validation, progress, checkpoints."""
