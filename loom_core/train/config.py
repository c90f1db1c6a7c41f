"""What goes into a training and what comes out of it. These records cross to JavaScript."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from loom_core.arrays import FloatData
from loom_core.checks import finite_number, positive, whole_seed
from loom_core.errors import SpecError
from loom_core.evaluate.deviation_metrics import DeviationMetrics
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizer_config import OptimizerConfig
from loom_core.optimize.optimizers import OptimizerName
from loom_core.optimize.scheduler import LRScheduler
from loom_core.optimize.scheduler_config import SchedulerConfig, SchedulerName
from loom_core.public import public, record, result_record

LossName = Literal["mse", "cross_entropy"]
LOSSES: tuple[LossName, ...] = ("mse", "cross_entropy")


@record
@dataclass
class TrainingBatch:
    """One batch, as Loom takes them.

    Args:
        input: (B * I,) or (B, I) float32.
        target: (B * O,) or (B, O) float32.
    """

    input: FloatData
    target: FloatData


@record
@dataclass
class TrainingData:
    """A whole data set, cut into batches by the training loop.

    Args:
        inputs: (N * I,) or (N, ...) float32.
        targets: (N * O,) or (N, O) float32; this or labels.
        labels: (N,) class numbers from 0, made into one-hot targets.
        batch_size: Samples a step; the last batch of an epoch may be smaller.
        shuffle: New order in each epoch.
    """

    inputs: FloatData
    targets: FloatData | None = None
    labels: FloatData | None = None
    batch_size: int = 32
    shuffle: bool = True


@record
@dataclass
class TrainingConfig:
    """Settings of a training; a setting that is left out has the default that is given here.

    The same holds where the whole config is left out: the training prints nothing and uses a rate
    of 0.01. Loom v0.0.7 uses those of DefaultTrainingConfig there, which differ in these two.

    Args:
        epochs: Times the data is seen.
        learning_rate: Step size of gradient descent, where no scheduler says another.
        use_gpu: Train on the WebGPU backend, whatever runs the network otherwise.
        print_every_batch: Batches between two printed lines where ``verbose``; 0 for epochs only.
        gradient_clip: Largest norm over all gradients: larger gradients are scaled down to it; 0
            does not clip.
        loss_type: ``"mse"``, or ``"cross_entropy"`` of the output as probabilities.
        seed: Of the shuffling; the network's own when left out.
        validation_inputs: Held-out samples, evaluated but never trained on.
        validation_targets: Their targets; this or labels.
        validation_labels: Their class numbers.
        verbose: Print the progress of the training, in a terminal with a bar.
        evaluate_every_n: Epochs between evaluations; the last epoch is evaluated too. 0 for none.
        progress_interval: Least seconds between two batch events; epoch ends are always reported.
        optimizer: An optimizer, which keeps its state, or the name or settings of a fresh one. Left
            out, the network's (SetOptimizer), else plain gradient descent.
        scheduler: A scheduler, or its name or settings; left out, the rate is constant.
        resume_from: A string from SaveTrainingState: weights, optimizer, scheduler, order of the
            data and position are taken from it, and the training continues until ``epochs`` epochs
            are done in all. So a training of 10 epochs equals one of 10 that was stopped after 5
            and resumed. A schedule without ``total_steps`` ends with the last epoch of the call:
            after a call of 5 epochs it has ended; resumed to 10, the training continues in the
            middle of a longer schedule. A scheduler of your own class has to be passed again.
    """

    epochs: int = 10
    learning_rate: float = 0.01
    use_gpu: bool = False
    print_every_batch: int = 0
    gradient_clip: float = 0.0
    loss_type: LossName = "mse"
    verbose: bool = False
    seed: int | None = None
    validation_inputs: FloatData | None = None
    validation_targets: FloatData | None = None
    validation_labels: FloatData | None = None
    evaluate_every_n: int = 1
    progress_interval: float = 0.05
    optimizer: Optimizer | OptimizerConfig | OptimizerName | None = None
    scheduler: LRScheduler | SchedulerConfig | SchedulerName | None = None
    resume_from: str | None = None

    def require_valid(self) -> None:
        """Raise :class:`SpecError` for a setting that is not allowed."""
        for name, minimum in (("epochs", 1), ("evaluate_every_n", 0), ("print_every_batch", 0)):
            positive(getattr(self, name), name, minimum)
        for name in ("learning_rate", "progress_interval", "gradient_clip"):
            finite_number(getattr(self, name), name)
        for name in ("use_gpu", "verbose"):
            if not isinstance(getattr(self, name), bool):
                raise SpecError(f"{name} must be true or false, got {getattr(self, name)!r}")
        if not isinstance(self.loss_type, str) or self.loss_type not in LOSSES:
            known = ", ".join(LOSSES)
            raise SpecError(f"loss_type must be one of {known}, got {str(self.loss_type)[:40]!r}")
        if self.seed is not None:
            whole_seed(self.seed)
        if self.resume_from is not None and not isinstance(self.resume_from, str):
            raise SpecError("resume_from must be a string from SaveTrainingState")
        given = (self.validation_targets is not None) + (self.validation_labels is not None)
        if (self.validation_inputs is None) != (given == 0) or given == 2:
            raise SpecError("validation needs inputs, and either targets or labels")


@public("DefaultTrainingConfig")
def default_training_config() -> TrainingConfig:
    """Return Loom's defaults: 10 epochs at a rate of 0.001, mean squared error, printing.

    They apply only if this config is passed. A training without a config uses the defaults of
    TrainingConfig: a rate of 0.01, and no printing. Loom asks for the GPU here; this leaves the
    network on its own backend.
    """
    return TrainingConfig(learning_rate=0.001, verbose=True)


@result_record
@dataclass(frozen=True)
class TrainingProgress:
    """One progress event.

    Args:
        event: ``"batch_end"`` or ``"epoch_end"``, the latter also where a training is stopped.
        epoch: From 1.
        epochs: In all.
        batch: Within the epoch, from 1.
        batches: In an epoch.
        step: Since the start, from 1.
        total_steps: In all.
        loss: Of the last batch.
        epoch_loss: Mean over the epoch so far.
        validation_loss: At the last evaluation, or None.
        validation_accuracy: Share of held-out samples classified rightly, 0 to 1, or None.
        learning_rate: Of the last step.
        gradient_norm: Over all gradients of the last step, before clipping; 0 without any.
        elapsed_seconds: Without pauses.
        remaining_seconds: Estimate.
        samples_per_second: Since the start, without pauses.
    """

    event: Literal["batch_end", "epoch_end"]
    epoch: int
    epochs: int
    batch: int
    batches: int
    step: int
    total_steps: int
    loss: float
    epoch_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    gradient_norm: float
    elapsed_seconds: float
    remaining_seconds: float
    samples_per_second: float


@result_record
@dataclass
class TrainingResult:
    """What a training reached.

    Args:
        final_loss: Mean loss of the last epoch.
        best_loss: Lowest mean loss of an epoch.
        total_time: Seconds, without pauses.
        avg_throughput: Samples a second.
        loss_history: Mean loss of each epoch.
        eval_metrics: How far the outputs for the validation samples are from what is expected, at
            the last evaluation; None without validation, or where targets are neither one number
            nor a class.
        validation_loss: At the last evaluation, or None.
        validation_accuracy: At the last evaluation, 0 to 1, or None.
        accuracy_history: Validation accuracy at each evaluation, that of the end included.
        steps: Batches trained.
        stopped: It was ended early by StopTraining.
        fallback_reason: Why, and from which step on, the CPU took over: the GPU was lost, or one
            that ``"auto"`` had chosen failed. Empty otherwise. No step is left out: those since the
            last copy of the weights are repeated.
    """

    final_loss: float = math.nan
    best_loss: float = math.inf
    total_time: float = 0.0
    avg_throughput: float = 0.0
    loss_history: list[float] = field(default_factory=list)
    eval_metrics: DeviationMetrics | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    accuracy_history: list[float] = field(default_factory=list)
    steps: int = 0
    stopped: bool = False
    fallback_reason: str = ""
