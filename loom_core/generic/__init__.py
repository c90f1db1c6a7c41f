"""Tensors of any numeric type, and every layer and network as functions of them.

What a number in an integer tensor means, and how results are rounded, is said once, in
:mod:`loom_core.generic.numeric`. Nothing here computes by itself: see
:mod:`loom_core.generic.tensor_graph`.
"""

from loom_core.generic.activation import (
    activate as activate,
    activate_derivative as activate_derivative,
    activate_derivative_tensor as activate_derivative_tensor,
    activate_tensor as activate_tensor,
)
from loom_core.generic.attention import (
    AttentionWeights as AttentionWeights,
    multi_head_attention_backward as multi_head_attention_backward,
    multi_head_attention_forward as multi_head_attention_forward,
)
from loom_core.generic.backend import Backend as Backend
from loom_core.generic.conversions import (
    convert_slice_float32_to_t as convert_slice_float32_to_t,
    convert_slice_t_to_float32 as convert_slice_t_to_float32,
    convert_tensor_float32_to_t as convert_tensor_float32_to_t,
    convert_tensor_t_to_float32 as convert_tensor_t_to_float32,
)
from loom_core.generic.convolution import (
    conv1d_backward as conv1d_backward,
    conv1d_forward as conv1d_forward,
    conv2d_backward as conv2d_backward,
    conv2d_forward as conv2d_forward,
)
from loom_core.generic.cpu_backend import (
    CPUBackend as CPUBackend,
    new_cpu_backend as new_cpu_backend,
)
from loom_core.generic.dense import dense_backward as dense_backward, dense_forward as dense_forward
from loom_core.generic.embedding import (
    embedding_backward as embedding_backward,
    embedding_forward as embedding_forward,
)
from loom_core.generic.lstm import (
    LSTMWeights as LSTMWeights,
    lstm_backward as lstm_backward,
    lstm_forward as lstm_forward,
)
from loom_core.generic.network_passes import (
    generic_backward_pass as generic_backward_pass,
    generic_forward_pass as generic_forward_pass,
)
from loom_core.generic.network_training import (
    generic_train_step as generic_train_step,
    update_weights_generic as update_weights_generic,
)
from loom_core.generic.new_tensor import (
    new_tensor as new_tensor,
    new_tensor_from_slice as new_tensor_from_slice,
)
from loom_core.generic.norms import (
    layer_norm_backward as layer_norm_backward,
    layer_norm_forward as layer_norm_forward,
    rms_norm_backward as rms_norm_backward,
    rms_norm_forward as rms_norm_forward,
)
from loom_core.generic.numeric import (
    DTYPES as DTYPES,
    FIXED_POINT_SCALE as FIXED_POINT_SCALE,
    DTypeName as DTypeName,
    Numeric as Numeric,
    is_float_type as is_float_type,
    is_integer_type as is_integer_type,
)
from loom_core.generic.parallel import (
    parallel_backward as parallel_backward,
    parallel_backward_filtered as parallel_backward_filtered,
    parallel_forward as parallel_forward,
    parallel_forward_filtered as parallel_forward_filtered,
)
from loom_core.generic.residual import (
    residual_backward as residual_backward,
    residual_forward as residual_forward,
)
from loom_core.generic.results import GenericBackwardResult as GenericBackwardResult
from loom_core.generic.rnn import rnn_backward as rnn_backward, rnn_forward as rnn_forward
from loom_core.generic.sequential import (
    sequential_backward as sequential_backward,
    sequential_forward as sequential_forward,
)
from loom_core.generic.softmax import (
    apply_softmax as apply_softmax,
    apply_softmax_grid as apply_softmax_grid,
    softmax_backward as softmax_backward,
)
from loom_core.generic.stepping import (
    GenericStepState as GenericStepState,
    new_generic_step_state as new_generic_step_state,
    step_backward_generic as step_backward_generic,
    step_forward_generic as step_forward_generic,
)
from loom_core.generic.swiglu import (
    swiglu_backward as swiglu_backward,
    swiglu_forward as swiglu_forward,
)
from loom_core.generic.tensor import Tensor as Tensor
