"""Whether a text is the address of a service, as settings name other instances and mirrors."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SPACE = re.compile(r"\s")


def is_address(url: str) -> bool:
    """http or https, a host, and perhaps a port and a path."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not _SPACE.search(url)
    except ValueError:  # a port that is none
        return False
