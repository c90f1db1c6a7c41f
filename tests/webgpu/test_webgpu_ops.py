"""Every WGSL kernel against the NumPy definition in float32, on the native device."""

import numpy as np
import pytest

from loom_core.graph.ops import OPS
from tests.support import tolerances
from tests.support.kernel_cases import KERNEL_CASES, nodes_with_inputs
from tests.support.op_cases import OpCase
from tests.support.update_cases import SCALE_CASES, UPDATE_CASES
from tests.support.webgpu_support import device, run_node


@pytest.mark.parametrize("case", KERNEL_CASES, ids=lambda case: case.id)
def test_kernel_equals_numpy(case: OpCase):
    for node, inputs, expected in nodes_with_inputs(case):
        tolerances.assert_op_close(node.op.name, run_node(node, inputs), expected)


@pytest.mark.parametrize("case", [*UPDATE_CASES, *SCALE_CASES], ids=lambda case: case.id)
def test_updates_change_what_numpy_changes(case):
    found = run_node(case.node(), case.inputs())
    tolerances.assert_op_close(case.op, found, case.expected())


@pytest.mark.parametrize("case", UPDATE_CASES, ids=lambda case: case.id)
def test_a_step_that_must_not_happen_changes_no_bit(case):
    inputs = case.inputs(scale=np.nan)
    for changed, at in zip(run_node(case.node(), inputs), OPS[case.op].updates, strict=True):
        np.testing.assert_array_equal(changed, inputs[at])


def test_nothing_stays_on_the_device():
    assert device().memory_bytes == 0
