"""One list of cases for the ops that change parameters, with what each of them needs as input."""

from dataclasses import dataclass, field

import numpy as np

from loom_core.graph.builder import GraphBuilder
from loom_core.graph.ops import OPS
from loom_core.graph.ops.updates import OPS as UPDATES

GUARDS = ("squared_norms", "step_scale")
"""What stands before the updates: these change no weights."""

HYPER = (0.1, 0.9, 0.3, 0.05, 0.02, 1e-3, 2.5, 1.7)
"""All different, so that one taken for another shows."""


@dataclass(frozen=True)
class UpdateCase:
    op: str
    count: int
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        settings = (k if v is True else f"{k}={v}" for k, v in self.attributes.items() if v)
        return f"{self.op}-{self.count}-{','.join(settings)}"

    def inputs(self, scale: float = 0.7) -> list[np.ndarray]:
        """Random parameters, gradients and state (positive, as squares are), hyper and scale."""
        rng = np.random.default_rng(sum(map(ord, self.id)))
        arrays = len(OPS[self.op].inputs) - 2
        drawn = [rng.standard_normal(self.count) for _ in range(2)]
        drawn += [rng.uniform(0.1, 1.0, self.count) for _ in range(arrays - 2)]
        return [np.asarray(x, np.float32) for x in (*drawn, HYPER, scale)]

    def node(self):
        graph = GraphBuilder()
        shapes = [(self.count,)] * (len(OPS[self.op].inputs) - 2) + [(8,), ()]
        values = [graph.input(f"x{i}", shape) for i, shape in enumerate(shapes)]
        graph.emit_update(self.op, *values, **self.attributes)
        return graph.graph.nodes[0]

    def expected(self) -> list[np.ndarray]:
        """What the NumPy definition leaves in the inputs that the op changes."""
        node, arrays = self.node(), [np.array(x) for x in self.inputs()]
        node.op.compute(arrays, [], node.attributes)
        return [arrays[at] for at in node.op.updates]


SETTINGS = {
    "momentum": ({"decay": False}, {"decay": True}, {"nesterov": True}),
    "running_mean": ({"share": "fresh"}, {"share": "fresh_squares"}),
}
"""Attributes of an op that has others than to decay or not."""

UPDATE_CASES = [
    UpdateCase(op.name, count, attributes)
    for op in UPDATES
    if op.name not in GUARDS
    for count in (1, 3, 4, 5, 129)
    for attributes in SETTINGS.get(op.name, ({"decay": False}, {"decay": True}))
]


@dataclass(frozen=True)
class ScaleCase:
    """A case of ``step_scale``: what stands between gradients and updates."""

    loss: float
    norms: tuple[float, ...]
    limit: float
    halted: float = 0.0
    op = "step_scale"

    @property
    def id(self) -> str:
        return f"step_scale-{self.loss}-{len(self.norms)}-{self.limit}-{self.halted}"

    def inputs(self) -> list[np.ndarray]:
        return [np.array(x, np.float32) for x in (self.loss, self.norms, self.limit, [self.halted])]

    def node(self):
        graph = GraphBuilder()
        graph.emit_all(self.op, *(graph.input("x", x.shape) for x in self.inputs()))
        return graph.graph.nodes[0]

    def expected(self) -> list[np.ndarray]:
        """The outputs, then the flag."""
        arrays, made = self.inputs(), [np.zeros((), np.float32) for _ in range(2)]
        self.node().op.compute(arrays, made, {})
        return [*made, arrays[3]]


SCALE_CASES = [
    ScaleCase(0.5, (9.0, 16.0), 0.0),
    ScaleCase(0.5, (9.0, 16.0), 5.0),
    ScaleCase(0.5, (9.0, 16.0), 2.5),
    ScaleCase(0.5, tuple(range(1, 301)), 2.5),
    ScaleCase(0.5, (0.0,), 1.0),
    *(ScaleCase(loss, (9.0, 16.0), 1.0) for loss in (np.nan, np.inf, -np.inf)),
    *(ScaleCase(0.5, (9.0, norm), 1.0) for norm in (np.nan, np.inf)),
    ScaleCase(0.5, (9.0, 16.0), 2.5, halted=1.0),
]
