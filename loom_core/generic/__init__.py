"""Tensors of any numeric type, and every layer and network as functions of them.

What a number in an integer tensor means, and how results are rounded, is said once, in
:mod:`loom_core.generic.numeric`. Nothing here computes by itself: see
:mod:`loom_core.generic.tensor_graph`.
"""

from loom_core.generic.activation import (
    activate,
    activate_derivative,
    activate_derivative_tensor,
    activate_tensor,
)
from loom_core.generic.attention import (
    AttentionWeights,
    multi_head_attention_backward,
    multi_head_attention_forward,
)
from loom_core.generic.backend import Backend
from loom_core.generic.conversions import (
    convert_slice_float32_to_t,
    convert_slice_t_to_float32,
    convert_tensor_float32_to_t,
    convert_tensor_t_to_float32,
)
from loom_core.generic.convolution import (
    conv1d_backward,
    conv1d_forward,
    conv2d_backward,
    conv2d_forward,
)
from loom_core.generic.cpu_backend import CPUBackend, new_cpu_backend
from loom_core.generic.dense import dense_backward, dense_forward
from loom_core.generic.embedding import embedding_backward, embedding_forward
from loom_core.generic.lstm import LSTMWeights, lstm_backward, lstm_forward
from loom_core.generic.network_passes import generic_backward_pass, generic_forward_pass
from loom_core.generic.network_training import generic_train_step, update_weights_generic
from loom_core.generic.new_tensor import new_tensor, new_tensor_from_slice
from loom_core.generic.norms import (
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)
from loom_core.generic.numeric import (
    DTYPES,
    FIXED_POINT_SCALE,
    DTypeName,
    Numeric,
    is_float_type,
    is_integer_type,
)
from loom_core.generic.parallel import (
    parallel_backward,
    parallel_backward_filtered,
    parallel_forward,
    parallel_forward_filtered,
)
from loom_core.generic.residual import residual_backward, residual_forward
from loom_core.generic.results import GenericBackwardResult
from loom_core.generic.rnn import rnn_backward, rnn_forward
from loom_core.generic.sequential import sequential_backward, sequential_forward
from loom_core.generic.softmax import apply_softmax, apply_softmax_grid, softmax_backward
from loom_core.generic.stepping import (
    GenericStepState,
    new_generic_step_state,
    step_backward_generic,
    step_forward_generic,
)
from loom_core.generic.swiglu import swiglu_backward, swiglu_forward
from loom_core.generic.tensor import Tensor

__all__ = [
    "DTYPES",
    "FIXED_POINT_SCALE",
    "AttentionWeights",
    "Backend",
    "CPUBackend",
    "DTypeName",
    "GenericBackwardResult",
    "GenericStepState",
    "LSTMWeights",
    "Numeric",
    "Tensor",
    "activate",
    "activate_derivative",
    "activate_derivative_tensor",
    "activate_tensor",
    "apply_softmax",
    "apply_softmax_grid",
    "conv1d_backward",
    "conv1d_forward",
    "conv2d_backward",
    "conv2d_forward",
    "convert_slice_float32_to_t",
    "convert_slice_t_to_float32",
    "convert_tensor_float32_to_t",
    "convert_tensor_t_to_float32",
    "dense_backward",
    "dense_forward",
    "embedding_backward",
    "embedding_forward",
    "generic_backward_pass",
    "generic_forward_pass",
    "generic_train_step",
    "is_float_type",
    "is_integer_type",
    "layer_norm_backward",
    "layer_norm_forward",
    "lstm_backward",
    "lstm_forward",
    "multi_head_attention_backward",
    "multi_head_attention_forward",
    "new_cpu_backend",
    "new_generic_step_state",
    "new_tensor",
    "new_tensor_from_slice",
    "parallel_backward",
    "parallel_backward_filtered",
    "parallel_forward",
    "parallel_forward_filtered",
    "residual_backward",
    "residual_forward",
    "rms_norm_backward",
    "rms_norm_forward",
    "rnn_backward",
    "rnn_forward",
    "sequential_backward",
    "sequential_forward",
    "softmax_backward",
    "step_backward_generic",
    "step_forward_generic",
    "swiglu_backward",
    "swiglu_forward",
    "update_weights_generic",
]
