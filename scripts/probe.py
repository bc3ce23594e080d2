"""What start.sh cannot ask in bash: is a port free, and who answers on it. Standard library only,
and no syntax newer than Python 3.8: where the service runs in a container, this runs with the Python that is there.

port HOST PORT    prints PORT (0: any) if one can listen on it. Exit code 1: it is taken; 2: the reason is printed
service ADDRESS   prints the engine's name if the service answers there. Exit code 1: no answer; 2: another program
network           prints the address of this machine in its network. Exit code 1: it has none
lock DESCRIPTOR   waits for the lock on an open file; it holds until the caller closes that
"""

from __future__ import annotations

import errno
import http.client
import ipaddress
import json
import socket
import ssl
import sys
import urllib.error
import urllib.request

SERVICE = "kyutai-tts"
TIMEOUT_S = 3


def free_port(host: str, port: int) -> int:
    """The port, bound once to see that it can be; 0 lets the system choose. Raises OSError; ValueError: no address."""
    if host != "localhost":
        ipaddress.ip_address(host)
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    with socket.socket(family, kind, proto) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does; a port in TIME_WAIT is free
        listener.bind(address)
        listener.listen(1)
        return int(listener.getsockname()[1])


def engine_at(address: str) -> str | None:
    """The engine of our service at that address; None if another program answers. Raises OSError if none does."""
    unverified = ssl.create_default_context()  # the certificate is for another name than the one asked here
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    never_a_proxy = urllib.request.ProxyHandler({})
    opener = urllib.request.build_opener(never_a_proxy, urllib.request.HTTPSHandler(context=unverified))
    try:
        with opener.open(f"{address}/health", timeout=TIMEOUT_S) as answer:
            health = json.loads(answer.read(65536))
    except (urllib.error.HTTPError, http.client.HTTPException, ValueError):
        return None
    if not isinstance(health, dict) or health.get("service") != SERVICE:
        return None
    return str(health.get("engine", "unknown"))


def network_address() -> str:
    """The IPv4 address that this machine's packets to other networks would carry. Sends none. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address for documents, RFC 5737; connecting UDP only asks the routes
        return str(probe.getsockname()[0])


def lock(descriptor: int) -> None:
    import fcntl  # not on Windows, where bash is a guest

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another start.sh is at work here; waiting for it.", file=sys.stderr, flush=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def tell_port(host: str, port: int) -> int:
    try:
        print(free_port(host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return 1
        print(error.strerror, file=sys.stderr)
        return 2
    except ValueError:
        print("It must be an IP address, or localhost; conda and tcsh set HOST to a name.", file=sys.stderr)
        return 2
    return 0


def main(arguments: list[str]) -> int:
    wish = tuple(arguments[:1])
    if wish == ("port",) and len(arguments) == 3:
        return tell_port(arguments[1], int(arguments[2]))
    if wish == ("service",) and len(arguments) == 2:
        try:
            engine = engine_at(arguments[1])
        except OSError:
            return 1
        if engine is None:
            return 2
        print(engine)
    elif wish == ("network",) and len(arguments) == 1:
        try:
            print(network_address())
        except OSError:
            return 1
    elif wish == ("lock",) and len(arguments) == 2:
        lock(int(arguments[1]))
    else:
        print(__doc__, file=sys.stderr)
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
