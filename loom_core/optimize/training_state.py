"""Where a training stands, and how it is written down so that it can continue exactly."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from loom_core import limits
from loom_core.arrays import F32
from loom_core.errors import ModelFormatError, NonFiniteError, SpecError
from loom_core.layers import Layer
from loom_core.model_io.base64_text import decode_base64, encode_base64
from loom_core.model_io.json_text import parse_json_object
from loom_core.model_io.weight_tree import require_finite
from loom_core.model_io.weights import decode_weights, encode_weights
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizer_state import read_count
from loom_core.optimize.scheduler import LRScheduler
from loom_core.optimize.scheduler_config import SchedulerConfig
from loom_core.optimize.stored_scheduler import restored_scheduler, stored_scheduler

STATE_TYPE = "loom-training-state"
VERSION = 1
WHAT = "the training state"


@dataclass
class TrainingPosition:
    """How far a training has come, and what decides how it continues.

    Args:
        optimizer: With its state.
        asked_scheduler: The scheduler as it was asked for; a config may leave the length of the
            training open, which is another when it is resumed.
        scheduler: Rates by step.
        seed: Of the order of the data.
        batches: In an epoch.
        samples: In an epoch.
        noise: State of the random stream of noise.
        step: Steps done.
        losses: Of the steps of an epoch that is not at its end, float32.
        loss_history: Mean loss of each epoch.
        accuracy_history: Validation accuracy at each evaluation in turn; one that was made only
            because the training ended or was stopped there is in the result alone.
    """

    optimizer: Optimizer
    asked_scheduler: LRScheduler | SchedulerConfig
    scheduler: LRScheduler
    seed: int
    batches: int
    samples: int
    noise: int
    step: int = 0
    losses: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    loss_history: list[float] = field(default_factory=list)
    accuracy_history: list[float] = field(default_factory=list)

    def note(self, losses: F32) -> None:
        """Take in the losses of steps; full epochs go into the history.

        The mean of an epoch is added up step by step, so that it does not depend on the sizes of
        chunks.
        """
        self.step += len(losses)
        if self.batches == 1:
            self.loss_history += losses.tolist()
            return
        losses = np.concatenate([self.losses, losses])
        full = len(losses) // self.batches
        if full:
            rows = losses[: full * self.batches].reshape(full, self.batches)
            sums = np.cumsum(rows, axis=1, dtype=np.float64)[:, -1]
            self.loss_history += (sums / self.batches).tolist()
        self.losses = losses[full * self.batches :]

    def mean_loss(self) -> float:
        """Return the mean loss of the present epoch, or of the last one where none is begun."""
        if not self.losses.size:
            return self.loss_history[-1]
        return float(np.cumsum(self.losses, dtype=np.float64)[-1]) / self.losses.size


def write_training_state(layers: list[Layer], position: TrainingPosition) -> str:
    """Return weights and position as text.

    Raises:
        NonFiniteError: A weight is NaN or infinite.
    """
    state = {
        "type": STATE_TYPE,
        "version": VERSION,
        "weights": encode_weights(layers, "compact", "float32"),
        "optimizer": position.optimizer.get_state(),
        "scheduler": stored_scheduler(position.asked_scheduler),
        "seed": str(position.seed),
        "batches": position.batches,
        "samples": position.samples,
        "noise": str(position.noise),
        "step": position.step,
        "losses": encode_base64(position.losses.astype("<f4").tobytes()),
        "loss_history": position.loss_history,
        "accuracy_history": position.accuracy_history,
    }
    return json.dumps(state, separators=(",", ":"))


@dataclass(frozen=True)
class StoredTraining:
    """A training state that has been read and checked as far as it can be without its training."""

    weights: list[tuple[Layer, dict[str, F32]]]
    optimizer: Mapping[str, Any]
    scheduler: LRScheduler | SchedulerConfig | None
    seed: int
    batches: int
    samples: int
    noise: int
    step: int
    losses: F32
    loss_history: list[float]
    accuracy_history: list[float]

    def require_fitting(self, batches: int, samples: int, seed: int | None) -> None:
        """Raise unless it belongs to a training on such data.

        Raises:
            SpecError: Of other data, or of another seed.
            ModelFormatError: It does not hold the loss of each whole epoch.
        """
        if (batches, samples) != (self.batches, self.samples):
            raise SpecError(
                f"{WHAT} is of {self.samples} samples in {self.batches} batches an epoch, "
                f"this training has {samples} in {batches}",
                hint="Resume with the data that the training began with.",
            )
        known, epochs = len(self.loss_history), self.step // self.batches
        if known != epochs:
            raise ModelFormatError(f"{WHAT} holds {known} losses of {epochs} whole epochs")
        if seed is not None and seed != self.seed:
            raise SpecError(f"{WHAT} was made with the seed {self.seed}, this config says {seed}")

    def set_weights(self) -> None:
        """Copy the weights into the layers."""
        for layer, weights in self.weights:
            layer.set_weights(weights)

    def position(
        self,
        optimizer: Optimizer,
        asked_scheduler: LRScheduler | SchedulerConfig,
        scheduler: LRScheduler,
    ) -> TrainingPosition:
        """Return where the training stands, with an optimizer that has the stored state."""
        return TrainingPosition(
            optimizer,
            asked_scheduler,
            scheduler,
            self.seed,
            self.batches,
            self.samples,
            self.noise,
            self.step,
            self.losses,
            list(self.loss_history),
            list(self.accuracy_history),
        )


def read_training_state(text: str, layers: Sequence[Layer], names: Sequence[str]) -> StoredTraining:
    """Read a state for layers whose sizes are known; nothing is changed yet.

    Args:
        text: From :func:`write_training_state`.
        layers: Of the network that continues the training.
        names: How messages call them.

    Raises:
        ModelFormatError: It is no training state, is of a later version, or parts do not fit.
        SpecError: The scheduler is not allowed.
        NonFiniteError: Weights or losses are NaN or infinite.
        LimitError: Longer or deeper than the limits allow.
    """
    state = parse_json_object(text, WHAT)
    if state.get("type") != STATE_TYPE or state.get("version") != VERSION:
        raise ModelFormatError(
            f"this is no {STATE_TYPE} of version {VERSION}",
            hint="A training state comes from SaveTrainingState; models are loaded otherwise.",
        )
    for key, kind in (("weights", dict), ("optimizer", dict)):
        if not isinstance(state.get(key), kind):
            raise ModelFormatError(f"{WHAT} holds no object {key!r}")
    stored = state.get("scheduler")
    counts = {key: read_count(state.get(key), f"{key} of {WHAT}") for key in _COUNTS}
    losses = require_finite(_read_losses(state.get("losses")), f"a loss of {WHAT}")
    if counts["batches"] < 1 or losses.size != counts["step"] % counts["batches"]:
        raise ModelFormatError(f"{WHAT} holds {losses.size} losses of the present epoch")
    return StoredTraining(
        weights=decode_weights(layers, names, state["weights"]),
        optimizer=state["optimizer"],
        scheduler=None if stored is None else restored_scheduler(stored),
        seed=_read_integer(state.get("seed"), "seed"),
        noise=_read_integer(state.get("noise"), "noise"),
        losses=losses,
        loss_history=_read_numbers(state.get("loss_history"), "loss_history"),
        accuracy_history=_read_numbers(state.get("accuracy_history"), "accuracy_history"),
        **counts,
    )


_COUNTS = ("batches", "samples", "step")


def _read_losses(text: object) -> F32:
    raw = decode_base64(text, f"losses of {WHAT}")
    if len(raw) % 4:
        raise ModelFormatError(f"losses of {WHAT} have {len(raw)} bytes")
    return np.frombuffer(raw, "<f4").astype(np.float32)


def _read_integer(value: object, name: str) -> int:
    """Return a whole number that is stored as text, since JSON's numbers end at 2^53."""
    digits = value[1:] if isinstance(value, str) and value[:1] == "-" else value
    if not (isinstance(digits, str) and digits.isascii() and digits.isdigit() and len(digits) < 40):
        raise ModelFormatError(f"{name} of {WHAT} must be the digits of a whole number")
    return int(str(value))


def _read_numbers(values: object, name: str) -> list[float]:
    if not isinstance(values, list):
        raise ModelFormatError(f"{name} of {WHAT} must be a list of numbers")
    limits.require_within(len(values), limits.LIST_ITEMS, f"{name} of {WHAT}")
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise ModelFormatError(f"{name} of {WHAT} must be a list of numbers")
    # A number beyond float64 is infinity as a float, and an error as a whole number.
    if not all(abs(value) <= sys.float_info.max for value in values):
        raise NonFiniteError(f"{name} of {WHAT} holds infinity")
    return [float(value) for value in values]
