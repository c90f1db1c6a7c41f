"""Kernels of the elementwise ops: shaders/elementwise.wgsl."""

from __future__ import annotations

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import element_count
from loom_core.backends.webgpu.dispatch import (
    Adapter,
    Dispatch,
    Encoder,
    Kernel,
    Operand,
    Shapes,
)
from loom_core.backends.webgpu.kernels.grids import cell_grid, vectors_of
from loom_core.graph.op import Attributes, number


def _cell_wise(entry: str, operands: int) -> Encoder:
    """An op of ``operands`` arrays of one shape."""

    def encoder(
        inputs: Shapes, outputs: Shapes, attributes: Attributes, adapter: Adapter
    ) -> Kernel:
        count = element_count(inputs[0])
        if count == 0:
            return Kernel([])
        factor = number(attributes, "factor") if "factor" in attributes else 1.0
        function = attributes.get("function")
        constants = {} if function is None else {"FUNCTION": ACTIVATIONS[str(function)].code}
        buffers = (*(Operand("input", i) for i in range(operands)), Operand("output"))
        dispatch = Dispatch(
            "elementwise",
            entry,
            buffers,
            parameters=(vectors_of(count), factor),
            constants=constants,
            workgroups=cell_grid(vectors_of(count), adapter),
        )
        return Kernel([dispatch])

    return encoder


ENCODERS: dict[str, Encoder] = {
    "add": _cell_wise("add", 2),
    "mul": _cell_wise("mul", 2),
    "scale": _cell_wise("scale", 1),
    "div": _cell_wise("div", 2),
    "sqrt": _cell_wise("root", 1),
    "sign": _cell_wise("signs", 1),
    "activate": _cell_wise("activate", 1),
    "activate_dx": _cell_wise("activate_dx", 2),
}
