"""The layer types, by name. Each file holds one layer: settings, weights, lowering."""

from __future__ import annotations

from loom_core.errors import SpecError
from loom_core.layers.base import Layer as Layer
from loom_core.layers.batch_norm import BatchNorm as BatchNorm
from loom_core.layers.convolution import Conv1D as Conv1D, Conv2D as Conv2D
from loom_core.layers.dense import Dense as Dense
from loom_core.layers.dropout import Dropout as Dropout
from loom_core.layers.embedding import Embedding as Embedding
from loom_core.layers.multi_head_attention import MultiHeadAttention as MultiHeadAttention
from loom_core.layers.norms import LayerNorm as LayerNorm, RMSNorm as RMSNorm
from loom_core.layers.parallel import GridPosition as GridPosition, Parallel as Parallel
from loom_core.layers.pooling import AvgPool2D as AvgPool2D, MaxPool2D as MaxPool2D
from loom_core.layers.recurrent import GRU as GRU, LSTM as LSTM, RNN as RNN
from loom_core.layers.residual import Residual as Residual
from loom_core.layers.sequential import Sequential as Sequential
from loom_core.layers.softmax import Softmax as Softmax
from loom_core.layers.swiglu import SwiGLU as SwiGLU

LOOM_LAYER_TYPES: tuple[type[Layer], ...] = (
    Dense,
    Conv2D,
    MultiHeadAttention,
    RNN,
    LSTM,
    Softmax,
    LayerNorm,
    Residual,
    RMSNorm,
    SwiGLU,
    Parallel,
    Embedding,
    Conv1D,
    Sequential,
)
"""Those that Loom v0.0.7 has too, in the order of its layer codes: the index is the code."""

LAYER_TYPES: tuple[type[Layer], ...] = (
    *LOOM_LAYER_TYPES,
    Dropout,
    GRU,
    BatchNorm,
    MaxPool2D,
    AvgPool2D,
)
"""All layer types. Those that Loom lacks follow its own, a new one last, and are numbered on."""

_BY_NAME = {name: layer for layer in LAYER_TYPES for name in (layer.type_name, *layer.type_aliases)}


def layer_type(name: str) -> type[Layer]:
    """Return the layer class of a type name in model JSON.

    Raises:
        SpecError: There is no layer type of that name.
    """
    if name not in _BY_NAME:
        raise SpecError(
            f"unknown layer type {name!r}", hint=f"Use one of {', '.join(sorted(_BY_NAME))}."
        )
    return _BY_NAME[name]
