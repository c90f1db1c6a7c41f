"""Promises about the repository itself: imports, file sizes, paths named in documents."""

import re
import subprocess
import sys

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


FOLDERS = "loom_core|web|tests|e2e|examples|shaders"
IN_BACKTICKS = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)`")
FILE = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\.\w+)\b")


def test_paths_named_in_documents_and_sources_exist():
    sources = re.compile(r"(loom_core|shaders|web)/(?!.*generated/).*\.(py|c|h|inc|wgsl|js|mjs)$")
    named = []
    for name in TRACKED:
        document = name.endswith(".md")
        if (document or sources.match(name)) and (ROOT / name).exists():
            text = (ROOT / name).read_text(encoding="utf-8")
            paths = FILE.findall(text) + (IN_BACKTICKS.findall(text) if document else [])
            named += [(name, path) for path in paths]
    assert {name.partition("/")[0] for name, _ in named} >= {"ARCHITECTURE.md", "loom_core", "web"}
    assert not [(name, path) for name, path in named if not (ROOT / path).exists()]
