"""The rows of the activation functions: their numbers, and what agrees with them in C and WGSL."""

import math
import re

import numpy as np
import pytest

from loom_core.activations import ACTIVATIONS, ActivationType, activation
from loom_core.normal_distribution import normal
from tests.support.fixture_files import FIXTURES
from web.build.folders import ROOT

C = (ROOT / "loom_core/backends/simd/activations.h").read_text(encoding="utf-8")
WGSL = (ROOT / "shaders/lib/activations.wgsl").read_text(encoding="utf-8")

TORCH = np.load(FIXTURES / "torch_activations.npz", allow_pickle=False)

CODES = {name: row.code for name, row in ACTIVATIONS.items() if name != "linear"}
"""Of those that a kernel computes; the linear one copies."""


def test_each_kind_has_a_row_and_no_word_stands_for_two():
    assert [row.kind for row in ACTIVATIONS.values()] == list(ActivationType)
    names = [name for row in ACTIVATIONS.values() for name in (row.name, *row.aliases)]
    assert len(set(names)) == len(names)
    assert len({row.word for row in ACTIVATIONS.values()}) == len(ACTIVATIONS)
    for row in ACTIVATIONS.values():
        assert row.name.replace("_", "") == row.kind.name.lower()
        for name in (row.name, row.json_name, *row.aliases, row.kind, row.code, row.name.upper()):
            assert activation(name) is row


def test_the_list_in_c_is_the_rows():
    listed = {name: int(code) for name, code in re.findall(r"\bF\((\w+), (\d+)\)", C)}
    assert listed == CODES


def test_the_switches_in_wgsl_are_the_rows():
    for function, suffix in (("activated", "of"), ("activation_slope", "slope")):
        body = WGSL.split(f"fn {function}(")[1].split("\n}")[0]
        cases = re.findall(rf"case (\d+)u: {{ return (\w+)_{suffix}\(", body)
        assert {name: int(code) for code, name in cases} == CODES


@pytest.mark.parametrize("name", CODES)
def test_derivatives_of_kernels_take_what_the_row_says(name):
    argument = "x" if ACTIVATIONS[name].derivative_from == "input" else "y"
    assert re.search(rf"f32x4 {name}_of\(f32x4 x\)", C)
    assert re.search(rf"f32x4 {name}_dx\(f32x4 dy, f32x4 {argument}\)", C)
    assert re.search(rf"fn {name}_of\(x: f32\)", WGSL)
    assert re.search(rf"fn {name}_slope\({argument}: f32\)", WGSL)


def value_and_slope(name, x):
    """Return f(x) and f'(x), the latter from what the row says."""
    row = ACTIVATIONS[name]
    y, slope = np.empty_like(x), np.empty_like(x)
    row.apply(x, y)
    row.derivative(x if row.derivative_from == "input" else y, slope)
    return y, slope


def test_torch_has_recorded_all_but_what_is_ours_alone():
    recorded = {name.split("/")[0] for name in TORCH.files} - {"x"}
    assert recorded == ACTIVATIONS.keys() - {"scaled_relu", "linear"}


@pytest.mark.parametrize("name", sorted(CODES.keys() - {"scaled_relu"}))
def test_values_and_slopes_equal_torch(name):
    y, slope = value_and_slope(name, TORCH["x"])
    # Far below 0 torch's GELUs come of 1 + erf and 1 + tanh, which cancel.
    np.testing.assert_allclose(y, TORCH[f"{name}/y"], rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(slope, TORCH[f"{name}/slope"], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_those_of_the_values_far_out_too(name):
    x, step = np.linspace(-9.03, 9.03, 302), 1e-5  # 0 lies between two
    above, below = value_and_slope(name, x + step)[0], value_and_slope(name, x - step)[0]
    slope = value_and_slope(name, x)[1]
    np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits_are_reached_without_a_warning(name, dtype):
    far = np.finfo(dtype).max / 2
    ends = np.array([-1, -1, 1, 1], dtype)
    y, slope = value_and_slope(name, np.array([-np.inf, -far, far, np.inf], dtype))
    near, near_slope = value_and_slope(name, 500 * ends)
    settled, settled_slope = value_and_slope(name, dtype(1e15) * ends)  # as 1 / x does, too
    assert np.isfinite(y[1:3]).all()
    np.testing.assert_allclose(slope, settled_slope, rtol=0, atol=1e-29)
    np.testing.assert_allclose(slope, near_slope, rtol=0, atol=500.0**-2)
    for end in (0, 3):
        goes_on = settled_slope[end] > 0.05
        expected = np.sign(y[end]) * np.inf if goes_on else settled[end]
        np.testing.assert_allclose(y[end], expected, rtol=0, atol=2e-15)
        if not goes_on:
            np.testing.assert_allclose(y[end], near[end], rtol=0, atol=500.0**-1)


def test_the_normal_distribution_equals_that_of_the_standard_library():
    x = np.concatenate([np.linspace(-37.0, 37.0, 4001), np.geomspace(1e-300, 1.0, 301)])
    below, density = normal(x)
    exact = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x])
    np.testing.assert_allclose(below, exact, rtol=0, atol=4e-16)
    np.testing.assert_allclose(below[x > -2], exact[x > -2], rtol=2e-15)
    np.testing.assert_allclose(below, exact, rtol=2e-13)  # the reference rounds x / sqrt(2)
    np.testing.assert_allclose(density, np.exp(-x * x / 2) / math.sqrt(2 * math.pi), rtol=2e-13)
    np.testing.assert_array_equal(normal(np.array([-np.inf, np.inf]))[0], [0, 1])
    assert normal(np.zeros(3, np.float32))[0].dtype == np.float32
