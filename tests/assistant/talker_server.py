"""mcp_server.py as it is, over an engine that speaks slowly and soils standard output in every way there is.

Run by the tests as a process of its own. TALKER_LOAD_S: how long loading takes. TALKER_FRAMES: frames of one utterance.
What the engine does is written to standard error.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from typing import TYPE_CHECKING

import mcp_server

if TYPE_CHECKING:
    from assistant.doors import Doors
    from assistant.settings import AssistantSettings
    from speech.service import SpeechService

FRAME_PAUSE_S = 0.02


def tell(what: str) -> None:
    os.write(2, f"talker: {what}\n".encode())


def soil() -> None:
    """Print as libraries print: with and without a line's end, past Python, from a child."""
    print("a line of Python's")
    print("half a line of Python's", end=" ")
    os.write(1, b"a line past Python\n")
    subprocess.run(["echo", "a child's line"], check=True)


def make_service() -> SpeechService:
    from tests.services import make_service
    from tests.stage import StageEngine

    class Talker(StageEngine):
        def start(self, utterance) -> None:  # type: ignore[no-untyped-def]
            super().start(utterance)
            threading.Thread(target=self._talk, args=[self.next()], daemon=True).start()

        def _talk(self, utterance) -> None:  # type: ignore[no-untyped-def]
            soil()
            tell("begins")
            pause, said = threading.Event(), 0
            while said < int(os.environ.get("TALKER_FRAMES", "10")) and not utterance.over:
                self.play(utterance, frames=1, finish=False)
                said += 1
                pause.wait(FRAME_PAUSE_S)
            tell(f"stopped after {said}" if utterance.over else "finished")
            utterance.finish()

    def build(progress) -> StageEngine:  # type: ignore[no-untyped-def]
        soil()
        progress("reading the weights", 1, 4, None)
        tell("loading")
        threading.Event().wait(float(os.environ.get("TALKER_LOAD_S", "0")))
        return Talker(slots=2)

    return make_service(build)


def make_doors(settings: AssistantSettings) -> Doors:
    from assistant.doors import Doors
    from speech.remote.client import ServiceClient

    soil()  # as a library might while it is imported
    return Doors(lambda: ServiceClient(settings.url), make_service)


if __name__ == "__main__":
    sys.exit(mcp_server.main(sys.argv[1:], make_doors))
