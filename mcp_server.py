"""Speech for assistants: an MCP server over stdio. Starts in under a second; imports torch only to speak by itself.

python mcp_server.py                      for a host on this machine (Claude Desktop, Cursor, ...)
python mcp_server.py --http HOST:PORT     streamable HTTP, for clients elsewhere; needs KYUTAI_TTS_MCP_TOKEN

A running service does the work; without one this process speaks with a copy of its own.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.doors import Doors
    from assistant.settings import AssistantSettings
    from speech.remote.client import ServiceClient
    from speech.service import SpeechService

ENV_FILE = Path(__file__).resolve().parent / ".env"  # the host chooses the working directory
DEFAULT_PORT = "8900"
BAD_USAGE = 2


def make_doors(settings: AssistantSettings, env_file: Path = ENV_FILE) -> Doors:
    """The service and the own copy, neither touched before the first call."""
    from assistant.doors import Doors

    def client() -> ServiceClient:
        from speech.remote.client import ServiceClient

        key = settings.api_key.get_secret_value() if settings.api_key else None
        return ServiceClient(settings.url or f"http://127.0.0.1:{_local_port(env_file)}", key)

    def own() -> SpeechService:
        from assistant.own import own_service

        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # so that CUDA counts GPUs as the driver does
        return own_service(os.environ, env_file)

    return Doors(client, own, settings.backend)


def main(
    arguments: list[str],
    doors_for: Callable[[AssistantSettings], Doors] = make_doors,
    *,
    prog: str = "mcp_server.py",
) -> int:
    """Serve until the host closes the pipe. 2: the settings are wrong; one line on standard error says which."""
    from assistant.wire import Wire

    wire = Wire()  # before anything that might print is imported
    gc.disable()  # what is imported stays; looking through it again and again is a tenth of the start
    options = _options(arguments, prog)
    from assistant.files import OutputFiles
    from assistant.server import build_server
    from assistant.settings import AssistantSettings, AssistantSettingsError

    try:
        settings = AssistantSettings.load(os.environ)
        address = _address(options.http, settings)
    except AssistantSettingsError as error:
        print(f"kyutai-tts: {error}", file=sys.stderr)
        return BAD_USAGE
    doors = doors_for(settings)
    files = OutputFiles(settings.output_dir, settings.allowed_dirs)
    server = build_server(doors, files, settings.timeout, settings.inline_audio_bytes)
    gc.freeze()
    gc.enable()
    try:
        if address:
            from assistant.over_http import serve

            serve(server, *address)
        else:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # else Ctrl-C waits for the next line, and prints a traceback
            with wire.open():
                server.run("stdio")
    finally:
        doors.close()
    return 0


def _options(arguments: list[str], prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description="Text to speech for assistants (MCP).")
    parser.add_argument("--http", metavar="HOST:PORT", help="streamable HTTP rather than stdio, such as 127.0.0.1:8901")
    return parser.parse_args(arguments)


def _address(asked: str | None, settings: AssistantSettings) -> tuple[str, int, str] | None:
    """Host, port and token of --http; None for stdio."""
    from assistant.settings import AssistantSettingsError

    if asked is None:
        return None
    host, _, port = asked.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise AssistantSettingsError(f"--http {asked}: give HOST:PORT, such as 127.0.0.1:8901.")
    if settings.mcp_token is None:
        raise AssistantSettingsError("--http needs a secret in KYUTAI_TTS_MCP_TOKEN; clients send it as Bearer token.")
    return host.strip("[]"), int(port), settings.mcp_token.get_secret_value()


def _local_port(env_file: Path) -> str:
    """The port of the service on this machine, if the host or the project's .env names another than the usual one."""
    from dotenv import dotenv_values

    return os.environ.get("PORT") or dotenv_values(env_file).get("PORT") or DEFAULT_PORT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
