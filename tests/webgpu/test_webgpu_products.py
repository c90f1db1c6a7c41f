"""Matrix products and convolutions on WebGPU: both kinds of shader, and shapes beyond a tile."""

import numpy as np
import pytest

from loom_core.backends.webgpu.kernels import convolution, linear
from tests.support import tolerances
from tests.support.kernel_cases import LARGE, nodes_with_inputs
from tests.support.op_cases import CASES, OpCase
from tests.support.product_cases import BEYOND_TILES
from tests.support.webgpu_support import device_as, run_node

OURS = linear.ENCODERS.keys() | convolution.ENCODERS.keys()


@pytest.mark.parametrize(
    ("case", "software"),
    [
        *((case, False) for case in (*CASES, *LARGE) if case.op in OURS),
        *((case, software) for case in BEYOND_TILES for software in (True, False)),
    ],
    ids=lambda value: value.id if isinstance(value, OpCase) else ("tiled", "blocked")[value],
)
def test_both_kinds_equal_numpy(case: OpCase, software: bool):
    for node, inputs, expected in nodes_with_inputs(case):
        if node.op.name in OURS:
            found = run_node(node, inputs, device_as(software))
            tolerances.assert_op_close(node.op.name, found, expected)


def test_a_long_sum_to_one_channel_is_exact_enough():
    case = OpCase("sum_to_axis", ((1 << 20, 1),), {"axis": 1})
    ((node, _, _),) = nodes_with_inputs(case)
    x = np.full(case.shapes[0], 0.1, np.float32)
    for software in (True, False):
        (found,) = run_node(node, [x], device_as(software))
        np.testing.assert_allclose(found, x.sum(dtype=np.float64), rtol=1e-5)


@pytest.mark.parametrize("software", [True, False], ids=["blocked", "tiled"])
def test_a_long_product_is_exact_enough(software: bool):
    case = OpCase("matmul", ((1 << 20, 1), (1 << 20, 2)), {"transpose_a": True})
    node = next(nodes_with_inputs(case))[0]
    a, b = (np.full(shape, 0.1, np.float32) for shape in case.shapes)
    (found,) = run_node(node, [a, b], device_as(software))
    # All roundings of equal terms go one way; added one after the other they would come to 1e-2.
    np.testing.assert_allclose(found, np.matmul(a.T, b, dtype=np.float64), rtol=5e-5)
