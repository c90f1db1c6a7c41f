"""A plain static host for the tests: dist/ under a sub-path, and faults on request."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from web.build.serve import FolderHandler, FolderServer

PREFIX = "/a/b/"


class StaticSite:
    """The running server, as tests see it.

    ``origin`` is its scheme, host and port, ``url`` the address of the site with a slash at its
    end; ``requests`` lists the paths below the site asked for so far, with their queries.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = _SiteServer(folder, self)
        self.origin = self._server.origin
        self.url = self.origin + PREFIX
        self.requests: list[str] = []
        self._missing: set[str] = set()
        self._cut: dict[str, int] = {}
        self._replaced: dict[str, bytes] = {}
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def missing(self, path: str) -> Iterator[None]:
        """Answer 404 for one file of the site while the context lasts."""
        self._check(path)
        self._missing.add(path)
        try:
            yield
        finally:
            self._missing.discard(path)

    @contextmanager
    def cut(self, path: str, after_bytes: int) -> Iterator[None]:
        """Announce the whole of one file, but close the connection after so many bytes of it."""
        self._check(path)
        self._cut[path] = after_bytes
        try:
            yield
        finally:
            del self._cut[path]

    @contextmanager
    def replaced(self, path: str, content: bytes) -> Iterator[None]:
        """Answer with other bytes in place of one file."""
        self._check(path)
        self._replaced[path] = content
        try:
            yield
        finally:
            del self._replaced[path]

    def _check(self, path: str) -> None:
        if not (self._folder / path).is_file():
            raise FileNotFoundError(f"the site has no file {path!r} to make a fault of")


class _SiteServer(FolderServer):
    def __init__(self, folder: Path, site: StaticSite) -> None:
        self.site = site
        super().__init__(folder, "127.0.0.1", 0, _SiteHandler)


class _SiteHandler(FolderHandler):
    def do_GET(self) -> None:  # noqa: N802 (the base class names it)
        """Answer with a file below the prefix, or with the fault chosen for it."""
        site = cast(_SiteServer, self.server).site
        if not self.path.startswith(PREFIX):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.path = self.path.removeprefix(PREFIX.rstrip("/"))
        site.requests.append(self.path[1:])
        name = unquote(urlsplit(self.path).path)[1:]
        if name in site._missing:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif name in site._cut:
            self._send(Path(self.directory, name).read_bytes(), site._cut[name])
        elif name in site._replaced:
            self._send(site._replaced[name])
        else:
            super().do_GET()

    def _send(self, content: bytes, up_to: int | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(self.path))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:up_to])

    def list_directory(self, path: object) -> None:
        """Answer 404 for a folder without index.html, as static hosts do."""
        self.send_error(HTTPStatus.NOT_FOUND)
