"""What Loom v0.0.7 does between layers, turned into explicit settings of the layers it touches.

The quirks of single layers are in their ``from_fields``. Nothing here is consulted when a network
runs: the settings say everything, and our own strings store them.
"""

from __future__ import annotations

from collections.abc import Sequence

from loom_core.arrays import Shape
from loom_core.layers import (
    Dense,
    Layer,
    LayerNorm,
    MultiHeadAttention,
    Parallel,
    RMSNorm,
    Sequential,
    SwiGLU,
)
from loom_core.layers.chain import chain_input_features, complete_chain, complete_layer
from loom_core.layers.sample_shapes import features
from loom_core.running import NetworkGrid


def apply_loom_quirks(network: NetworkGrid) -> None:
    """Set the paddings and residual connections that Loom makes unasked.

    Raises:
        ShapeError: Layers do not fit in a way that Loom does not pad either.
    """
    width = chain_input_features(network.layers)
    start = None if width is None else (width,)
    _pad_dense_inputs(network.layers, start)
    outputs = complete_chain(network.layers, start, network.layer_name)
    _add_residuals(network.layers, [start, *outputs])


def _pad_dense_inputs(layers: Sequence[Layer], shape: Shape | None) -> None:
    """Where a Dense layer's input has another width, Loom pads with zeros or cuts."""
    for layer in layers:
        if layer.disabled:
            continue
        width = features(shape)
        if isinstance(layer, Dense) and layer.input_size and width is not None:
            layer.input_fit = "exact" if width == layer.input_size else "pad"
        if isinstance(layer, Sequential):
            _pad_dense_inputs(layer.children, shape)
        for child in layer.children if isinstance(layer, Parallel) else ():
            _pad_dense_inputs([child], shape)
        shape = complete_layer(layer, shape)


def _add_residuals(layers: Sequence[Layer], trail: Sequence[Shape | None]) -> None:
    """Loom remembers one value and adds it to later layers of the same width.

    RMSNorm remembers its input. Attention and SwiGLU add what is remembered to their output,
    LayerNorm to its input, and all three then remember their output (LayerNorm only where
    something was remembered before). Nothing ever clears it.
    """
    remembered: int | None = None  # a place in the chain: k is the input of layer k
    widths = [features(shape) for shape in trail]
    for index, layer in enumerate(layers):
        if layer.disabled:
            continue
        fits = remembered is not None and widths[remembered] == widths[index]
        if isinstance(layer, RMSNorm):
            remembered = index
        elif isinstance(layer, MultiHeadAttention | SwiGLU) or (
            isinstance(layer, LayerNorm) and remembered is not None
        ):
            layer.skip_from = remembered if fits else None
            remembered = index + 1
