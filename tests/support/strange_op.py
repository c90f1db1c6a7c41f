"""An op that no backend has a kernel for, and a layer that is made of it."""

import numpy as np

from loom_core import Dense
from loom_core.graph.op import Op


def _compute(inputs, outputs, attributes):
    np.negative(inputs[0], out=outputs[0])


STRANGE = Op(
    name="strange",
    inputs=("x:(...)",),
    outputs=("y:(...)",),
    shapes=lambda shapes, attributes: (shapes[0],),
    compute=_compute,
    gradient=lambda graph, node, dy: (lambda: graph.emit("scale", dy, factor=-1.0),),
    flops=lambda inputs, outputs, attributes: 0,
)
"""y = -x, which is strange enough."""


class StrangeDense(Dense):
    """A Dense layer whose output changes its sign."""

    def lower(self, graph, x):
        return graph.emit("strange", super().lower(graph, x))
