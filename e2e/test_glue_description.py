"""The whole description in a page: fetched when asked for, checked, and the same as Python's."""

import json

import pytest
from conftest import DIST
from glue import EXPECTED_ERROR, GluePage, loaded_page

from loom_core.introspection import describe

NAME = "loom/generated/description.json"
DESCRIPTION = describe()
WAYS = pytest.mark.parametrize("expression", ["loom.describe()", "loom.description"])


@pytest.fixture(scope="module")
def session(browser, site):
    """A session in which the description never arrives, so that its tests do not meet."""
    with loaded_page(browser, site, worker=True) as page:
        yield page


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "main-thread"])
@WAYS
def test_it_is_fetched_once_and_only_when_asked_for(page, page_log, site_url, worker, expression):
    page_log.expect_error(EXPECTED_ERROR)
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    glue = GluePage(page, site_url)
    glue.load(worker=worker)
    glue.run("Object.values(loom)")
    before = fetched.count(site_url + NAME)

    same, description = glue.run(f"""
        const first = await {expression};
        return [first === (await loom.describe()) && first === loom.description, first];
    """)

    assert description == DESCRIPTION
    assert same
    assert (before, fetched.count(site_url + NAME)) == (0, 1)


@WAYS
def test_a_missing_file_is_named(session, site, expression):
    with site.missing(NAME):
        error = session.failure(expression)

    assert (error["code"], NAME in error["message"]) == ("asset_missing", True)


@WAYS
@pytest.mark.parametrize("text", ["<!doctype html>", json.dumps({"version": "9.9.9"})])
def test_another_file_in_its_place_is_found_out(session, site, expression, text):
    with site.replaced(NAME, text.encode()):
        error = session.failure(expression)

    assert (error["code"], NAME in error["message"]) == ("asset_corrupt", True)


def test_changed_bytes_are_found_out_by_their_hash(session, site):
    content = (DIST / NAME).read_bytes()

    with site.replaced(NAME, content.replace(b"network", b"notwork", 1)):
        error = session.failure("loom.describe()")

    assert (error["code"], "SHA-256" in error["message"]) == ("asset_corrupt", True)
