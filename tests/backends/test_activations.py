"""The rows of the activation functions, and what has to agree with them in C and in WGSL."""

import re

import pytest

from loom_core.activations import ACTIVATIONS, ActivationType, activation
from web.build.folders import ROOT

C = (ROOT / "loom_core/backends/simd/activations.h").read_text(encoding="utf-8")
WGSL = (ROOT / "shaders/lib/activations.wgsl").read_text(encoding="utf-8")

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
