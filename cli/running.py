"""One run of `say` (run): the text from where it is, the audio to its sink, how far it is to the terminal."""

from __future__ import annotations

import argparse
import os
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial

from cli.buffer import Buffer
from cli.endings import Ended, Exit
from cli.line import Line
from cli.options import request_of
from cli.sinks import Sink
from cli.speaking import Speaking
from cli.text import pieces
from cli.where import doors

LOOK_S = 0.25  # how often the line on the terminal is made anew
END_S = 1.0  # for what was asked of the service or the engine to end; the end of the process does the rest

STDIN = 0


def run(options: argparse.Namespace, sink: Sink) -> None:
    """Raises Ended, SpeechError. The caller aborts the sink."""
    text = " ".join(options.text) if options.text else None
    if text is None and sys.stdin is None:  # it was closed before we began
        raise _no_text()
    if text is None and (options.output is not None or _is_file(STDIN)):
        text = _all_of_stdin()  # a file is written when all is there: nothing is gained by earlier words
    if text is not None and not text.strip():
        raise _no_text()
    with closing(doors(options.url)) as who:
        buffer = Buffer()
        speaking = Speaking(who, request_of(options), buffer)
        say = partial(speaking.live, pieces(STDIN)) if text is None else partial(speaking.whole, text)
        hear(say, speaking, buffer, sink, options.output)


def hear(say: Callable[[], None], speaking: Speaking, buffer: Buffer, sink: Sink, output: str | None) -> None:
    """Run `say`, which fills the buffer, beside the sink. output: the file's name; None: it is played.

    Raises Ended, SpeechError; KeyboardInterrupt at once, also where a service does not answer.
    """
    thread = threading.Thread(target=say, name="speaking", daemon=True)
    line = Line(sys.stderr)
    thread.start()
    try:
        if not _sounds(speaking, buffer, sink, line, output):
            raise _no_text()
        sink.finish()
    finally:
        line.clear()
        speaking.cancel()
        buffer.abandon()
        sink.abort()  # sound stops before anything else is waited for
        thread.join(END_S)


def _sounds(speaking: Speaking, buffer: Buffer, sink: Sink, line: Line, output: str | None) -> bool:
    """All audio into the sink. False: there was none."""
    any_sound = False
    while True:
        try:
            sound = buffer.get(LOOK_S)
        except TimeoutError:
            sink.idle()
            if output or not any_sound:
                line.show(_progress(speaking, output))
            continue
        if sound is None:
            return any_sound
        if not any_sound and not output:
            line.clear()
        any_sound = True
        sink.write(sound)


def _progress(speaking: Speaking, output: str | None) -> str:
    share = speaking.share
    return f"{output or 'say'}: {speaking.phase()}" + (f", {share:.0%} of the text" if output and share else "")


def _is_file(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _all_of_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Ended(Exit.USAGE, f"The text is not UTF-8: byte {error.start} is none of its own.") from None


def _no_text() -> Ended:
    return Ended(Exit.USAGE, "There is no text to say.")
