"""Fetch a model of Pocket TTS and voices ahead of time, as for a machine without a connection.

POCKET_MODEL says which model. What was fetched before is not fetched again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from speech.engines.pocket.files import obtain
from speech.engines.pocket.voices import catalogue
from speech.errors import SpeechError
from speech.hub.files import make_hub
from speech.hub.meter import size_text
from speech.settings import Settings


def main(arguments: Sequence[str], settings: Settings, prog: str) -> int:
    """0: everything is here. 1: something could not be had; standard error says what."""
    parser = argparse.ArgumentParser(prog, description="Fetch a model of Pocket TTS (POCKET_MODEL) and voices.")
    parser.add_argument("--voice", action="append", default=[], metavar="ID", help="a voice to fetch; may be repeated")
    parser.add_argument("--all-voices", action="store_true", help="fetch every ready voice of the model")
    options = parser.parse_args(arguments)
    try:
        prefetch(settings, options.voice, options.all_voices)
    except SpeechError as error:
        print(f"prefetch: {error.message}", file=sys.stderr)
        return 1
    return 0


def prefetch(settings: Settings, wanted: Sequence[str] = (), all_voices: bool = False) -> None:
    """The model, the default voice and those that are wanted. Raises SpeechError."""
    model = obtain(settings, make_hub(settings))
    size = sum(path.stat().st_size for path in model.files)
    print(f"Pocket TTS ({model.name}): {size_text(size)} in {model.files[0].parent}")
    voices = catalogue(settings)
    listed = [voice.id for voice in voices.voices()] if all_voices else []
    chosen = list(dict.fromkeys([voices.default.id, *wanted, *listed]))
    for number, voice_id in enumerate(chosen, 1):
        voices.prepare(voice_id)
        print(f"{number}/{len(chosen)} {voice_id} ({voices.get(voice_id).licence})")
