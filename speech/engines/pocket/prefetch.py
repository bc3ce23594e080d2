"""Fetch Pocket TTS's models and voices ahead of time, as for a machine without a connection.

    python -m speech.engines.pocket.prefetch                          the model of POCKET_MODEL and its usual voice
    python -m speech.engines.pocket.prefetch --language fr            that language too; may be repeated
    python -m speech.engines.pocket.prefetch --voice anna             that voice too, in each of them; may be repeated
    python -m speech.engines.pocket.prefetch --all-voices --commercial    every voice for commercial use

Settings (POCKET_MODEL, HF_HOME, HF_TOKEN, ...) come from the environment and .env, as for the service. With HF_TOKEN
the weights for making voices are fetched. What was fetched before is not fetched again; a fetch that broke off goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from speech.engines.pocket.files import obtain
from speech.engines.pocket.sources import Source, sources
from speech.engines.pocket.voices import PocketVoices, catalogue
from speech.errors import InvalidRequest
from speech.hub.ahead import run
from speech.hub.files import make_hub
from speech.hub.meter import size_text
from speech.settings import Settings

PROG = "python -m speech.engines.pocket.prefetch"


def main(arguments: Sequence[str] | None = None, settings: Settings | None = None, prog: str = PROG) -> int:
    """As speech/hub/ahead.py's `run`."""
    options = _parser(prog).parse_args(arguments)
    return run(lambda chosen: prefetch(chosen, options), settings)


def prefetch(settings: Settings, options: argparse.Namespace) -> None:
    """Raises SpeechError."""
    voices, models = catalogue(settings), sources(settings)
    own = next(iter(models))
    for language in dict.fromkeys([own, *options.language]):
        if language not in models:
            raise InvalidRequest(f"--language {language} is none of {', '.join(models)}.")
        _fetch(settings, voices, models[language], options)


def _fetch(settings: Settings, voices: PocketVoices, source: Source, options: argparse.Namespace) -> None:
    model = obtain(source, make_hub(settings), token=settings.hf_token is not None)
    size = size_text(sum(path.stat().st_size for path in model.files))
    print(f"{model.name}: {size}; {'with' if model.clones else 'without'} the weights for making voices")
    chosen = _chosen(voices, source, options)
    for number, voice_id in enumerate(chosen, 1):
        voices.path(voice_id, source.language)
        print(f"{number}/{len(chosen)} {voice_id} ({voices.get(voice_id).licence})")


def _chosen(voices: PocketVoices, source: Source, options: argparse.Namespace) -> list[str]:
    everyone = [voice for voice in voices.voices() if not voice.made] if options.all_voices else []
    wanted = [voice.id for voice in everyone if voice.commercial or not options.commercial]
    speaking = [voice_id for voice_id in wanted if voices.speaks(voice_id, source.language)]
    return list(dict.fromkeys([voices.usual(source.language).id, *options.voice, *speaking]))


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog, description="Fetch Pocket TTS's models and voices.")
    parser.add_argument("--language", action="append", default=[], metavar="CODE", help="en, fr, ...; may be repeated")
    parser.add_argument("--voice", action="append", default=[], metavar="ID", help="a voice to fetch; may be repeated")
    parser.add_argument("--all-voices", action="store_true", help="fetch every voice: about 6 MB each")
    parser.add_argument("--commercial", action="store_true", help="of all voices, only those for commercial use")
    return parser


if __name__ == "__main__":
    sys.exit(main())
