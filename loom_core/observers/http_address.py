"""Where events may be sent: http and https only, and no private network unless that is allowed."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from loom_core.errors import SpecError

URL_CHARS = 2_000
"""Longest address that is taken."""

ALLOW = "Pass allow_private=True if you mean to send there."

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 inside IPv6, RFC 6052."""

_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
"""The same inside one network, RFC 8215; Python before 3.12 takes it for public."""

_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
"""The first form of IPv4 inside IPv6, given up by RFC 4291."""

_ASCII = "".join(map(chr, range(0x21, 0x7F)))
"""What stays as it is in a path; letters of other alphabets are sent as their UTF-8 bytes."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address.

    Args:
        url: As it was given.
        secure: It is https.
        host: Name or number, without brackets.
        port: The scheme's where the address has none.
        path: With the query, from the slash.
    """

    url: str
    secure: bool
    host: str
    port: int
    path: str


def read_target(url: str, *, allow_private: bool) -> Target:
    """Return an address after checking all that can be checked without asking anyone.

    Raises:
        SpecError: It is neither http nor https, names no host, carries a password, or names this
            machine or a private network by number although that is not allowed.
    """
    if not isinstance(url, str) or len(url) > URL_CHARS:
        raise SpecError(f"an observer's address must be a text of up to {URL_CHARS:,} characters")
    if any(letter <= " " or letter == "\x7f" for letter in url):
        raise SpecError("an observer's address must not hold spaces or control characters")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except ValueError as error:  # that of a name with an impossible part is one, too
        raise SpecError(f"{url[:80]!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise SpecError(
            f"events can be sent by http and https only, not to {url!r}",
            hint="Use an address that starts with http:// or https://.",
        )
    if not host:
        raise SpecError(f"the address {url!r} names no host")
    if parts.username is not None or parts.password is not None:
        raise SpecError("an observer's address must not carry a user name or password")
    if not allow_private:
        _require_public_name(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path = quote(path, safe=_ASCII)
    secure = parts.scheme == "https"
    return Target(url, secure, host, port or (443 if secure else 80), path)


def resolve(target: Target, *, allow_private: bool) -> list[tuple[str, int]]:
    """Return the (number, port) pairs behind an address, each of them checked.

    Whoever connects uses these numbers and does not ask for the name again: a second answer might
    be another.

    Raises:
        SpecError: One of them is private although that is not allowed.
        OSError: There is no such host.
    """
    answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    numbers = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for number in numbers if not allow_private else ():
        if not is_public(ipaddress.ip_address(number)):
            raise SpecError(f"{target.host} is at {number}, a private address", hint=ALLOW)
    return [(number, target.port) for number in numbers]


def is_public(address: Address) -> bool:
    """Return whether a number belongs to the public internet, also that inside another."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _LOCAL_NAT64 or address in _IPV4_COMPATIBLE:
            return False
        if address in _NAT64:
            inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        found = [number for number in inside if number is not None]
        if found:
            return all(is_public(number) for number in found)
    return address.is_global and not address.is_multicast


def _require_public_name(host: str) -> None:
    try:
        public = is_public(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:  # a name
        name = host.rstrip(".").lower()
        public = name != "localhost" and not name.endswith(".localhost")
    if not public:
        raise SpecError(f"{host} is this machine or in a private network", hint=ALLOW)
