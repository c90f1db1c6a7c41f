"""Neural networks that train and run in a web page and natively, from one source.

>>> network = Network(2, 1, 1, 2, seed=1)
>>> network.set_layer(0, 0, 0, Dense(2, 3, "tanh"))
>>> network.set_layer(0, 0, 1, Dense(3, 1, "linear"))
>>> network.forward_cpu([0.5, -1.0]).shape
(1,)
"""

__version__ = "0.1.0"

from loom_core.enums import ActivationType, DType, LayerType, SoftmaxType
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
from loom_core.generic import (
    AttentionWeights,
    Backend,
    CPUBackend,
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
from loom_core.model_io.bundle import (
    LoadedModel,
    deserialize_model,
    list_models,
    load_bundle,
    load_bundle_from_string,
    load_model,
    load_model_from_string,
    load_model_with_dtype,
    save_bundle,
    save_bundle_to_string,
)
from loom_core.model_io.network_json import build_network_from_file, build_network_from_json
from loom_core.network import Network
from loom_core.registry import call_layer_init, list_layer_init_functions
from loom_core.single_layer import run_layer
from loom_core.train.config import (
    TrainingBatch,
    TrainingConfig,
    TrainingData,
    TrainingProgress,
    TrainingResult,
)

__all__ = [
    "LSTM",
    "RNN",
    "ActivationType",
    "AttentionWeights",
    "Backend",
    "BackendError",
    "BusyError",
    "CPUBackend",
    "CallError",
    "Conv1D",
    "Conv2D",
    "DType",
    "Dense",
    "Embedding",
    "GridPosition",
    "LSTMWeights",
    "Layer",
    "LayerNorm",
    "LayerType",
    "LimitError",
    "LoadedModel",
    "LoomError",
    "ModelFormatError",
    "ModelNotFoundError",
    "MultiHeadAttention",
    "Network",
    "NonFiniteError",
    "Parallel",
    "RMSNorm",
    "Residual",
    "Sequential",
    "ShapeError",
    "Softmax",
    "SoftmaxType",
    "SpecError",
    "SwiGLU",
    "Tensor",
    "TrainingBatch",
    "TrainingConfig",
    "TrainingData",
    "TrainingProgress",
    "TrainingResult",
    "__version__",
    "build_network_from_file",
    "build_network_from_json",
    "call_layer_init",
    "deserialize_model",
    "list_layer_init_functions",
    "list_models",
    "load_bundle",
    "load_bundle_from_string",
    "load_model",
    "load_model_from_string",
    "load_model_with_dtype",
    "new_tensor",
    "new_tensor_from_slice",
    "run_layer",
    "save_bundle",
    "save_bundle_to_string",
]
