"""How many connections the system's limit on open files leaves room for."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger("kyutai_tts.server")

OWN = 64  # files, pipes and sockets that are not connections: counted with Kyutai's model loaded, and twice that


def connections_within(wanted: int, each: int = 1) -> int:
    """Raise this process's soft limit so that `wanted` connections can be open; how many can be after that.

    each: descriptors of one connection.
    Fewer than wanted where the hard limit is lower: the log says so, and what to raise.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * each + OWN
    if hard != resource.RLIM_INFINITY and hard < needed:
        log.warning(
            "the limit of %d open files (ulimit -Hn) leaves room for %d connections instead of %d",
            *(hard, max(1, (hard - OWN) // each), wanted),
        )
        needed = hard
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return max(1, (needed - OWN) // each)
