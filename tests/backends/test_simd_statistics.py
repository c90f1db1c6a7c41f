"""The kernel for statistics against the same in NumPy."""

from dataclasses import asdict

import numpy as np
import pytest

from loom_core.watch.statistics import array_statistics, summarize_by_numpy
from tests.support.simd_support import library


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (1, 7, 1), (5, 3, 1), (3, 4, 5), (2, 8, 784), (3, 1030, 1), (1, 2, 3001)]
)
def test_the_kernel_for_statistics_does_what_numpy_does(sizes, negative):
    x = np.random.default_rng(sum(sizes)).normal(size=sizes).astype(np.float32)
    if not negative:
        x = np.maximum(x, 0)
        x[:, 0] = 0
    x[-1, -1, -1] = -0.0
    (expected, alive), (found, found_alive) = (
        summarize(x, *sizes) for summarize in (summarize_by_numpy, library().summarize)
    )
    assert found[2:] == expected[2:]
    assert found_alive == alive
    np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-6, atol=1e-4)


@np.errstate(over="ignore", invalid="ignore")
@pytest.mark.parametrize("values", [[np.nan, 1, 0], [1, np.inf, 0], [3e30, -3e30, 0]])
def test_the_kernel_is_asked_no_more_where_numbers_are_not_finite(values):
    x = np.array([values], np.float32)
    plain, kernel = array_statistics(x), array_statistics(x, summarize=library().summarize)
    np.testing.assert_equal(asdict(kernel), asdict(plain))
