"""Runs the benchmark's page in Chromium."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from web.build.chromium import GPU, SOFTWARE_GPU

from .server import BenchServer

ARGUMENTS = [
    "--no-sandbox",  # containers rarely allow the sandbox, and only our own pages run here
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    # No name and no address but this machine's own can be reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
POLL_MS = 500


class BenchError(RuntimeError):
    """The page could not measure."""


def in_chromium(
    chromium: str, artifacts: Path, parameters: Mapping[str, str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Start the browser of that path for :func:`run_page`; ``gpu`` in the parameters says which."""
    adapter = {"software": SOFTWARE_GPU, "hardware": GPU}.get(parameters.get("gpu", ""), [])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS + adapter)
        try:
            return run_page(browser, artifacts, parameters, say)
        finally:
            browser.close()


def run_page(
    browser: Browser,
    artifacts: Path,
    parameters: Mapping[str, str],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Open the page and return its result, with the browser's version added.

    Args:
        browser: Runs nothing else meanwhile.
        artifacts: Folder of the training artifacts; it need not exist.
        parameters: Of the page's address.
        say: Is told each line that the page logs.

    Raises:
        BenchError: The page failed as a whole; single contenders that fail are in the result.
    """
    server = BenchServer(artifacts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    try:
        page.goto(f"{server.origin}/bench/index.html?{urlencode(parameters)}")
        result = _finished(page, say)
    finally:
        page.close()
        server.shutdown()
        server.server_close()
    if "error" in result:
        raise BenchError(result["error"])
    return {**result, "browser": f"Chromium {browser.version}"}


def _finished(page: Page, say: Callable[[str], None]) -> dict[str, Any]:
    """Wait for the result; asking seldom leaves the page's thread alone most of the time."""
    said = 0
    while True:
        log, result = page.evaluate("[window.benchLog ?? [], window.benchResult ?? null]")
        for line in log[said:]:
            say(line)
        said = len(log)
        if result is not None:
            return dict(result)
        page.wait_for_timeout(POLL_MS)
