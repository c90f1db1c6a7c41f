"""Promises about the repository itself: imports, file sizes, paths named in documents."""

import re
import subprocess
import sys

import pytest

from web.build.folders import ROOT

TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"],
    cwd=ROOT, capture_output=True, text=True, check=True,
).stdout.splitlines()  # fmt: skip


def test_the_core_imports_numpy_and_nothing_else_from_outside():
    code = (
        "import sys, numpy; before = set(sys.modules); import loom_core, loom_core.bridge; "
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "print(*sorted(n for n in new if n not in sys.stdlib_module_names))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) <= {"loom_core", "numpy"}


def test_source_files_stay_readable_in_size():
    for name in TRACKED:
        if "/generated/" not in name and re.search(r"\.(py|js|mjs|c|h|wgsl|css)$", name):
            path = ROOT / name
            lines = path.read_text(encoding="utf-8").count("\n") if path.exists() else 0
            assert lines <= 400, f"{name} has {lines} lines: split it by topic"


@pytest.mark.parametrize("document", [name for name in TRACKED if name.endswith(".md")])
def test_paths_named_in_documents_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:loom_core|web|tests|e2e|examples|shaders)/[\w./-]*)`", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing
