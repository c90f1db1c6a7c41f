"""The longest rows: right up to the bound of a software adapter, and refused beyond it."""

import numpy as np
import pytest

from loom_core import BackendError
from loom_core.backends.webgpu.dispatch import Adapter
from loom_core.backends.webgpu.kernel_table import kernel_of
from tests.support import tolerances
from tests.support.kernel_cases import node_on
from tests.support.webgpu_support import device_as, run_node

LONGEST = {"entmax": 349_440, "loom_entmax": 349_440, "softmax": 3_355_392, "layer_norm": 3_355_392}
"""(65,535 rounds / (passes + 1)) x 256 lanes, for 47 passes and for 4."""


def long_row(name, width):
    x = np.random.default_rng(3).standard_normal((1, width))
    return node_on(name, x, **({"alpha": 1.5} if "entmax" in name else {}))


@pytest.mark.parametrize("name", LONGEST)
def test_the_longest_row_that_a_software_adapter_takes_is_right(name):
    node, inputs, expected = long_row(name, LONGEST[name])
    found = run_node(node, inputs, device_as(software=True))
    tolerances.assert_op_close(name, found, expected)


@pytest.mark.parametrize("name", LONGEST)
def test_a_longer_row_is_refused_by_a_software_adapter_only(name):
    node, _, _ = long_row(name, LONGEST[name] + 1)
    with pytest.raises(BackendError, match=f"rows of {LONGEST[name] + 1:,} numbers are too long"):
        kernel_of(node, Adapter(software=True))
    assert kernel_of(node, Adapter(software=False)).dispatches


def test_sums_of_any_length_go_in_stages():
    node, _, _ = node_on("mse", np.zeros((1, 5_000_000)), np.zeros((1, 5_000_000)))
    assert kernel_of(node, Adapter(software=True)).dispatches
