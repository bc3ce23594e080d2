"""Who speaks for `say`: the service that --url or KYUTAI_TTS_URL names, that of this machine, else this process."""

from __future__ import annotations

import os
from pathlib import Path

from assistant.doors import Doors
from assistant.own import own_service
from assistant.settings import AssistantSettings, AssistantSettingsError
from cli.endings import Ended, Exit
from cli.home import env_file, home
from speech.errors import SpeechError, Unavailable
from speech.remote.client import ServiceClient
from speech.service import SpeechService
from speech.settings import Settings, SettingsError


def doors(url: str | None) -> Doors:
    """The service and the own engine, neither touched before the first use. url: --url; only that one may speak then.

    Raises Ended for a wrong setting.
    """
    try:
        named = {"KYUTAI_TTS_URL": url} if url else {}
        settings = AssistantSettings.load({**os.environ, **named})
    except AssistantSettingsError as error:
        raise Ended(Exit.USAGE, str(error).replace("KYUTAI_TTS_URL", "--url") if url else str(error)) from None

    def client() -> ServiceClient:
        return found(settings)

    return Doors(client, own, "service" if url else settings.backend)


def own() -> SpeechService:
    """An engine in this process, as the settings of this installation choose it.

    Raises Ended where they are wrong, or choose one that cannot be had here.
    """
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # so that CUDA counts GPUs as the driver does
    try:
        return own_service(os.environ, env_file(os.environ))
    except SpeechError as error:
        raise Ended(Exit.USAGE, error.message) from None


def found(settings: AssistantSettings) -> ServiceClient:
    """A client of the service. start.sh takes another port where PORT is taken, and writes down which."""
    key = settings.api_key.get_secret_value() if settings.api_key else None
    if settings.url:
        return ServiceClient(settings.url, key)
    usual = ServiceClient(f"http://127.0.0.1:{_port()}", key)
    for client in (usual, *(ServiceClient(address, key) for address in started(home(os.environ)))):
        if _present(client):
            return client
    return usual


def started(folder: Path) -> list[str]:
    """The addresses that start.sh wrote down in this folder (scripts/process.sh): the third line of each file."""
    files = sorted((folder / ".run").glob("*.pid"))
    lines = [file.read_text().splitlines() for file in files]
    return [given[2] for given in lines if len(given) > 2 and given[2].startswith("http")]


def _present(client: ServiceClient) -> bool:
    try:
        return client.present()
    except Unavailable:  # it is asked again, and then the error is told
        return False


def _port() -> int:
    try:
        return Settings.load(os.environ, env_file(os.environ)).port
    except SettingsError as error:
        raise Ended(Exit.USAGE, str(error)) from None
