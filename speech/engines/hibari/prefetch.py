"""Fetch hibari's voices ahead of time, as for a machine without a connection.

    python -m speech.engines.hibari.prefetch --voice fenrir      that voice; may be repeated
    python -m speech.engines.hibari.prefetch                     all of them: 32 MB

They go to HIBARI_HOME, else to the user's cache folder. Settings (HF_ENDPOINT, HF_HUB_OFFLINE) come from the
environment and .env, as for the service. What was fetched before is not fetched again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from speech.engines.hibari.files import VoiceFiles, voice_files
from speech.errors import SpeechError
from speech.settings import Settings, SettingsError

PROG = "python -m speech.engines.hibari.prefetch"


def main(arguments: Sequence[str] | None = None, settings: Settings | None = None, prog: str = PROG) -> int:
    """0: everything is here. 1: something could not be had; standard error says what. 2: the settings are wrong."""
    parser = argparse.ArgumentParser(prog, description="Fetch hibari's voices.")
    parser.add_argument("--voice", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    options = parser.parse_args(arguments)
    try:
        prefetch(voice_files(settings or Settings.load(os.environ, Path(".env"))), options.voice)
    except SettingsError as error:
        print(f"prefetch: {error}", file=sys.stderr)
        return 2
    except SpeechError as error:
        print(f"prefetch: {error.message}", file=sys.stderr)
        return 1
    return 0


def prefetch(files: VoiceFiles, names: Sequence[str]) -> None:
    """names: of voices; none: all that can be had. Raises SpeechError."""
    for name in names or files.names():
        print(f"{name}: {files.obtain(name)}")


if __name__ == "__main__":
    sys.exit(main())
