"""The examples of the guides, in JavaScript, each in a real browser against the built bundle."""

import re
import subprocess
from pathlib import Path

import pytest
from glue import loaded_page

from web.build.environment import node_tool
from web.build.folders import NODE_MODULES

FOLDER = Path(__file__).parent / "seed_examples"
EXPORTED = re.compile(r"^export async function (\w+)", re.MULTILINE)


def texts(folder):
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))}


GUIDES = texts(FOLDER)
SHARED = texts(FOLDER / "shared")
EXAMPLES = [(guide, name) for guide, text in GUIDES.items() for name in EXPORTED.findall(text)]

RUN = """
    const { shared, text, name } = arg.options;
    const url = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const { check } = await import(url(shared.check));
    const make = JSON.stringify(url(shared.make));
    const examples = await import(url(text.replace('"./shared/make.js"', make)));
    await examples[name](loom, check);
"""


@pytest.fixture(scope="module", params=[True, False], ids=["worker", "main-thread"])
def session(browser, site, request):
    with loaded_page(browser, site, worker=request.param) as page:
        yield page


@pytest.mark.parametrize(("guide", "name"), EXAMPLES)
def test_example(session, guide, name):
    session.run(RUN, {"shared": SHARED, "text": GUIDES[guide], "name": name})


def test_the_examples_fit_the_types():
    compiler = NODE_MODULES / "typescript" / "bin" / "tsc"
    result = subprocess.run(
        node_tool(compiler, "--project", FOLDER / "tsconfig.json"), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout
