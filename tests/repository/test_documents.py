"""The Python in the documents runs as it stands."""

import re
import subprocess
import sys

import pytest

from web.build.folders import ROOT

BLOCKS = [
    pytest.param(code, id=f"{document}-{number}")
    for document in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("code", BLOCKS)
def test_code_block_runs(code):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_there_is_something_to_run():
    assert BLOCKS
