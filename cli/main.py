"""`say`: a text spoken on this machine, or into a file. Ctrl-C stops at once, while it still starts too.

What takes time to import is imported below.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

from cli.endings import Ended, Exit, ending_of

if TYPE_CHECKING:
    import argparse


class Terminated(BaseException):
    """SIGTERM came."""


def main(arguments: list[str], prog: str = "say") -> int:
    """The exit code (cli/endings.py)."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        from cli.options import parse
        from speech.errors import SpeechError

        options = parse(arguments, prog)
        try:
            _do(options)
        except SpeechError as error:
            raise ending_of(error) from None
    except Ended as ended:
        print(f"{prog.split()[-1]}: {ended.message}", file=sys.stderr)
        return ended.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Terminated:
        return Exit.TERMINATED
    return Exit.SAID


def _do(options: argparse.Namespace) -> None:
    """Raises Ended, SpeechError."""
    from cli.listing import listing
    from cli.options import format_of
    from cli.players import player
    from cli.running import run
    from cli.sinks import FileSink
    from cli.where import doors

    if options.list:
        who = doors(options.url)
        try:
            _show(listing(who.choose().door.voices))
        finally:
            who.close()
        return
    sink = player() if options.output is None else FileSink(options.output, format_of(options))
    try:
        run(options, sink)
    finally:
        sink.abort()


def _show(text: str) -> None:
    """On standard output. Raises Ended if it cannot be written."""
    try:
        print(text, flush=True)
    except OSError as error:
        sys.stdout = None  # the interpreter would try once more when it ends
        raise Ended(Exit.NOT_WRITTEN, f"Standard output could not be written: {error.strerror}.") from None


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
