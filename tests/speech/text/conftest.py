"""Properties are not timed: on a busy machine the first example may take longer than hypothesis allows by default."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
