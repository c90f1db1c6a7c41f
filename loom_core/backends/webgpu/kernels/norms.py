"""Kernels of the norms along rows: shaders/norms.wgsl."""

from __future__ import annotations

from loom_core.backends.webgpu.dispatch import Adapter, Encoder, Kernel, Shapes
from loom_core.backends.webgpu.kernels.rows import row_kernel
from loom_core.graph.op import Attributes, number


def _norm(entry: str, centred: bool) -> Encoder:
    def encoder(
        inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
    ) -> Kernel:
        epsilon = number(attributes, "epsilon") if "epsilon" in attributes else 0.0
        shapes = (inputs, outputs)
        return row_kernel("norms", entry, shapes, adapter, (epsilon,), CENTRED=int(centred))

    return encoder


ENCODERS: dict[str, Encoder] = {
    "layer_norm": _norm("norm", centred=True),
    "layer_norm_dx": _norm("norm_dx", centred=True),
    "rms_norm": _norm("norm", centred=False),
    "rms_norm_dx": _norm("norm_dx", centred=False),
}
