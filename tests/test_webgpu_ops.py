"""Every WGSL kernel against the NumPy definition in float32, on the native device."""

import numpy as np
import pytest
import tolerances
from op_cases import CASES, OpCase
from test_simd_ops import LARGE, LOSSES, nodes_with_inputs
from update_cases import UPDATE_CASES
from webgpu_support import device, run_node

from loom_core.backends.webgpu.kernel_table import encoders
from loom_core.graph.ops import OPS


def test_every_op_has_a_kernel():
    assert sorted(OPS.keys() - encoders().keys()) == []
    assert sorted(encoders().keys() - OPS.keys()) == []


@pytest.mark.parametrize(
    "case",
    [case for case in (*CASES, *LARGE, *LOSSES) if case.op in encoders()],
    ids=lambda case: case.id,
)
def test_kernel_equals_numpy(case: OpCase):
    for node, inputs, expected in nodes_with_inputs(case):
        if node.op.name in encoders():
            tolerances.assert_op_close(node.op.name, run_node(node, inputs), expected)


@pytest.mark.parametrize(
    "case",
    [case for case in UPDATE_CASES if case.op in encoders()],
    ids=lambda case: case.id,
)
def test_updates_change_what_numpy_changes(case):
    node, inputs = case.node(), case.inputs()
    expected = [np.array(x) for x in inputs]
    made = [np.empty(y.shape, np.float32) for y in node.outputs]
    node.op.compute(expected, made, node.attributes)
    made += [expected[at] for at in node.op.updates]
    tolerances.assert_op_close(case.op, run_node(node, inputs), made)


def test_nothing_stays_on_the_device():
    assert device().memory_bytes == 0
