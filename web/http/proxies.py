"""Who asks, where proxies stand in between (RealClient). Only what a trusted proxy says counts.

werkzeug's ProxyFix counts hops and believes every client that reaches the port; here the addresses decide. Each proxy
adds the address it was asked from at the right of X-Forwarded-For, so the list is read from there, as far as those who
wrote it are trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

IPAddress = IPv4Address | IPv6Address
SCHEMES = frozenset({"http", "https"})


class RealClient:
    """WSGI middleware: REMOTE_ADDR and the scheme are the client's."""

    def __init__(self, app: WSGIApplication, trusted: Sequence[str]) -> None:
        """trusted: addresses and networks."""
        self._app = app
        self._networks = [ip_network(network) for network in trusted]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        peer = parsed(environ.get("REMOTE_ADDR", ""))
        if peer is not None and self._is_trusted(peer):
            environ["REMOTE_ADDR"] = str(self._client(peer, environ.get("HTTP_X_FORWARDED_FOR", "")))
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in SCHEMES:
                environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)

    def _client(self, peer: IPAddress, forwarded_for: str) -> IPAddress:
        """The last one in the chain that a trusted one named."""
        for hop in reversed(forwarded_for.split(",")):
            named = parsed(hop)
            if named is None:
                break
            peer = named
            if not self._is_trusted(peer):
                break
        return peer

    def _is_trusted(self, address: IPAddress) -> bool:
        return any(address in network for network in self._networks)


def parsed(text: str) -> IPAddress | None:
    """An address as proxies write it, perhaps with a port; an IPv4 address is one also in IPv6's clothes."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
