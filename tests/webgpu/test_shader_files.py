"""What shaders/README.md promises of every file."""

import itertools
import re
from pathlib import Path

import pytest

from loom_core.backends.webgpu.shader_files import shader_folder, shader_source

SHADERS = sorted(shader_folder().glob("*.wgsl"))
LIBRARY = sorted((shader_folder() / "lib").glob("*.wgsl"))


@pytest.mark.parametrize("path", [*SHADERS, *LIBRARY], ids=lambda path: path.stem)
def test_a_file_is_short_plain_and_says_what_it_is(path: Path):
    lines = path.read_text(encoding="utf-8").split("\n")
    assert len(lines) <= 250
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("// ") and "needs" not in line for line in lines[:4])
    assert not re.search(r"^\s*(enable|requires|diagnostic)\b", "\n".join(lines), re.MULTILINE)


@pytest.mark.parametrize("path", SHADERS, ids=lambda path: path.stem)
def test_nothing_is_defined_twice_and_no_needed_file_is_unused(path: Path):
    source = shader_source(path.stem)
    defined = re.findall(
        r"^(?:override|const|fn|struct|var<workgroup>) +(\w+)", source, re.MULTILINE
    )
    assert len(defined) == len(set(defined))
    needs = re.match(r"// needs: (.+)", path.read_text(encoding="utf-8"))
    for part in needs[1].split(", ") if needs else []:
        own = (shader_folder() / "lib" / f"{part}.wgsl").read_text(encoding="utf-8")
        rest = source.replace(own, "")
        names = re.findall(r"^(?:override|const|fn|struct) +(\w+)", own, re.MULTILINE)
        assert any(re.search(rf"\b{name}\b", rest) for name in names), part


def test_every_file_of_the_library_is_needed():
    texts = [path.read_text(encoding="utf-8") for path in SHADERS]
    needed = {
        part
        for text in texts
        if (found := re.match(r"// needs: (.+)", text))
        for part in found[1].split(", ")
    }
    assert needed == {path.stem for path in LIBRARY}


def head_comment(path: Path) -> str:
    """Return the comment lines before the first line of code."""
    lines = itertools.takewhile(
        lambda line: not line or line.startswith("//"), path.read_text(encoding="utf-8").split("\n")
    )
    return " ".join(line.removeprefix("//").strip() for line in lines)


@pytest.mark.parametrize("path", SHADERS, ids=lambda path: path.stem)
def test_the_head_comment_says_what_bounds_a_kernel_and_what_it_takes(path: Path):
    head = head_comment(path)
    if "cost and what an invocation computes: lib/recurrence.wgsl" in head:
        head += head_comment(shader_folder() / "lib" / "recurrence.wgsl")
    assert re.search(r"the bound|FLOP a byte|operations (a byte|for \d)", head)
    assert re.search("workgroup memory", head, re.IGNORECASE)
    assert re.search("registers?|occupancy", head)
