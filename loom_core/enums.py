"""The public integer codes, by name. Functions that take an activation take names as well."""

from __future__ import annotations

from enum import IntEnum

from loom_core.activations import ActivationType


class LayerType(IntEnum):
    """Layer types by name, and the codes that stand for them; those from 14 on are not Loom's."""

    Dense = 0
    Conv2D = 1
    MultiHeadAttention = 2
    RNN = 3
    LSTM = 4
    Softmax = 5
    LayerNorm = 6
    Residual = 7
    RMSNorm = 8
    SwiGLU = 9
    Parallel = 10
    Embedding = 11
    Conv1D = 12
    Sequential = 13
    Dropout = 14
    GRU = 15
    BatchNorm = 16
    MaxPool2D = 17
    AvgPool2D = 18


class SoftmaxType(IntEnum):
    """Softmax variants by name, and the codes that stand for them."""

    Standard = 0
    Grid = 1
    Hierarchical = 2
    Temperature = 3
    Gumbel = 4
    Masked = 5
    Sparse = 6
    Adaptive = 7
    Mixture = 8
    Entmax = 9


class DType(IntEnum):
    """Numeric types of generic tensors."""

    Float32 = 0
    Float64 = 1
    Float16 = 2
    Int8 = 3
    Int16 = 4
    Int32 = 5
    Int64 = 6
    Uint8 = 7
    Uint16 = 8
    Uint32 = 9
    Uint64 = 10


ENUMS: tuple[type[IntEnum], ...] = (ActivationType, DType, LayerType, SoftmaxType)
"""Those that JavaScript sees as objects of numbers, ``loom.LayerType.Dense``."""
