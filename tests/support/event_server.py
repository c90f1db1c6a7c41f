"""A server on this machine that keeps the events that it is sent."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONG = 60.0
"""Seconds after which a wait has failed; no test is meant to wait so long."""


class Server(ThreadingHTTPServer):
    """Keeps what it is sent; answers as it is told, once it is let."""

    daemon_threads = True

    def __init__(self, status=204, headers=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.extra = status, headers
        self.bodies, self.paths = [], []
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/telemetry?run=1"


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of a Server."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.server.paths.append(self.path)
        self.server.asked.set()
        self.server.may_answer.wait(LONG)
        self.send_response(self.server.status)
        for name, value in self.server.extra:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def serving(**options):
    """A server that runs in a thread of its own, until the end of the block."""
    with Server(**options) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.may_answer.set()
            server.shutdown()
            thread.join()
