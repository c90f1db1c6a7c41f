"""Neural networks that train and run in a web page and natively, from one source.

>>> network = Network.of(Dense(3, "tanh"), Dense(1, "linear"), input_size=2, seed=1)
>>> network.forward_cpu([0.5, -1.0]).shape
(1,)
"""

from loom_core.activations import ActivationType
from loom_core.enums import DType, LayerType, SoftmaxType
from loom_core.errors import (
    BackendError,
    BusyError,
    CallError,
    LimitError,
    LoomError,
    ModelFormatError,
    ModelNotFoundError,
    NonFiniteError,
    ShapeError,
    SpecError,
)
from loom_core.evaluate.adaptation_records import TaskChange, TimeWindow
from loom_core.evaluate.adaptation_result import (
    AdaptationComparison,
    AdaptationResult,
    new_adaptation_comparison,
)
from loom_core.evaluate.adaptation_tracker import AdaptationTracker, new_adaptation_tracker
from loom_core.evaluate.deviation_metrics import (
    DeviationMetrics,
    evaluate_model,
    new_deviation_metrics,
)
from loom_core.evaluate.deviations import DeviationBucket
from loom_core.evaluate.method_comparison import ComparisonResult, new_comparison_result
from loom_core.evaluate.prediction import PredictionResult, evaluate_prediction
from loom_core.evaluate.saved_metrics import load_metrics, load_metrics_from_string
from loom_core.evaluate.training_metrics import TrainingMetrics, new_training_metrics
from loom_core.evaluate.vector_statistics import max_abs_diff, maximum, mean, minimum
from loom_core.functions.extraction import (
    extract_bundle_blueprint,
    extract_network_blueprint,
    extract_network_blueprint_json,
)
from loom_core.functions.model_evaluation import evaluate_from_checkpoint_files
from loom_core.functions.registry import call_layer_init, list_layer_init_functions
from loom_core.functions.single_layer import run_layer
from loom_core.generic import (
    AttentionWeights,
    Backend,
    CPUBackend,
    GenericStepState,
    LSTMWeights,
    Tensor,
    new_tensor,
    new_tensor_from_slice,
)
from loom_core.layers import (
    LSTM,
    RNN,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    GridPosition,
    Layer,
    LayerNorm,
    MultiHeadAttention,
    Parallel,
    Residual,
    RMSNorm,
    Sequential,
    Softmax,
    SwiGLU,
)
from loom_core.models.bundle import (
    LoadedModel,
    deserialize_model,
    list_models,
    load_bundle,
    load_bundle_from_string,
    load_model,
    load_model_from_string,
    load_model_with_dtype,
    save_bundle,
)
from loom_core.models.network_json import build_network_from_file, build_network_from_json
from loom_core.network.bundle_text import save_bundle_to_string
from loom_core.network.evaluation import CheckpointEvaluation
from loom_core.network.introspecting import MethodInfo, ParameterInfo
from loom_core.network.network import Network
from loom_core.observers.channel import ChannelObserver, new_channel_observer
from loom_core.observers.diagnosis import DiagnosisFinding, diagnose_stats
from loom_core.observers.http_observer import DeliveryStatus, HTTPObserver, new_http_observer
from loom_core.observers.observer import (
    CallbackObserver,
    ConsoleObserver,
    LayerObserver,
    new_console_observer,
)
from loom_core.observers.recording import RecordingObserver, new_recording_observer
from loom_core.observers.records import LayerEvent, LayerStats, RecordedActivity, TrainingEvent
from loom_core.observers.symptoms import DiagnosisThresholds
from loom_core.optimize.loss_gradients import LossGradient, cross_entropy_loss_grad
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.optimizer_config import OptimizerConfig
from loom_core.optimize.optimizers import AdamWOptimizer, RMSpropOptimizer, SGDOptimizer
from loom_core.optimize.optimizers.adamw import new_adamw_optimizer, new_adamw_optimizer_default
from loom_core.optimize.optimizers.rmsprop import (
    new_rmsprop_optimizer,
    new_rmsprop_optimizer_default,
)
from loom_core.optimize.optimizers.sgd import new_sgd_optimizer, new_sgd_optimizer_with_momentum
from loom_core.optimize.scheduler import LRScheduler
from loom_core.optimize.scheduler_config import SchedulerConfig
from loom_core.optimize.schedulers import (
    ConstantScheduler,
    CosineAnnealingScheduler,
    ExponentialDecayScheduler,
    LinearDecayScheduler,
    PolynomialDecayScheduler,
    StepDecayScheduler,
    WarmupScheduler,
    new_constant_scheduler,
    new_cosine_annealing_scheduler,
    new_cosine_annealing_with_warm_restarts,
    new_exponential_decay_scheduler,
    new_linear_decay_scheduler,
    new_polynomial_decay_scheduler,
    new_step_decay_scheduler,
    new_warmup_scheduler,
)
from loom_core.stepping.step_state import StepState
from loom_core.stepping.training_config import SteppingTrainingConfig, SteppingTrainingResult
from loom_core.telemetry.telemetry_records import LayerTelemetry, ModelTelemetry, NetworkBlueprint
from loom_core.train.config import (
    TrainingBatch,
    TrainingConfig,
    TrainingData,
    TrainingProgress,
    TrainingResult,
    default_training_config,
)
from loom_core.version import __version__

__all__ = [
    "LSTM",
    "RNN",
    "ActivationType",
    "AdamWOptimizer",
    "AdaptationComparison",
    "AdaptationResult",
    "AdaptationTracker",
    "AttentionWeights",
    "Backend",
    "BackendError",
    "BusyError",
    "CPUBackend",
    "CallError",
    "CallbackObserver",
    "ChannelObserver",
    "CheckpointEvaluation",
    "ComparisonResult",
    "ConsoleObserver",
    "ConstantScheduler",
    "Conv1D",
    "Conv2D",
    "CosineAnnealingScheduler",
    "DType",
    "DeliveryStatus",
    "Dense",
    "DeviationBucket",
    "DeviationMetrics",
    "DiagnosisFinding",
    "DiagnosisThresholds",
    "Dropout",
    "Embedding",
    "ExponentialDecayScheduler",
    "GenericStepState",
    "GridPosition",
    "HTTPObserver",
    "LRScheduler",
    "LSTMWeights",
    "Layer",
    "LayerEvent",
    "LayerNorm",
    "LayerObserver",
    "LayerStats",
    "LayerTelemetry",
    "LayerType",
    "LimitError",
    "LinearDecayScheduler",
    "LoadedModel",
    "LoomError",
    "LossGradient",
    "MethodInfo",
    "ModelFormatError",
    "ModelNotFoundError",
    "ModelTelemetry",
    "MultiHeadAttention",
    "Network",
    "NetworkBlueprint",
    "NonFiniteError",
    "Optimizer",
    "OptimizerConfig",
    "Parallel",
    "ParameterInfo",
    "PolynomialDecayScheduler",
    "PredictionResult",
    "RMSNorm",
    "RMSpropOptimizer",
    "RecordedActivity",
    "RecordingObserver",
    "Residual",
    "SGDOptimizer",
    "SchedulerConfig",
    "Sequential",
    "ShapeError",
    "Softmax",
    "SoftmaxType",
    "SpecError",
    "StepDecayScheduler",
    "StepState",
    "SteppingTrainingConfig",
    "SteppingTrainingResult",
    "SwiGLU",
    "TaskChange",
    "Tensor",
    "TimeWindow",
    "TrainingBatch",
    "TrainingConfig",
    "TrainingData",
    "TrainingEvent",
    "TrainingMetrics",
    "TrainingProgress",
    "TrainingResult",
    "WarmupScheduler",
    "__version__",
    "build_network_from_file",
    "build_network_from_json",
    "call_layer_init",
    "cross_entropy_loss_grad",
    "default_training_config",
    "deserialize_model",
    "diagnose_stats",
    "evaluate_from_checkpoint_files",
    "evaluate_model",
    "evaluate_prediction",
    "extract_bundle_blueprint",
    "extract_network_blueprint",
    "extract_network_blueprint_json",
    "list_layer_init_functions",
    "list_models",
    "load_bundle",
    "load_bundle_from_string",
    "load_metrics",
    "load_metrics_from_string",
    "load_model",
    "load_model_from_string",
    "load_model_with_dtype",
    "max_abs_diff",
    "maximum",
    "mean",
    "minimum",
    "new_adamw_optimizer",
    "new_adamw_optimizer_default",
    "new_adaptation_comparison",
    "new_adaptation_tracker",
    "new_channel_observer",
    "new_comparison_result",
    "new_console_observer",
    "new_constant_scheduler",
    "new_cosine_annealing_scheduler",
    "new_cosine_annealing_with_warm_restarts",
    "new_deviation_metrics",
    "new_exponential_decay_scheduler",
    "new_http_observer",
    "new_linear_decay_scheduler",
    "new_polynomial_decay_scheduler",
    "new_recording_observer",
    "new_rmsprop_optimizer",
    "new_rmsprop_optimizer_default",
    "new_sgd_optimizer",
    "new_sgd_optimizer_with_momentum",
    "new_step_decay_scheduler",
    "new_tensor",
    "new_tensor_from_slice",
    "new_training_metrics",
    "new_warmup_scheduler",
    "run_layer",
    "save_bundle",
    "save_bundle_to_string",
]
