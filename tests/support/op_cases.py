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
        apart = [x + np.sign(x) * 0.05 for x in drawn]
        return [np.abs(x) for x in apart] if self.op == "sqrt" else apart


def products(m: int, k: int, n: int, *lead: int) -> list[OpCase]:
    """The product of (m, k) and (k, n), each factor as it is and transposed; lead before both."""
    return [
        OpCase(
            "matmul",
            ((*lead, k, m) if ta else (*lead, m, k), (*lead, n, k) if tb else (*lead, k, n)),
            {"transpose_a": ta, "transpose_b": tb},
        )
        for ta in (False, True)
        for tb in (False, True)
    ]


POOLINGS = [
    ((1, 1, 1, 1), (1, 1), (1, 1), (0, 0)),
    ((2, 3, 7, 5), (2, 2), (2, 2), (0, 0)),
    ((1, 2, 6, 7), (3, 2), (1, 1), (1, 1)),
    ((2, 1, 5, 11), (3, 5), (3, 2), (1, 2)),
    ((1, 2, 7, 8), (2, 1), (3, 4), (0, 0)),
    ((2, 2, 3, 5), (3, 5), (2**40, 2**40), (0, 0)),
    ((2, 1, 1, 9), (2, 4), (2, 1), (1, 2)),
    ((1, 1, 2, 3), (6, 5), (4, 6), (3, 2)),
]
"""Image, window, stride and padding."""

CASES: list[OpCase] = [
    *products(1, 1, 1),
    *products(3, 5, 2),
    *products(2, 3, 4, 2),
    OpCase("add_bias", ((3, 5), (5,)), {"axis": 1}),
    OpCase("add_bias", ((2, 3, 2, 2), (3,)), {"axis": 1}),
    OpCase("add_bias", ((2, 3, 4), (4,)), {"axis": 2}),
    *(OpCase("add_bias", ((3, 7), (7,)), {"axis": 1, "function": name}) for name in ACTIVATIONS),
    OpCase("add_bias", ((2, 3, 5), (3,)), {"axis": 1, "function": "tanh"}),
    OpCase("conv2d", ((1, 1, 1, 1), (1, 1, 1, 1))),
    OpCase("conv2d", ((2, 3, 5, 4), (2, 3, 3, 3)), {"stride": (1, 1), "padding": (1, 1)}),
    OpCase("conv2d", ((2, 1, 7, 5), (3, 1, 2, 2)), {"stride": (2, 2), "padding": (0, 0)}),
    OpCase("conv2d", ((1, 2, 6, 7), (2, 2, 3, 3)), {"stride": (3, 2), "padding": (2, 1)}),
    OpCase("conv2d", ((2, 1, 4, 4), (1, 1, 1, 1)), {"stride": (2, 2), "padding": (1, 1)}),
    OpCase("conv2d", ((2, 1, 3, 9), (2, 1, 3, 2)), {"stride": (2**40, 4), "padding": (0, 0)}),
    *(
        OpCase(name, (shape,), {"kernel": kernel, "stride": stride, "padding": padding})
        for name in ("max_pool2d", "avg_pool2d")
        for shape, kernel, stride, padding in POOLINGS
    ),
    OpCase("add", ((3, 5), (3, 5))),
    OpCase("scale", ((3, 1),), {"factor": -2.5}),
    OpCase("div", ((3, 5), (3, 5))),
    *(OpCase(name, (shape,)) for name in ("sqrt", "sign") for shape in ((1,), (3, 7))),
    *(OpCase("activate", ((3, 7),), {"function": name}) for name in ACTIVATIONS),
    OpCase("softmax", ((1, 1),)),
    OpCase("softmax", ((3, 5),), {"temperature": 0.5}),
    OpCase("softmax", ((2, 3, 4),), {"temperature": 3.0}),
    OpCase("softmax", ((2, 3, 3),), {"causal": True}),
    OpCase("softmax", ((2, 5),), {"causal": True, "temperature": 2.0}),
    OpCase("entmax", ((1, 1),)),
    *(OpCase("entmax", ((3, 5),), {"alpha": a}) for a in (1.05, 1.25, 1.5, 1.9, 2.0)),
    OpCase("entmax", ((2, 3, 4),), {"alpha": 2.0, "temperature": 2.5}),
    OpCase("loom_entmax", ((1, 1),), {"alpha": 2.0}),
    *(OpCase("loom_entmax", ((4, 5),), {"alpha": a}) for a in (1.25, 1.5, 2.0)),
    OpCase("mul", ((3, 5), (3, 5))),
    OpCase("mul_channels", ((2, 3, 4), (3,)), {"axis": 1}),
    OpCase("mul_channels", ((2, 3, 1), (1,)), {"axis": 2}),
    OpCase("transpose", ((2, 3, 4, 5),), {"axes": (2, 0, 3, 1)}),
    OpCase("transpose", ((1, 3),), {"axes": (1, 0)}),
    OpCase("concat", ((2, 3),), {"axis": 1}),
    OpCase("concat", ((2, 3), (2, 1), (2, 5)), {"axis": 1}),
    OpCase("concat", ((2, 3, 2), (1, 3, 2)), {"axis": 0}),
    OpCase("slice_axis", ((2, 5),), {"axis": 1, "start": 1, "size": 3}),
    OpCase("slice_axis", ((3, 2),), {"axis": 0, "start": 0, "size": 1}),
    OpCase("pad_axis", ((2, 3),), {"axis": 1, "start": 2, "size": 7}),
    OpCase("pad_axis", ((3, 2),), {"axis": 0, "start": 0, "size": 3}),
    OpCase("permute_columns", ((2, 5),), {"order": (3, 0, 4, 1, 2)}),
    *(
        OpCase(name, shape, {"epsilon": epsilon})
        for name in ("layer_norm", "rms_norm")
        for shape, epsilon in ((((1, 2),), 1e-5), (((3, 7),), 0.1), (((2, 3, 5),), 1e-5))
    ),
    OpCase("batch_norm", ((1, 3),)),
    OpCase("batch_norm", ((2, 1),), {"epsilon": 0.1}),  # with less, its gradient is rounding
    OpCase("batch_norm", ((3, 5),), {"epsilon": 0.1}),
    OpCase("batch_norm", ((1, 2, 3),)),
    OpCase("batch_norm", ((2, 3, 2, 5),), {"epsilon": 0.1}),
    OpCase("batch_norm", ((3, 2, 7),), {"axis": 2}),
    OpCase("batch_norm", ((3, 7),), {"axis": 0}),
    OpCase("rnn_scan", ((1, 1, 1), (1, 1))),
    OpCase("rnn_scan", ((2, 5, 3), (3, 3))),
    OpCase("lstm_scan", ((1, 1, 4), (4, 1))),
    OpCase("lstm_scan", ((2, 5, 12), (12, 3))),
    OpCase("gru_scan", ((1, 1, 3), (1,), (3, 1))),
    OpCase("gru_scan", ((2, 5, 9), (3,), (9, 3))),
    OpCase("rope", ((1, 1, 1, 2),)),
    OpCase("rope", ((2, 5, 3, 6),), {"theta": 1e6}),
    OpCase("rope", ((1, 3, 1, 4),), {"sign": -1.0}),
    OpCase("rope", ((2, 3, 2, 3),), {"theta": 100.0}),
    OpCase("gather_rows", ((5, 3), (2, 4))),
    OpCase("gather_rows", ((1, 1), (3,))),
]
