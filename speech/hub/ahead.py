"""Fetching ahead of time, from a command line: what every engine's prefetch does alike (run)."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from speech.errors import SpeechError
from speech.settings import Settings, SettingsError

NOT_HAD, BAD_SETTINGS = 1, 2


def run(fetch: Callable[[Settings], None], settings: Settings | None = None) -> int:
    """0: everything is here. 1: something could not be had; standard error says what. 2: the settings are wrong.

    settings: None for those of the environment and of .env in the current folder.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        fetch(settings or Settings.load(os.environ, Path(".env")))
    except SettingsError as error:
        return _failed(str(error), BAD_SETTINGS)
    except SpeechError as error:
        return _failed(error.message, NOT_HAD)
    return 0


def _failed(message: str, code: int) -> int:
    print(f"prefetch: {message}", file=sys.stderr)
    return code
