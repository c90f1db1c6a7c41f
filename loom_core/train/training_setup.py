"""What a training starts with: its optimizer, its scheduler, and where it resumes."""

from __future__ import annotations

from loom_core.errors import SpecError
from loom_core.layers.base import require_batch
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizer_config import make_optimizer
from loom_core.optimize.scheduler_config import make_scheduler, read_scheduler
from loom_core.optimize.trained_weights import require_trained_weights, trained_weights
from loom_core.optimize.training_state import TrainingPosition, read_training_state
from loom_core.random_stream import RandomStream
from loom_core.running import NetworkGrid
from loom_core.train.batches import BatchSource
from loom_core.train.config import TrainingConfig

NOISE_KEY = -1
"""Names the random stream of noise; those of shuffling are named by epochs, from 1."""


def begin_position(
    network: NetworkGrid, settings: TrainingConfig, source: BatchSource
) -> TrainingPosition:
    """Return where a training starts; nothing has changed when this raises.

    Raises:
        SpecError, ShapeError, ModelFormatError, NonFiniteError, LimitError: Optimizer, scheduler or
            the state to resume from are wrong, or there is nothing to train.
    """
    require_trained_weights(network.layers)
    network.complete_sizes()
    require_batch(network.layers, source.smallest_batch, network.layer_name)
    steps = len(source) * settings.epochs
    samples = source.samples_per_epoch
    if settings.resume_from is None:
        asked = read_scheduler(settings.scheduler, settings.learning_rate)
        scheduler = make_scheduler(asked, settings.learning_rate, steps)
        optimizer = _optimizer(network, settings.optimizer)
        optimizer.serve(network)
        seed = network.seed if settings.seed is None else settings.seed
        noise = RandomStream(seed, NOISE_KEY).state
        return TrainingPosition(optimizer, asked, scheduler, seed, len(source), samples, noise)
    names = [network.layer_name(index) for index in range(len(network.layers))]
    stored = read_training_state(settings.resume_from, network.layers, names)
    stored.require_fitting(len(source), samples, settings.seed)
    again = stored.scheduler if settings.scheduler is None else settings.scheduler
    if again is None:
        raise SpecError(
            "the training state cannot hold the scheduler that it went by, which is of a class of "
            "its own",
            hint="Pass the scheduler again, in the config that resumes.",
        )
    asked = read_scheduler(again, settings.learning_rate)
    scheduler = make_scheduler(asked, settings.learning_rate, steps)
    kind = str(stored.optimizer.get("type"))
    state = make_optimizer(kind).read_state(stored.optimizer)
    state.require_fitting(trained_weights(network.layers))
    same = kind if network.optimizer is None else None
    wanted = settings.optimizer or same
    if not isinstance(wanted or network.optimizer, Optimizer):
        make_optimizer(wanted).require_type(kind)  # before one is reset
    optimizer = _optimizer(network, wanted)
    optimizer.take_state(state)
    optimizer.serve(network)
    stored.set_weights()
    return stored.position(optimizer, asked, scheduler)


def _optimizer(network: NetworkGrid, asked: object) -> Optimizer:
    """Return the optimizer of a training: one that keeps its state, or a fresh one.

    A fresh one with the settings of the last is the last one, reset: its plans are there already.
    """
    if isinstance(asked, Optimizer):
        return asked
    if asked is None and network.optimizer is not None:
        return network.optimizer
    made = make_optimizer("sgd" if asked is None else asked)
    held = network.training_optimizer
    if held is not None and held.settings() == made.settings():
        held.reset()
        return held
    if held is not None:
        network.programs.forget(held)
    network.training_optimizer = made
    return made
