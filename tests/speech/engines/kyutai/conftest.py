"""Fixtures over the tiny checkpoint where torch is installed. The tests here that need no torch run without it."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("torch"):
    from tests.speech.engines.kyutai.model import checkpoint, embedding, load_model, reference, runner  # noqa: F401
