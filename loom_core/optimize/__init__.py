"""What a training step computes, and what it leaves: losses, gradients, optimizers, schedules."""
