"""A page with a Loom session in it, for the tests of the JavaScript API."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from static_server import StaticSite

HELPERS = Path(__file__).parent / "pages" / "glue.js"

#: A file of the site that runs no script of its own; what is no HTML cannot name its icon.
BARE_FILE = "licenses/loom.txt"
EXPECTED_ERROR = "favicon.ico"

#: What takes longer hangs; no test waits for it.
LONGEST_MS = 60_000


class GluePage:
    """A page of the site's origin on which test code can call the API.

    Attributes:
        longest_ms: What takes longer hangs.
    """

    longest_ms = LONGEST_MS

    def __init__(self, page: Page, site_url: str) -> None:
        self._page = page
        self._site_url = site_url
        page.add_init_script(path=HELPERS)
        self.open()

    def open(self) -> None:
        """Open the page anew, with the API imported and no session loaded."""
        self._page.goto(self._site_url + BARE_FILE)
        self.run("Object.assign(window, await import(arg.site + 'loom/index.js'))")

    def load(self, **options: Any) -> list[dict[str, Any]]:
        """Load a session into the page's ``loom``; return the progress that was reported."""
        return self.run("return glue.load(arg.options)", options)

    def run(self, body: str, value: Any = None) -> Any:
        """Run the body of an async function; it gets ``arg.site`` and ``arg.options``."""
        argument = {"site": self._site_url, "options": value}
        guarded = f"(arg) => glue.atMost({self.longest_ms}, (async () => {{ {body} }})())"
        return self._page.evaluate(guarded, argument)

    def run_in_worker(self, expression: str) -> None:
        """Evaluate an expression in the worker of the page's only session."""
        (worker,) = self._page.workers
        worker.evaluate(f"() => {{ {expression}; }}")

    def failure(self, expression: str, value: Any = None) -> dict[str, Any]:
        """Return what evaluating an expression throws or rejects with; it has to."""
        error = self.run(f"return glue.failure(() => {expression})", value)
        assert error is not None, f"no error from {expression}"
        return error


@contextmanager
def loaded_page(browser: Browser, site: StaticSite, *, worker: bool) -> Iterator[GluePage]:
    """Open a page of its own with a session that several tests share."""
    context: BrowserContext = browser.new_context()
    try:
        page = GluePage(context.new_page(), site.url)
        page.load(worker=worker)
        yield page
    finally:
        context.close()
