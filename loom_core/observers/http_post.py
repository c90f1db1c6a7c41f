"""One POST request outside a browser: to checked numbers only, without following redirects."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPConnection, HTTPSConnection

from loom_core.observers.http_address import Target, resolve

HEADERS = {"Content-Type": "application/json", "Connection": "close"}


class RefusedByServerError(OSError):
    """The server answered, but not that it took the events."""


def post(target: Target, body: bytes, *, timeout: float, allow_private: bool) -> None:
    """Send a JSON text.

    Args:
        target: Where to.
        body: UTF-8.
        timeout: Seconds to connect, and for each step after that.
        allow_private: Whether the host may be in a private network.

    Raises:
        SpecError: The host is in a private network although that is not allowed.
        OSError: It cannot be reached, takes too long, or does not answer with a status of 200 to
            299. A redirect is not followed, so that it cannot lead into a private network.
        HTTPException: The answer is no HTTP.
    """
    connection = _connection(target, timeout)
    connection.sock = _connect(target, timeout, allow_private)
    try:
        connection.request("POST", target.path, body, HEADERS)
        status = connection.getresponse().status
    finally:
        connection.close()
    if not 200 <= status < 300:
        why = ", and redirects are not followed" if 300 <= status < 400 else ""
        raise RefusedByServerError(f"the server answered with status {status}{why}")


def _connection(target: Target, timeout: float) -> HTTPConnection:
    kind = HTTPSConnection if target.secure else HTTPConnection
    return kind(target.host, target.port, timeout=timeout)


def _connect(target: Target, timeout: float, allow_private: bool) -> socket.socket:
    """Return a socket to the first number that takes the connection."""
    failure: OSError | None = None
    for number in resolve(target, allow_private=allow_private):
        try:
            plain = socket.create_connection(number, timeout)
        except OSError as error:
            failure = error
            continue
        if not target.secure:
            return plain
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
        except OSError:
            plain.close()
            raise
    raise failure or OSError(f"there is no host {target.host}")
