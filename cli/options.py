"""What `say` may be told."""

from __future__ import annotations

import argparse
from pathlib import Path

from cli.endings import Ended, Exit
from speech.encoders import ENCODERS
from speech.language import language_code
from speech.request import SPEEDS, SpeechRequest

ENDINGS = {"ogg": "opus"} | {name: name for name in ENCODERS}  # of file names -> format
EXAMPLES = """\
say "Good evening."                         speak, through the running service, else in this process
llm "Tell me a story." | say                speak while the text is being written
say -o chapter.mp3 < chapter.txt            a file instead; its ending chooses the format
say --list                                  the voices

KYUTAI_TTS_URL names another service, KYUTAI_TTS_API_KEY holds its key. Exit codes: docs/say.md.
"""


def parse(arguments: list[str], prog: str) -> argparse.Namespace:
    """Ends the process with exit code 2, and what is wrong, as argparse does."""
    parser = argparse.ArgumentParser(
        prog, description="Say a text.", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="*", help="what to say; without it, what comes on standard input")
    parser.add_argument("-o", "--output", metavar="FILE", help="write a file instead of playing; -: standard output")
    parser.add_argument("--format", choices=sorted(ENCODERS), help="of the file, where its ending does not say")
    parser.add_argument("-v", "--voice", metavar="ID", help="who speaks (--list)")
    parser.add_argument("--speed", type=_speed, default=1.0, help="{:g} to {:g}; the pitch stays".format(*SPEEDS))
    parser.add_argument(
        "--language", type=_language, metavar="CODE", help="of the text, such as en (default: the voice's)"
    )
    parser.add_argument("--url", help="the service to ask, and no other (default: KYUTAI_TTS_URL, else this machine's)")
    parser.add_argument("--list", action="store_true", help="list the voices, and end")
    return parser.parse_args(arguments)


def format_of(options: argparse.Namespace) -> str:
    """The format of the file. Raises Ended where neither --format nor the ending names one."""
    if options.format:
        return str(options.format)
    ending = "wav" if options.output == "-" else Path(options.output).suffix[1:].lower()
    if ending not in ENDINGS:
        endings = ", ".join(f".{known}" for known in sorted(ENDINGS))
        raise Ended(Exit.USAGE, f"{options.output}: the ending chooses the format, one of {endings}; or give --format.")
    return ENDINGS[ending]


def request_of(options: argparse.Namespace) -> SpeechRequest:
    """What each part of the text is asked for with; the audio comes as samples."""
    return SpeechRequest(voice=options.voice, format="pcm", speed=options.speed, language=options.language)


def _language(text: str) -> str:
    try:
        return language_code(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _speed(text: str) -> float:
    value = float(text)
    if not SPEEDS[0] <= value <= SPEEDS[1]:
        raise argparse.ArgumentTypeError("must be {:g} to {:g}".format(*SPEEDS))
    return value
