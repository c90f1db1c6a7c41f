"""Layers by function call: one init function for every layer type.

They take the documented parameters in the documented order, and return a layer for SetLayer. Its
weights are drawn from the network's seed when it is first used there. ``batch_size`` parameters are
kept for the documented order; a layer works for any batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from loom_core.activations import activation as find_activation
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
from loom_core.public import documented_like, public, read_record


@public("InitDenseLayer")
def init_dense_layer(
    input_size: int, output_size: int, activation: str | int = "scaled_relu"
) -> Layer:
    """Return a fully connected layer.

    Args:
        input_size: Numbers in a sample that goes in, at least 1.
        output_size: Numbers that come out, at least 1.
        activation: Name or code of the activation function.
    """
    return Dense(output_size, find_activation(activation).name, input_size=input_size)


@public("InitStitchLayer")
def init_stitch_layer(input_size: int, output_size: int) -> Layer:
    """Return a Dense layer without activation, to join layers of different widths.

    Args:
        input_size: Numbers in a sample that goes in, at least 1.
        output_size: Numbers that come out, at least 1.
    """
    return Dense(output_size, "linear", input_size=input_size)


@public("InitConv2DLayer")
def init_conv2d_layer(
    input_height: int,
    input_width: int,
    input_channels: int,
    kernel_size: int,
    stride: int,
    padding: int,
    filters: int,
    activation: str | int = "scaled_relu",
) -> Layer:
    """Return a convolution over images.

    Args:
        input_height: Rows of an image.
        input_width: Columns of an image.
        input_channels: Numbers for each of its cells, such as 3 for colours.
        kernel_size: Rows and columns of the kernel.
        stride: Cells from one place of the kernel to the next, at least 1.
        padding: Cells of zeros on each side, at least 0.
        filters: Channels that come out.
        activation: Name or code of the activation function.
    """
    return Conv2D(
        filters, kernel_size, stride, padding, activation,
        input_channels=input_channels, input_height=input_height, input_width=input_width,
    )  # fmt: skip


@public("InitConv1DLayer")
def init_conv1d_layer(
    seq_len: int,
    in_channels: int,
    kernel_size: int,
    stride: int,
    padding: int,
    filters: int,
    activation: str | int = "scaled_relu",
) -> Layer:
    """Return a convolution along a sequence.

    Args:
        seq_len: Steps of a sequence.
        in_channels: Numbers for each of its steps.
        kernel_size: Steps of the kernel.
        stride: Steps from one place of the kernel to the next, at least 1.
        padding: Steps of zeros on each side, at least 0.
        filters: Channels that come out.
        activation: Name or code of the activation function.
    """
    return Conv1D(
        filters, kernel_size, stride, padding, activation,
        input_channels=in_channels, input_length=seq_len,
    )  # fmt: skip


@public("InitMultiHeadAttentionLayer")
def init_multi_head_attention_layer(
    d_model: int,
    num_heads: int,
    batch_size: int | None = None,
    seq_length: int | None = None,
    num_kv_heads: int | None = None,
    causal: bool = False,
    rope_theta: float | None = None,
) -> Layer:
    """Return attention, grouped-query where num_kv_heads is smaller than num_heads.

    Args:
        d_model: Numbers in a token.
        num_heads: Heads that ask.
        batch_size: Kept for the documented order: a layer works for any batch.
        seq_length: Tokens in a sequence; as many as the input holds when left out.
        num_kv_heads: Heads that are asked, a divisor of num_heads; num_heads when left out.
        causal: A token sees itself and those before it only.
        rope_theta: Base of rotary position embedding, such as 10000; no positions when left out.
    """
    return MultiHeadAttention(
        num_heads, d_model, num_kv_heads=num_kv_heads, seq_length=seq_length,
        causal=causal, rope_theta=rope_theta,
    )  # fmt: skip


@public("InitRNNLayer")
def init_rnn_layer(
    input_size: int, hidden_size: int, batch_size: int | None = None, seq_length: int | None = None
) -> Layer:
    """Return a recurrent layer that gives out every step.

    Args:
        input_size: Numbers in a step that goes in.
        hidden_size: Numbers in a state, and in a step that comes out.
        batch_size: Kept for the documented order: a layer works for any batch.
        seq_length: T, steps in a sequence; as many as the input holds when left out.
    """
    return RNN(hidden_size, input_size, seq_length=seq_length)


@public("InitLSTMLayer")
@documented_like(init_rnn_layer)
def init_lstm_layer(
    input_size: int, hidden_size: int, batch_size: int | None = None, seq_length: int | None = None
) -> Layer:
    """Return a long short-term memory that gives out every step.

    The parameters are those of :func:`init_rnn_layer`.
    """
    return LSTM(hidden_size, input_size, seq_length=seq_length)


@public("InitLayerNormLayer")
def init_layer_norm_layer(norm_size: int, epsilon: float = 1e-5) -> Layer:
    """Return a layer normalisation over groups of norm_size numbers.

    Args:
        norm_size: Numbers in a group.
        epsilon: Above 0, added to the variance.
    """
    return LayerNorm(norm_size, epsilon)


@public("InitRMSNormLayer")
def init_rms_norm_layer(norm_size: int, epsilon: float = 1e-5) -> Layer:
    """Return a root-mean-square normalisation over groups of norm_size numbers.

    Args:
        norm_size: Numbers in a group.
        epsilon: Above 0, added to the mean square.
    """
    return RMSNorm(norm_size, epsilon)


@public("InitResidualLayer")
def init_residual_layer(layers_back: int = 1) -> Layer:
    """Return a skip connection over the layers before it.

    Args:
        layers_back: How many layers the connection jumps over, at least 1; cut at the first layer.
    """
    return Residual(layers_back)


@public("InitSwiGLULayer")
def init_swiglu_layer(hidden_size: int, intermediate_size: int) -> Layer:
    """Return a gated feed-forward block.

    Args:
        hidden_size: Numbers in a token that goes in and comes out.
        intermediate_size: Numbers in between.
    """
    return SwiGLU(intermediate_size, hidden_size)


@public("InitEmbeddingLayer")
def init_embedding_layer(vocab_size: int, embedding_dim: int) -> Layer:
    """Return a table of vectors, one for each token number.

    Args:
        vocab_size: Rows of the table: tokens are numbered from 0.
        embedding_dim: Numbers in a vector.
    """
    return Embedding(vocab_size, embedding_dim)


@public("InitSequentialLayer")
def init_sequential_layer(layers: Sequence[Layer]) -> Layer:
    """Return layers one after the other as one layer.

    Args:
        layers: In the order in which they run, at least one.
    """
    return Sequential(layers)


@public("InitParallelLayer")
def init_parallel_layer(branches: Sequence[Layer], combine_mode: str = "concat") -> Layer:
    """Return branches whose outputs are joined: concat, add or avg.

    Args:
        branches: Layers that all read the same input, at least one.
        combine_mode: ``"concat"`` one after the other, ``"add"`` their sum, or ``"avg"`` their
            mean.
    """
    return Parallel(branches, combine_mode)


@public("InitGridScatterLayer")
def init_grid_scatter_layer(
    branches: Sequence[Layer],
    positions: Sequence[GridPosition],
    rows: int,
    cols: int,
    layers: int = 1,
) -> Layer:
    """Return branches whose outputs are put into cells of a grid.

    Args:
        branches: Layers that all read the same input, at least one.
        positions: A cell for each branch, no cell twice.
        rows: Rows of the grid, at least 1.
        cols: Columns of the grid, at least 1.
        layers: Layers of the grid, at least 1.
    """
    places = [read_record(GridPosition, place) for place in positions]
    return Parallel(
        branches, "grid_scatter", grid_positions=places, grid_shape=(rows, cols, layers)
    )


@public("InitFilteredParallelLayer")
def init_filtered_parallel_layer(
    branches: Sequence[Layer],
    gate_input_size: int | None = None,
    softmax_type: str = "standard",
    temperature: float = 1.0,
    gate: Layer | None = None,
) -> Layer:
    """Return branches mixed by a gate: a Dense layer of gate_input_size, or any given layer.

    Args:
        branches: Layers that all read the same input, at least one.
        gate_input_size: Numbers in a sample that goes in; inferred when left out, and not used
            where ``gate`` is given.
        softmax_type: Variant of the softmax that makes weights of what the gate gives.
        temperature: Of that softmax, above 0; small lets one branch win, large mixes evenly.
        gate: A layer that gives one number for each branch; a Dense layer when left out.
    """
    chosen = gate or Dense(len(branches), "linear", input_size=gate_input_size)
    softmax = Softmax(temperature, variant=softmax_type)
    return Parallel(branches, "filter", gate=chosen, gate_softmax=softmax)
