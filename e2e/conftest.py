"""Fixtures of the browser tests: the built site on a plain host, and a watched Chromium."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from glue import GluePage, loaded_page
from playground import Playground
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    sync_playwright,
)
from static_server import StaticSite

from web.build.chromium import ADVICE, SOFTWARE_GPU, find_chromium

DIST = Path(__file__).resolve().parents[1] / "dist"

BROWSER_ARGUMENTS = [
    "--no-sandbox",  # containers rarely allow the sandbox, and only our own pages run here
    "--disable-dev-shm-usage",
    # No name and no address but this machine's own can be reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class PageLog:
    """What a browser context did that a good page does not do.

    ``console_errors`` holds the texts of console messages of level error, ``page_errors`` the
    errors that nobody caught, ``foreign_requests`` the addresses outside the site that were asked
    for; the browser reaches none of them.
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.console_errors: list[str] = []
        self.page_errors: list[str] = []
        self.foreign_requests: list[str] = []
        self._origin = origin
        self._expected: list[re.Pattern[str]] = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.page_errors.append(str(error.error)))
        context.on("request", self._on_request)

    def expect_error(self, pattern: str) -> None:
        """Let errors pass that this pattern is found in; the test is about them."""
        self._expected.append(re.compile(pattern))

    def check(self) -> None:
        """Fail the test if anything was logged that it did not expect."""
        errors = [
            error
            for error in self.console_errors + self.page_errors
            if not any(pattern.search(error) for pattern in self._expected)
        ]
        if errors or self.foreign_requests:
            pytest.fail(f"errors in the page: {errors}; requests: {self.foreign_requests}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console_errors.append(f"{message.text} ({message.location['url']})")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self._origin + "/", "data:", "blob:")):
            self.foreign_requests.append(request.url)


@pytest.fixture(scope="session")
def site() -> Iterator[StaticSite]:
    """The static host of dist/; it can make files missing, cut or changed."""
    if not (DIST / "manifest.json").is_file():
        pytest.fail("dist/ is not built: run `npm run build` first")
    site = StaticSite(DIST)
    yield site
    site.close()


@pytest.fixture(scope="session")
def site_url(site: StaticSite) -> str:
    """The address of the built site, below a sub-path, with a slash at its end."""
    return site.url


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What starts browsers; there can be only one in a process."""
    with sync_playwright() as playwright:
        yield playwright


@contextmanager
def launched(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """Run the Chromium installed on this machine."""
    path = find_chromium()
    if path is None:
        pytest.fail(f"no Chromium was found. {ADVICE}")
    args = [*BROWSER_ARGUMENTS, *arguments]
    browser = playwright.chromium.launch(executable_path=path, args=args)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests that ask for nothing else."""
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def gpu_browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium with WebGPU on a software adapter, the same on every machine."""
    with launched(playwright, *SOFTWARE_GPU) as browser:
        yield browser


@pytest.fixture(scope="module", params=[True, False], ids=["worker", "main-thread"])
def session(
    browser: Browser, site: StaticSite, request: pytest.FixtureRequest
) -> Iterator[GluePage]:
    """A page with Loom in it, of which nothing may be left when the tests of a file are done."""
    with loaded_page(browser, site, worker=request.param) as page:
        yield page
        assert page.run("return (await loom.memory()).liveJobs") == 0
        assert page.run("return (await loom.memory()).liveHandles") == 0
        assert page.run("return (await loom.memory()).liveProxies") == 0


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own for each test: no cache, no stored data."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page_log(context: BrowserContext, site: StaticSite) -> Iterator[PageLog]:
    """What went wrong in the pages of this test; anything unexpected fails it at its end."""
    log = PageLog(context, site.origin)
    yield log
    log.check()


@pytest.fixture
def page(context: BrowserContext, page_log: PageLog) -> Page:
    """An empty page, watched by ``page_log``."""
    return context.new_page()


@pytest.fixture
def playground(page: Page, site_url: str) -> Playground:
    """The playground in that page, not yet opened."""
    return Playground(page, site_url)
