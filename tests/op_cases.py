"""One list of op cases: shapes with 1, odd and prime sizes, and every attribute in use."""

from dataclasses import dataclass, field

import numpy as np

from loom_core.activations import ACTIVATIONS


@dataclass(frozen=True)
class OpCase:
    op: str
    shapes: tuple[tuple[int, ...], ...]
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        settings = ",".join(f"{k}={v}" for k, v in self.attributes.items())
        return (
            f"{self.op}-{'-'.join('x'.join(map(str, s)) or '0d' for s in self.shapes)}-{settings}"
        )

    def inputs(self) -> list[np.ndarray]:
        """Random inputs, kept away from the kinks at zero."""
        rng = np.random.default_rng(sum(map(ord, self.id)))
        drawn = [rng.standard_normal(shape) for shape in self.shapes]
        return [x + np.sign(x) * 0.05 for x in drawn]


def _transposed(m: int, k: int, n: int, *lead: int) -> list[OpCase]:
    return [
        OpCase(
            "matmul",
            ((*lead, k, m) if ta else (*lead, m, k), (*lead, n, k) if tb else (*lead, k, n)),
            {"transpose_a": ta, "transpose_b": tb},
        )
        for ta in (False, True)
        for tb in (False, True)
    ]


CASES: list[OpCase] = [
    *_transposed(1, 1, 1),
    *_transposed(3, 5, 2),
    *_transposed(2, 3, 4, 2),
    OpCase("add_bias", ((3, 5), (5,)), {"axis": 1}),
    OpCase("add_bias", ((2, 3, 2, 2), (3,)), {"axis": 1}),
    OpCase("add_bias", ((2, 3, 4), (4,)), {"axis": 2}),
    OpCase("conv2d", ((1, 1, 1, 1), (1, 1, 1, 1))),
    OpCase("conv2d", ((2, 3, 5, 4), (2, 3, 3, 3)), {"stride": (1, 1), "padding": (1, 1)}),
    OpCase("conv2d", ((2, 1, 7, 5), (3, 1, 2, 2)), {"stride": (2, 2), "padding": (0, 0)}),
    OpCase("conv2d", ((1, 2, 6, 7), (2, 2, 3, 3)), {"stride": (3, 2), "padding": (2, 1)}),
    OpCase("conv2d", ((2, 1, 4, 4), (1, 1, 1, 1)), {"stride": (2, 2), "padding": (1, 1)}),
    OpCase("add", ((3, 5), (3, 5))),
    OpCase("scale", ((3, 1),), {"factor": -2.5}),
    *(OpCase("activate", ((3, 7),), {"function": name}) for name in ACTIVATIONS),
    OpCase("softmax", ((1, 1),)),
    OpCase("softmax", ((3, 5),), {"temperature": 0.5}),
    OpCase("softmax", ((2, 3, 4),), {"temperature": 3.0}),
    OpCase("fit_width", ((2, 3),), {"width": 5}),
    OpCase("fit_width", ((2, 5),), {"width": 2}),
]
