"""Serves a built folder over HTTP, as any plain static host would: no special headers."""

import errno
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .errors import BuildError

USUAL_PORT = 8000


class FolderHandler(SimpleHTTPRequestHandler):
    """Answers with the files of one folder, silently.

    File types are fixed here: what the machine's own tables say of .js and .wasm differs.
    """

    extensions_map = {  # noqa: RUF012 (the base class declares it so)
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".mjs": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".wasm": "application/wasm",
        "": "application/octet-stream",
    }

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: a page makes dozens of requests."""


class FolderServer(ThreadingHTTPServer):
    """An HTTP server of one folder; port 0 chooses a free port."""

    daemon_threads = True
    request_queue_size = 64  # a page asks for all its files at once

    def __init__(
        self, folder: Path, host: str, port: int, handler: type[FolderHandler] = FolderHandler
    ) -> None:
        super().__init__((host, port), partial(handler, directory=str(folder)))
        name = f"[{host}]" if ":" in host else host
        self.origin = f"http://{name}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a browser that closed the connection; report anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def open_server(folder: Path, host: str, port: int | None) -> FolderServer:
    """Return a server on ``port``, or without one on the usual port or else a free one.

    The usual port is preferred because a browser keeps a page's stored data by its address.
    """
    try:
        return FolderServer(folder, host, USUAL_PORT if port is None else port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port is None:
            return FolderServer(folder, host, 0)
        raise BuildError(f"cannot serve on {host} port {port}: {error}") from error


def serve_forever(server: FolderServer) -> None:
    """Print the address and serve until Ctrl-C."""
    print(f"Loom playground: {server.origin}/  (Ctrl-C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("stopped")
    finally:
        server.server_close()
