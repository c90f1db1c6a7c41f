"""Optimizer updates: ops that change parameters in place, and what guards them.

An optimizer puts its update together out of ops of any family, of which ``running_mean`` and
``descend`` change its state and the weight. The others here are whole updates in one pass.

One scalar, ``scale``, stands between backward pass and weights: 1, less where the gradients are
clipped, and NaN where the step must not happen. Every update reads it and changes nothing where it
is NaN, so that a loss or gradient that is not finite never reaches the weights.

``hyper`` holds the eight numbers of a step that the host may change at any step, in this order
(:data:`HYPER`); an op reads those of its own formula only::

    0  rate              learning rate
    1  momentum          share of the velocity that is kept
    2  fresh             share of the gradient that a mean of gradients takes up: 1 - dampening for
                         momentum (1 in the first step), 1 - beta1 for AdamW
    3  fresh_squares     the same for a second mean, of squares mostly: 1 - beta2 for AdamW,
                         1 - alpha for RMSprop
    4  decay             weight decay, read where the attribute ``decay`` is set
    5  epsilon           added to a root before it divides
    6  mean_correction   1 / (1 - beta1^t) in AdamW's step t
    7  root_correction   1 / sqrt(1 - beta2^t)

The mathematics of whole updates is PyTorch's (torch.optim.SGD, AdamW, RMSprop). Running means are
written ``m += fresh (g - m)``, which needs no constant close to 1 that float32 would round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loom_core.arrays import Array, Shape, element_count
from loom_core.errors import ShapeError
from loom_core.graph.op import Attributes, NoGradient, Op
from loom_core.graph.ops.elementwise import elementwise_cost

HYPER = (
    "rate",
    "momentum",
    "fresh",
    "fresh_squares",
    "decay",
    "epsilon",
    "mean_correction",
    "root_correction",
)
"""What the numbers of ``hyper`` are, in order."""


def _squared_norms_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    return ((len(shapes),),)


def _squared_norms(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """Norms[i] = sum(g_i^2), added up in float64; infinite where float32 cannot hold it."""
    with np.errstate(over="ignore", invalid="ignore"):
        for i, g in enumerate(inputs):
            outputs[0][i] = np.sum(np.square(g), dtype=np.float64)


def _step_scale_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    loss, norms, limit, halted = shapes
    if loss != () or limit != () or halted != (1,) or len(norms) != 1:
        raise ShapeError(f"step_scale needs shapes (), (n,), () and (1,), got {shapes}")
    return ((), ())


def _step_scale(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Norm = sqrt(sum(norms)); scale = limit / norm where limit > 0 and norm > limit, else 1.

    Where loss or norm is NaN or infinite, or halted is not 0: halted := 1 and scale = NaN.
    """
    loss, norms, limit, halted = inputs
    scale, norm = outputs
    with np.errstate(over="ignore", invalid="ignore"):
        norm[...] = np.sqrt(np.sum(norms, dtype=np.float64))
    if halted[0] != 0 or not np.isfinite(loss) or not np.isfinite(norm):
        halted[0] = 1
        scale[...] = np.nan
    else:
        scale[...] = limit / norm if 0 < limit < norm else 1.0


def _update_shapes(shapes: Sequence[Shape], attributes: Attributes) -> tuple[Shape, ...]:
    *alike, hyper, scale = shapes
    if any(shape != alike[0] for shape in alike) or hyper != (len(HYPER),) or scale != ():
        raise ShapeError(
            "an update needs w, dw and its state of one shape, "
            f"hyper of ({len(HYPER)},) and a scalar, got {shapes}"
        )
    return ()


def _sgd(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """W -= rate g."""
    w, _, hyper, scale = inputs
    if not np.isnan(scale):
        w -= hyper[0] * _gradient(inputs, attributes)


def _momentum(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """V := momentum v + fresh g; w -= rate v, or rate (g + momentum v) for Nesterov's."""
    w, _, v, hyper, scale = inputs
    if np.isnan(scale):
        return
    g = _gradient(inputs, attributes)
    v *= hyper[1]
    v += hyper[2] * g
    w -= hyper[0] * (g + hyper[1] * v if attributes["nesterov"] else v)


def _adamw(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """Adam with decoupled weight decay.

    M += fresh (g - m); v += fresh_squares (g^2 - v);
    w -= rate decay w + rate mean_correction m / (root_correction sqrt(v) + epsilon).
    """
    w, dw, m, v, hyper, scale = inputs
    if np.isnan(scale):
        return
    g = scale * dw
    m += hyper[2] * (g - m)
    v += hyper[3] * (g * g - v)
    step = (hyper[0] * hyper[6]) * m / (hyper[7] * np.sqrt(v) + hyper[5])
    if attributes["decay"]:
        step += (hyper[0] * hyper[4]) * w
    w -= step


def _rmsprop(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """S += fresh_squares (g^2 - s); w -= rate g / (sqrt(s) + epsilon)."""
    w, _, s, hyper, scale = inputs
    if not np.isnan(scale):
        w -= hyper[0] * _normalised(s, _gradient(inputs, attributes), hyper)


def _rmsprop_momentum(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """S as in rmsprop; b := momentum b + g / (sqrt(s) + epsilon); w -= rate b."""
    w, _, s, b, hyper, scale = inputs
    if np.isnan(scale):
        return
    normalised = _normalised(s, _gradient(inputs, attributes), hyper)
    b *= hyper[1]
    b += normalised
    w -= hyper[0] * b


def _running_mean(
    inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes
) -> None:
    """Mean += share (x - mean)."""
    mean, x, hyper, scale = inputs
    if not np.isnan(scale):
        mean += hyper[HYPER.index(str(attributes["share"]))] * (x - mean)


def _descend(inputs: Sequence[Array], outputs: Sequence[Array], attributes: Attributes) -> None:
    """W -= rate (direction + decay w); the direction is what was made of a scaled gradient."""
    w, direction, hyper, scale = inputs
    if np.isnan(scale):
        return
    w -= hyper[0] * (direction + hyper[4] * w if attributes["decay"] else direction)


def _gradient(inputs: Sequence[Array], attributes: Attributes) -> Array:
    """Return g = scale dw, plus decay w where the attribute ``decay`` is set."""
    w, dw, *_, hyper, scale = inputs
    g: Array = scale * dw
    return g + hyper[4] * w if attributes["decay"] else g


def _normalised(s: Array, g: Array, hyper: Array) -> Array:
    """Take g^2 up into the running mean s, and return g over its root."""
    s += hyper[3] * (g * g - s)
    divided: Array = g / (np.sqrt(s) + hyper[5])
    return divided


def _update(
    name: str, states: tuple[str, ...], compute: Callable[..., None], flops: int, **more: bool
) -> Op:
    """Return the row of an update: it changes w and its states."""
    inputs = ("w:(...)", "dw:(...)", *(f"{state}:(...)" for state in states))
    return Op(
        name=name,
        inputs=(*inputs, "hyper:(8,)", "scale:()"),
        outputs=(),
        attributes={"decay": False, **more},
        shapes=_update_shapes,
        compute=compute,
        gradient=NoGradient("an update ends the training step"),
        flops=elementwise_cost(flops),
        updates=(0, *range(2, len(inputs))),
    )


OPS = (
    Op(
        name="squared_norms",
        inputs=("g:(...)",),
        outputs=("norms:(n,)",),
        shapes=_squared_norms_shapes,
        compute=_squared_norms,
        gradient=NoGradient("an update ends the training step"),
        flops=lambda inputs, outputs, attributes: 2 * sum(map(element_count, inputs)),
        variadic=True,
    ),
    Op(
        name="step_scale",
        inputs=("loss:()", "norms:(n,)", "limit:()", "halted:(1,)"),
        outputs=("scale:()", "norm:()"),
        shapes=_step_scale_shapes,
        compute=_step_scale,
        gradient=NoGradient("an update ends the training step"),
        flops=lambda inputs, outputs, attributes: element_count(inputs[1]) + 2,
        updates=(3,),
    ),
    Op(
        name="running_mean",
        inputs=("mean:(...)", "x:(...)", "hyper:(8,)", "scale:()"),
        outputs=(),
        attributes={"share": "fresh"},
        shapes=_update_shapes,
        compute=_running_mean,
        gradient=NoGradient("an update ends the training step"),
        flops=elementwise_cost(3),
        updates=(0,),
    ),
    _update("descend", (), _descend, 4),
    _update("sgd", (), _sgd, 3),
    _update("momentum", ("v",), _momentum, 6, nesterov=False),
    _update("adamw", ("m", "v"), _adamw, 15),
    _update("rmsprop", ("s",), _rmsprop, 9),
    _update("rmsprop_momentum", ("s", "b"), _rmsprop_momentum, 11),
)
