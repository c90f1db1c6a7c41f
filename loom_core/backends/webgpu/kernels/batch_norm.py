"""Kernels of the normalisation over a batch: shaders/batch_norm.wgsl."""

from __future__ import annotations

from loom_core.backends.kernel_shapes import around
from loom_core.backends.webgpu.dispatch import Adapter, Dispatch, Encoder, Kernel, Operand, Shapes
from loom_core.backends.webgpu.kernels.grids import row_grid
from loom_core.graph.op import Attributes, integer, number


def _over_the_batch(entry: str) -> Encoder:
    def encoder(
        inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
    ) -> Kernel:
        outer, channels, inner = around(inputs[0], integer(attributes, "axis"))
        if channels == 0:
            return Kernel(())
        epsilon = number(attributes, "epsilon") if "epsilon" in attributes else 0.0
        grid = row_grid(channels, outer * inner, adapter)
        dispatch = Dispatch(
            "batch_norm",
            entry,
            (
                *(Operand("input", i) for i in range(len(inputs))),
                *(Operand("output", i) for i in range(len(outputs))),
            ),
            parameters=(outer, channels, inner, epsilon),
            constants=grid.constants,
            workgroups=grid.workgroups,
        )
        return Kernel([dispatch])

    return encoder


ENCODERS: dict[str, Encoder] = {
    name: _over_the_batch(name) for name in ("batch_norm", "batch_norm_dx")
}
