"""Fetch hibari's voices ahead of time, as for a machine without a connection.

    python -m speech.engines.hibari.prefetch --voice fenrir      that voice; may be repeated
    python -m speech.engines.hibari.prefetch                     all of them: 32 MB

They go to HIBARI_HOME, else to the user's cache folder. Settings (HF_ENDPOINT, HF_HUB_OFFLINE) come from the
environment and .env, as for the service. What was fetched before is not fetched again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from speech.engines.hibari.files import VoiceFiles, voice_files
from speech.hub.ahead import run
from speech.settings import Settings

PROG = "python -m speech.engines.hibari.prefetch"


def main(arguments: Sequence[str] | None = None, settings: Settings | None = None, prog: str = PROG) -> int:
    """As speech/hub/ahead.py's `run`."""
    parser = argparse.ArgumentParser(prog, description="Fetch hibari's voices.")
    parser.add_argument("--voice", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    options = parser.parse_args(arguments)
    return run(lambda chosen: prefetch(voice_files(chosen), options.voice), settings)


def prefetch(files: VoiceFiles, names: Sequence[str]) -> None:
    """names: of voices; none: all that can be had. Raises SpeechError."""
    for name in names or files.names():
        print(f"{name}: {files.obtain(name)}")


if __name__ == "__main__":
    sys.exit(main())
