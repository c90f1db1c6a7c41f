"""A kernel on the GPU as plain data: which shader runs, on which buffers, how often.

Both devices (a browser's, and the wgpu package's) run the same list, from the same shader files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from loom_core.arrays import Array, Shape
from loom_core.graph.op import Attributes

MOST_WORKGROUPS = 65535
"""In one dimension of a dispatch: what every WebGPU device allows."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A buffer of a dispatch, named by its role in the op.

    Args:
        role: An input or output of the op, working memory of the kernel, or a constant array.
        index: Which one, from 0.
    """

    role: Literal["input", "output", "temporary", "constant"]
    index: int = 0


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One run of a shader.

    Args:
        shader: File name in ``shaders/`` without its ending.
        entry: Name of the compute function.
        buffers: Bindings 0, 1, ... of group 0.
        parameters: 32-bit words of the uniform buffer, bound after the buffers; whole numbers as
            u32 (i32 by its bits), real ones as f32. Left out where there are none.
        constants: Values of the shader's ``override`` constants.
        workgroups: How many, by x, y, z.
    """

    shader: str
    entry: str
    buffers: tuple[Operand, ...]
    parameters: tuple[int | float, ...] = ()
    constants: Mapping[str, int | float] = field(default_factory=dict)
    workgroups: tuple[int, int, int] = (1, 1, 1)


@dataclass(frozen=True, slots=True)
class Kernel:
    """All that an op asks of the device.

    Args:
        dispatches: In order; each sees what those before it wrote.
        temporaries: Sizes of working memory, in numbers of 32 bits.
        constants: Arrays that never change (32-bit types).
    """

    dispatches: Sequence[Dispatch]
    temporaries: Sequence[int] = ()
    constants: Sequence[Array] = ()


@dataclass(frozen=True, slots=True)
class Adapter:
    """What kernels may ask about the device they are chosen for.

    Args:
        software: It computes on a CPU: no shared memory that is worth filling, few lanes.
        limits: WebGPU limit names and values.
    """

    software: bool
    limits: Mapping[str, int] = field(default_factory=dict)


Shapes = Sequence[Shape]
Encoder = Callable[[Shapes, Shapes, Attributes, Adapter], Kernel]
"""Input shapes, output shapes, attributes and adapter to a kernel."""


def grid_1d(count: int, size: int) -> tuple[int, int, int]:
    """Return workgroups of ``size`` invocations that cover ``count``, in two dimensions if need be.

    The shader's flat index is ``(wg.y * num_workgroups.x + wg.x) * size + local``; it checks the
    index against the count.
    """
    groups = max(1, -(-count // size))
    rows = -(-groups // MOST_WORKGROUPS)
    return -(-groups // rows), rows, 1
