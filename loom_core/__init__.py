"""Neural networks that train and run in a web page and natively, from one source.

>>> network = Network.of(Dense(3, "tanh"), Dense(1, "linear"), input_size=2, seed=1)
>>> network.forward_cpu([0.5, -1.0]).shape
(1,)

Each name that Python's users need stands here once, given on as itself. JavaScript calls more
functions, such as ``NewSGDOptimizer`` where Python calls the class; they stay in their modules, and
importing this package registers them too (:mod:`loom_core.public`).
"""

from types import ModuleType as _ModuleType

from loom_core.activations import ActivationType as ActivationType
from loom_core.backends.choice import BackendReport as BackendReport
from loom_core.enums import (
    DType as DType,
    LayerType as LayerType,
    SoftmaxType as SoftmaxType,
)
from loom_core.errors import (
    BackendError as BackendError,
    BusyError as BusyError,
    CallError as CallError,
    LimitError as LimitError,
    LoomError as LoomError,
    ModelFormatError as ModelFormatError,
    ModelNotFoundError as ModelNotFoundError,
    NonFiniteError as NonFiniteError,
    ShapeError as ShapeError,
    SpecError as SpecError,
)
from loom_core.evaluate.adaptation_records import (
    TaskChange as TaskChange,
    TimeWindow as TimeWindow,
)
from loom_core.evaluate.adaptation_result import (
    AdaptationComparison as AdaptationComparison,
    AdaptationResult as AdaptationResult,
)
from loom_core.evaluate.adaptation_tracker import AdaptationTracker as AdaptationTracker
from loom_core.evaluate.deviation_metrics import (
    DeviationMetrics as DeviationMetrics,
    evaluate_model as evaluate_model,
)
from loom_core.evaluate.deviations import DeviationBucket as DeviationBucket
from loom_core.evaluate.method_comparison import ComparisonResult as ComparisonResult
from loom_core.evaluate.prediction import (
    PredictionResult as PredictionResult,
    evaluate_prediction as evaluate_prediction,
)
from loom_core.evaluate.saved_metrics import (
    load_metrics as load_metrics,
    load_metrics_from_string as load_metrics_from_string,
)
from loom_core.evaluate.training_metrics import TrainingMetrics as TrainingMetrics
from loom_core.functions.extraction import (
    extract_bundle_blueprint as extract_bundle_blueprint,
    extract_network_blueprint as extract_network_blueprint,
    extract_network_blueprint_json as extract_network_blueprint_json,
)
from loom_core.functions.model_evaluation import (
    evaluate_from_checkpoint_files as evaluate_from_checkpoint_files,
)
from loom_core.functions.single_layer import run_layer as run_layer
from loom_core.generic import (
    AttentionWeights as AttentionWeights,
    Backend as Backend,
    CPUBackend as CPUBackend,
    GenericStepState as GenericStepState,
    LSTMWeights as LSTMWeights,
    Tensor as Tensor,
)
from loom_core.layers import (
    GRU as GRU,
    LSTM as LSTM,
    RNN as RNN,
    AvgPool2D as AvgPool2D,
    BatchNorm as BatchNorm,
    Conv1D as Conv1D,
    Conv2D as Conv2D,
    Dense as Dense,
    Dropout as Dropout,
    Embedding as Embedding,
    GridPosition as GridPosition,
    Layer as Layer,
    LayerNorm as LayerNorm,
    MaxPool2D as MaxPool2D,
    MultiHeadAttention as MultiHeadAttention,
    Parallel as Parallel,
    Residual as Residual,
    RMSNorm as RMSNorm,
    Sequential as Sequential,
    Softmax as Softmax,
    SwiGLU as SwiGLU,
)
from loom_core.model_io.size_info import ModelSizeInfo as ModelSizeInfo
from loom_core.models.bundle import (
    LoadedModel as LoadedModel,
    deserialize_model as deserialize_model,
    list_models as list_models,
    load_bundle as load_bundle,
    load_bundle_from_string as load_bundle_from_string,
    load_model as load_model,
    load_model_from_string as load_model_from_string,
    load_model_with_dtype as load_model_with_dtype,
    save_bundle as save_bundle,
)
from loom_core.models.model_bundle import ModelBundle as ModelBundle
from loom_core.models.network_json import (
    build_network_from_file as build_network_from_file,
    build_network_from_json as build_network_from_json,
)
from loom_core.network.bundle_text import save_bundle_to_string as save_bundle_to_string
from loom_core.network.evaluation import CheckpointEvaluation as CheckpointEvaluation
from loom_core.network.gpu import GPUDeviceInfo as GPUDeviceInfo
from loom_core.network.introspecting import (
    MethodInfo as MethodInfo,
    ParameterInfo as ParameterInfo,
)
from loom_core.network.network import Network as Network
from loom_core.observers.channel import ChannelObserver as ChannelObserver
from loom_core.observers.diagnosis import (
    DiagnosisFinding as DiagnosisFinding,
    diagnose_stats as diagnose_stats,
)
from loom_core.observers.http_observer import (
    DeliveryStatus as DeliveryStatus,
    HTTPObserver as HTTPObserver,
)
from loom_core.observers.observer import (
    CallbackObserver as CallbackObserver,
    ConsoleObserver as ConsoleObserver,
    LayerObserver as LayerObserver,
)
from loom_core.observers.recording import RecordingObserver as RecordingObserver
from loom_core.observers.records import (
    LayerEvent as LayerEvent,
    LayerStats as LayerStats,
    RecordedActivity as RecordedActivity,
    TrainingEvent as TrainingEvent,
)
from loom_core.observers.symptoms import DiagnosisThresholds as DiagnosisThresholds
from loom_core.optimize.loss_gradients import (
    LossGradient as LossGradient,
    cross_entropy_loss_grad as cross_entropy_loss_grad,
)
from loom_core.optimize.optimizer import Optimizer as Optimizer
from loom_core.optimize.optimizer_config import OptimizerConfig as OptimizerConfig
from loom_core.optimize.optimizers import (
    AdamOptimizer as AdamOptimizer,
    AdamWOptimizer as AdamWOptimizer,
    LionOptimizer as LionOptimizer,
    RMSpropOptimizer as RMSpropOptimizer,
    SGDOptimizer as SGDOptimizer,
)
from loom_core.optimize.scheduler import LRScheduler as LRScheduler
from loom_core.optimize.scheduler_config import SchedulerConfig as SchedulerConfig
from loom_core.optimize.schedulers import (
    ConstantScheduler as ConstantScheduler,
    CosineAnnealingScheduler as CosineAnnealingScheduler,
    ExponentialDecayScheduler as ExponentialDecayScheduler,
    InverseSquareRootScheduler as InverseSquareRootScheduler,
    LinearDecayScheduler as LinearDecayScheduler,
    PolynomialDecayScheduler as PolynomialDecayScheduler,
    StepDecayScheduler as StepDecayScheduler,
    WarmupScheduler as WarmupScheduler,
)
from loom_core.stepping.step_state import StepState as StepState
from loom_core.stepping.training_config import (
    SteppingTrainingConfig as SteppingTrainingConfig,
    SteppingTrainingResult as SteppingTrainingResult,
)
from loom_core.telemetry.telemetry_records import (
    LayerHealth as LayerHealth,
    LayerTelemetry as LayerTelemetry,
    MemoryTelemetry as MemoryTelemetry,
    ModelTelemetry as ModelTelemetry,
    NetworkBlueprint as NetworkBlueprint,
    Telemetry as Telemetry,
)
from loom_core.train.config import (
    TrainingBatch as TrainingBatch,
    TrainingConfig as TrainingConfig,
    TrainingData as TrainingData,
    TrainingProgress as TrainingProgress,
    TrainingResult as TrainingResult,
)
from loom_core.version import __version__ as __version__

# For help() and imports of *. Type checkers go by `X as X` above, and would take an __all__ that
# they cannot work out for an empty one: so it is set where they do not look.
globals()["__all__"] = sorted(
    name
    for name, value in globals().items()
    if not name.startswith("_") and not isinstance(value, _ModuleType)
)
