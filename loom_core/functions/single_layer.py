"""One layer on its own: the documented forward functions that take a layer instead of a network."""

from __future__ import annotations

import numpy as np

from loom_core.arrays import F32, FloatData, to_float32
from loom_core.errors import ShapeError, SpecError
from loom_core.layers import LAYER_TYPES, Layer, MultiHeadAttention, RMSNorm, Softmax, SwiGLU
from loom_core.network.network import Network
from loom_core.public import documented_like, public


def run_layer(layer: Layer, data: FloatData, batch_size: int = 1) -> F32:
    """Return the layer's output for flat samples, flat.

    Raises:
        ShapeError: The numbers are not ``batch_size`` samples that fit the layer.
    """
    samples = to_float32(data, "the input")
    if batch_size < 1 or samples.size % batch_size:
        raise ShapeError(f"{samples.size} numbers are not {batch_size} samples of equal width")
    network = Network.of(layer, batch_size=batch_size)
    return network.forward_cpu(samples.reshape(batch_size, -1)).reshape(-1)


@public("ForwardSoftmaxCPU")
def forward_softmax_cpu(input: FloatData, config: Softmax) -> F32:
    """Return a softmax layer's distribution over all scores of one sample.

    Args:
        input: Scores of one sample.
        config: A softmax layer.
    """
    return run_layer(_of_type(config, Softmax), input)


@public("MultiHeadAttentionForwardCPU")
def multi_head_attention_forward_cpu(input: FloatData, config: Layer, batch_size: int = 1) -> F32:
    """Return an attention layer's output for ``batch_size`` sequences.

    Args:
        input: (B, T, D), flat.
        config: An attention layer.
        batch_size: B, sequences in the input.
    """
    return run_layer(_of_type(config, MultiHeadAttention), input, batch_size)


@public("SwiGLUForwardCPU")
def swiglu_forward_cpu(input: FloatData, config: Layer, batch_size: int = 1) -> F32:
    """Return a SwiGLU layer's output for ``batch_size`` samples of one or more tokens.

    Args:
        input: (B, T, D), flat.
        config: A SwiGLU layer.
        batch_size: B, samples in the input.
    """
    return run_layer(_of_type(config, SwiGLU), input, batch_size)


@public("RmsNormForwardCPU")
def rms_norm_forward_cpu(
    input: FloatData, residual: FloatData | None, config: Layer, batch_size: int = 1
) -> F32:
    """Return an RMSNorm layer's output for the input, plus the residual where there is one.

    Args:
        input: For each sample one or more groups of N numbers, flat.
        residual: As many numbers, added first; None for nothing.
        config: An RMSNorm layer.
        batch_size: Samples in the input.
    """
    data = to_float32(input, "the input")
    if residual is not None:
        data = residual_forward_cpu(data, residual)
    return run_layer(_of_type(config, RMSNorm), data, batch_size)


@public("ResidualForwardCPU")
def residual_forward_cpu(input: FloatData, skip: FloatData) -> F32:
    """Return ``input + skip``.

    Args:
        input: Numbers in any shape.
        skip: As many numbers.

    Raises:
        ShapeError: They hold different numbers of values.
    """
    a, b = to_float32(input, "the input").reshape(-1), to_float32(skip, "the skip").reshape(-1)
    if a.size != b.size:
        raise ShapeError(f"a residual connection adds {b.size} numbers to {a.size}")
    return np.add(a, b)


@public("ReshapeTo2D")
def reshape_to_2d(input: FloatData, batch_size: int, channels: int, height: int, width: int) -> F32:
    """Return images (B, C, H, W) of flat numbers, flat as they cross: the order is the same.

    Args:
        input: B * C * H * W numbers.
        batch_size: B, images.
        channels: C, numbers for each cell of an image.
        height: H, rows of an image.
        width: W, its columns.

    Raises:
        ShapeError: The sizes do not multiply to the length of the input.
    """
    data = to_float32(input, "the input").reshape(-1)
    expected = batch_size * channels * height * width
    if min(batch_size, channels, height, width) < 1 or data.size != expected:
        raise ShapeError(
            f"{data.size} numbers are not {batch_size} x {channels} x {height} x {width}"
        )
    return data.copy()


@public("FlattenFrom2D")
@documented_like(reshape_to_2d)
def flatten_from_2d(
    input: FloatData, batch_size: int, channels: int, height: int, width: int
) -> F32:
    """Return images (B, C, H, W) as flat numbers; raises as ReshapeTo2D does.

    The parameters are those of :func:`reshape_to_2d`.
    """
    return reshape_to_2d(input, batch_size, channels, height, width)


@public("LayerTypeToName")
def layer_type_to_name(code: int) -> str:
    """Return the class name of a layer type's code.

    Args:
        code: A code of LayerType: 0 (Dense) to 13 (Sequential) are Loom's, ours follow.

    Raises:
        SpecError: There is no layer type of that code.
    """
    if not 0 <= code < len(LAYER_TYPES):
        raise SpecError(f"layer type codes go from 0 to {len(LAYER_TYPES) - 1}, got {code}")
    return LAYER_TYPES[code].__name__


def _of_type(layer: Layer, wanted: type[Layer]) -> Layer:
    if not isinstance(layer, wanted):
        raise SpecError(f"this takes a {wanted.__name__} layer, got {type(layer).__name__}")
    return layer
