"""How weights learn: losses, optimizers, schedules, and what of them a training saves."""
