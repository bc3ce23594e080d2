"""Fetch the model and voices ahead of time, as for a machine without a connection.

    python -m speech.engines.kyutai.prefetch                                   the model and the default voice
    python -m speech.engines.kyutai.prefetch --voice vctk/p225_023.wav         that voice too; may be repeated
    python -m speech.engines.kyutai.prefetch --all-voices --commercial         every voice for commercial use

Settings (HF_REPO, VOICE_REPO, HF_HOME, HF_TOKEN, ...) come from the environment and .env, as for the service. What was
fetched before is not fetched again; a fetch that broke off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speech.engines.kyutai.voices import EmbeddingVoices
    from speech.settings import Settings

NEEDED = ("pydantic", "dotenv", "numpy", "safetensors", "huggingface_hub")  # our own imports wait for these


INSTALL = (
    "Run it with .venv/bin/python, once ./start.sh --engine kyutai has made that; or make one for this alone: "
    "python3 -m venv .venv && .venv/bin/pip install -r requirements/core.txt 'huggingface_hub<1' safetensors"
)

PROG = "python -m speech.engines.kyutai.prefetch"


def main(arguments: Sequence[str] | None = None, settings: Settings | None = None, prog: str = PROG) -> int:
    """As speech/hub/ahead.py's `run`; 2 also where a package is missing."""
    options = _parser(prog).parse_args(arguments)
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        print(f"prefetch: {sys.executable} has no {', '.join(missing)}. {INSTALL}", file=sys.stderr)
        return 2
    from speech.hub.ahead import run

    return run(lambda chosen: prefetch(chosen, options), settings)


def prefetch(settings: Settings, options: argparse.Namespace) -> None:
    """Raises SpeechError."""
    from speech.engines.kyutai.voices import catalogue
    from speech.engines.kyutai.weights import obtain
    from speech.hub.files import make_hub
    from speech.hub.meter import size_text

    hub = make_hub(settings)
    checkpoint = obtain(settings, hub)
    print(f"{checkpoint.source}: {size_text(checkpoint.size_bytes)} in {checkpoint.folder}")
    voices = catalogue(settings)
    if not settings.hf_hub_offline:
        voices.refresh()
    chosen = _chosen(voices, options)
    for number, voice_id in enumerate(chosen, 1):
        voices.embedding(voice_id)  # so that a damaged file shows now
        print(f"{number}/{len(chosen)} {voice_id} ({voices.get(voice_id).licence})")


def _chosen(voices: EmbeddingVoices, options: argparse.Namespace) -> list[str]:
    listed = voices.voices() if options.all_voices else []
    wanted = [voice.id for voice in listed if voice.commercial or not options.commercial]
    return list(dict.fromkeys([voices.default.id, *options.voice, *wanted]))


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog, description="Fetch the model of Kyutai TTS 1.6B and voices.")
    parser.add_argument("--voice", action="append", default=[], metavar="ID", help="a voice to fetch; may be repeated")
    parser.add_argument("--all-voices", action="store_true", help="fetch every voice: about 1,000 files of 256 kB")
    parser.add_argument("--commercial", action="store_true", help="of all voices, only those for commercial use")
    return parser


if __name__ == "__main__":
    sys.exit(main())
