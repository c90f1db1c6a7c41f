"""Smallest, largest, mean and largest difference of lists of numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from loom_core import (
    ShapeError,
    SpecError,
)
from loom_core.bridge import Bridge
from loom_core.functions.vector_statistics import max_abs_diff, maximum, mean, minimum

LISTS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(LISTS)
def test_statistics_are_those_of_plain_python(numbers):
    assert minimum(numbers) == min(numbers)
    assert maximum(numbers) == max(numbers)
    assert mean(numbers) == pytest.approx(math.fsum(numbers) / len(numbers), rel=1e-9, abs=1e-6)
    moved = [number + 1 for number in numbers]
    assert max_abs_diff(numbers, moved) == max(
        abs(a - b) for a, b in zip(numbers, moved, strict=True)
    )


def test_a_mean_of_many_float32_is_summed_in_float64():
    assert mean(np.full(10_000_000, 0.1, np.float32)) == pytest.approx(np.float32(0.1), rel=1e-12)


def test_nan_is_not_hidden():
    for function in (minimum, maximum, mean):
        assert math.isnan(function([1.0, math.nan, 2.0]))
    assert math.isnan(max_abs_diff([1.0, 2.0], [math.nan, 2.0]))


def test_nothing_has_no_statistics():
    for function, name in ((minimum, "Min"), (maximum, "Max"), (mean, "Mean")):
        with pytest.raises(ShapeError, match=f"{name} needs at least one number"):
            function([])
        with pytest.raises(SpecError, match="holds text"):
            function(["a"])
    assert max_abs_diff([], []) == 0.0


def test_lists_must_be_of_one_length():
    with pytest.raises(ShapeError, match="2 and 3 numbers"):
        max_abs_diff([1, 2], [1, 2, 3])


def test_statistics_cross_the_bridge():
    bridge = Bridge()
    numbers = memoryview(np.array([3, -1, 4], np.float32))
    for name, expected in (("Min", -1), ("Max", 4), ("Mean", 2)):
        assert bridge.call(0, name, [numbers]) == {"value": expected}
    assert bridge.call(0, "MaxAbsDiff", [numbers, [3, 1, 5]]) == {"value": 2}
