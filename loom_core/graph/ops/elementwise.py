"""Elementwise ops: arithmetic, and the activation functions with their derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loom_core.activations import ACTIVATIONS
from loom_core.arrays import Array, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, Emitter, Gradients, Node, NoGradient, Op, Value, number


def same_shape(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    """All inputs have one shape, which is the output's."""
    if any(shape != shapes[0] for shape in shapes):
        raise ShapeError(f"an elementwise op needs equal shapes, got {', '.join(map(str, shapes))}")
    return (shapes[0],)


def elementwise_cost(per_element: int) -> Callable[..., int]:
    """Cost of an op that does ``per_element`` operations for each element of its first input."""

    def flops(inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Attributes) -> int:
        return per_element * element_count(inputs[0])

    return flops


def _add(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.add(inputs[0], inputs[1], out=outputs[0])


def _add_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    return (lambda: dy, lambda: dy)


def _mul(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.multiply(inputs[0], inputs[1], out=outputs[0])


def _mul_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    a, b = node.inputs
    return (lambda: graph.emit("mul", dy, b), lambda: graph.emit("mul", dy, a))


def _scale(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.multiply(inputs[0], number(attributes, "factor"), out=outputs[0])


def _scale_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    return (lambda: graph.emit("scale", dy, factor=node.attributes["factor"]),)


def _div(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.divide(inputs[0], inputs[1], out=outputs[0])


def _div_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    """With y = a / b: da = dy / b, and db = -da y."""
    b, (y,) = node.inputs[1], node.outputs

    def by_divisor() -> Value:
        return graph.emit("mul", graph.emit("scale", graph.emit("div", dy, b), factor=-1.0), y)

    return (lambda: graph.emit("div", dy, b), by_divisor)


def _sqrt(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.sqrt(inputs[0], out=outputs[0])


def _sqrt_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    (y,) = node.outputs
    return (lambda: graph.emit("div", dy, graph.emit("scale", y, factor=2.0)),)


def _sign(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    np.sign(inputs[0], out=outputs[0])


def _sign_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    return (lambda: graph.emit("scale", dy, factor=0.0),)


def _activate(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    ACTIVATIONS[str(attributes["function"])].apply(inputs[0], outputs[0])


def _activate_gradient(graph: Emitter, node: Node, dy: Value) -> Gradients:
    function = str(node.attributes["function"])
    from_input = ACTIVATIONS[function].derivative_from == "input"
    (v,) = node.inputs if from_input else node.outputs
    return (lambda: graph.emit("activate_dx", dy, v, function=function),)


def _activate_dx(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    dy, v = inputs
    slope = np.empty_like(v)
    ACTIVATIONS[str(attributes["function"])].derivative(v, slope)
    np.multiply(dy, slope, out=outputs[0])


OPS = (
    Op(
        name="add",
        inputs=("a:(...)", "b:(...)"),
        outputs=("y:(...)",),
        shapes=same_shape,
        compute=_add,
        gradient=_add_gradient,
        flops=elementwise_cost(1),
        in_place=True,
    ),
    Op(
        name="mul",
        inputs=("a:(...)", "b:(...)"),
        outputs=("y:(...)",),
        shapes=same_shape,
        compute=_mul,
        gradient=_mul_gradient,
        flops=elementwise_cost(1),
        in_place=True,
    ),
    Op(
        name="scale",
        inputs=("x:(...)",),
        outputs=("y:(...)",),
        attributes={"factor": 1.0},
        shapes=same_shape,
        compute=_scale,
        gradient=_scale_gradient,
        flops=elementwise_cost(1),
        in_place=True,
    ),
    Op(
        name="div",
        inputs=("a:(...)", "b:(...)"),
        outputs=("y:(...)",),
        shapes=same_shape,
        compute=_div,
        gradient=_div_gradient,
        flops=elementwise_cost(1),
        in_place=True,
    ),
    Op(
        name="sqrt",
        inputs=("x:(...)",),
        outputs=("y:(...)",),
        shapes=same_shape,
        compute=_sqrt,
        gradient=_sqrt_gradient,
        flops=elementwise_cost(1),
        in_place=True,
    ),
    Op(
        name="sign",
        inputs=("x:(...)",),
        outputs=("y:(...)",),
        shapes=same_shape,
        compute=_sign,
        gradient=_sign_gradient,
        flops=elementwise_cost(1),
        in_place=True,
    ),
    Op(
        name="activate",
        inputs=("x:(...)",),
        outputs=("y:(...)",),
        attributes={"function": "linear"},
        shapes=same_shape,
        compute=_activate,
        gradient=_activate_gradient,
        flops=elementwise_cost(4),
        in_place=True,
    ),
    Op(
        name="activate_dx",
        inputs=("dy:(...)", "v:(...)"),  # x or y, by the function's derivative_from
        outputs=("dx:(...)",),
        attributes={"function": "linear"},
        shapes=same_shape,
        compute=_activate_dx,
        gradient=NoGradient("only emitted by the gradient rule of activate"),
        flops=elementwise_cost(3),
        in_place=True,
    ),
)
