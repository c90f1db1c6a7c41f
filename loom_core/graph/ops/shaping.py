"""Ops that move data without arithmetic; a reshape is no op but a view in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loom_core.arrays import Array, Shape
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, Op, Value, integer, integers


def _nothing(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
    return 0


def _transpose_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,), axes = shapes, integers(attributes, "axes")
    if sorted(axes) != list(range(len(x))):
        raise ShapeError(f"transpose of {x} cannot take the axes {axes}")
    return (tuple(x[axis] for axis in axes),)


def _transpose(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.copyto(outputs[0], inputs[0].transpose(integers(attributes, "axes")))


def _transpose_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    axes = integers(node.attributes, "axes")
    back = tuple(axes.index(axis) for axis in range(len(axes)))
    return (lambda: graph.emit("transpose", dy, axes=back),)


def _concat_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    axis = integer(attributes, "axis")
    rests = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(rests) != 1 or any(len(shape) <= axis for shape in shapes):
        raise ShapeError(f"concat along axis {axis} cannot join {', '.join(map(str, shapes))}")
    first = shapes[0]
    return ((*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :]),)


def _concat(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.concatenate(inputs, axis=integer(attributes, "axis"), out=outputs[0])


def _concat_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    axis = integer(node.attributes, "axis")
    sizes = [x.shape[axis] for x in node.inputs]
    starts = np.cumsum([0, *sizes]).tolist()

    def part(start: int, size: int) -> Callable[[], Value]:
        return lambda: graph.emit("slice_axis", dy, axis=axis, start=start, size=size)

    return tuple(part(start, size) for start, size in zip(starts, sizes, strict=False))


def _slice_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    axis, start, size = (integer(attributes, key) for key in ("axis", "start", "size"))
    if not 0 <= axis < len(x) or start < 0 or size < 0 or start + size > x[axis]:
        raise ShapeError(f"slice_axis cannot take {size} from {start} along axis {axis} of {x}")
    return ((*x[:axis], size, *x[axis + 1 :]),)


def _stretch(attributes: Attributes, size: int) -> tuple[slice, ...]:
    """Index of ``size`` cells from ``start`` along ``axis``."""
    start = integer(attributes, "start")
    return (*(slice(None),) * integer(attributes, "axis"), slice(start, start + size))


def _slice(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.copyto(outputs[0], inputs[0][_stretch(attributes, integer(attributes, "size"))])


def _slice_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    axis, start = integer(node.attributes, "axis"), integer(node.attributes, "start")
    size = node.inputs[0].shape[axis]
    return (lambda: graph.emit("pad_axis", dy, axis=axis, start=start, size=size),)


def _pad_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,) = shapes
    axis, start, size = (integer(attributes, key) for key in ("axis", "start", "size"))
    if not 0 <= axis < len(x) or start < 0 or start + x[axis] > size:
        raise ShapeError(f"pad_axis cannot put {x} at {start} of {size} along axis {axis}")
    return ((*x[:axis], size, *x[axis + 1 :]),)


def _pad(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    (x,), (y,) = inputs, outputs
    y[...] = 0
    y[_stretch(attributes, x.shape[integer(attributes, "axis")])] = x


def _pad_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    axis, start = integer(node.attributes, "axis"), integer(node.attributes, "start")
    size = node.inputs[0].shape[axis]
    return (lambda: graph.emit("slice_axis", dy, axis=axis, start=start, size=size),)


def _permute_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    (x,), order = shapes, integers(attributes, "order")
    if not x or sorted(order) != list(range(x[-1])):
        raise ShapeError(f"permute_columns of {x} needs each of its columns once")
    return (x,)


def _permute(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.take(inputs[0], integers(attributes, "order"), axis=-1, out=outputs[0])


def _permute_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    order = integers(node.attributes, "order")
    back = tuple(int(i) for i in np.argsort(order))
    return (lambda: graph.emit("permute_columns", dy, order=back),)


_STRETCH = {"axis": 0, "start": 0, "size": 0}

OPS = (
    Op(
        name="transpose",
        inputs=("x:(...)",),
        outputs=("y:(... in the order of axes)",),
        attributes={"axes": ()},
        shapes=_transpose_shapes,
        compute=_transpose,
        gradient=_transpose_gradient,
        flops=_nothing,
    ),
    Op(
        name="concat",
        inputs=("x:(...,N_i,...)",),
        outputs=("y:(...,sum N_i,...)",),
        attributes={"axis": 0},
        shapes=_concat_shapes,
        compute=_concat,
        gradient=_concat_gradient,
        flops=_nothing,
        variadic=True,
    ),
    Op(
        name="slice_axis",
        inputs=("x:(...,N,...)",),
        outputs=("y:(...,size,...)",),
        attributes=_STRETCH,
        shapes=_slice_shapes,
        compute=_slice,
        gradient=_slice_gradient,
        flops=_nothing,
    ),
    Op(
        name="pad_axis",
        inputs=("x:(...,N,...)",),
        outputs=("y:(...,size,...)",),
        attributes=_STRETCH,
        shapes=_pad_shapes,
        compute=_pad,
        gradient=_pad_gradient,
        flops=_nothing,
    ),
    Op(
        name="permute_columns",
        inputs=("x:(...,C)",),
        outputs=("y:(...,C)",),
        attributes={"order": ()},
        shapes=_permute_shapes,
        compute=_permute,
        gradient=_permute_gradient,
        flops=_nothing,
    ),
)
