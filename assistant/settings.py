"""What the MCP server can be told, each once. mcp_server.py alone reads them from the environment.

The environment variable is KYUTAI_TTS_ and the name in capitals. An empty variable counts as unset. The settings of the
service itself (ENGINE, DEVICE, ...) count for an own copy.
"""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from speech.addresses import is_address
from speech.allowed import must

PREFIX = "KYUTAI_TTS_"


class AssistantSettingsError(Exception):
    """A setting is wrong; the message is one line that names it."""


def _split(value: Any) -> Any:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _absolute(path: Path) -> Path:
    path = path.expanduser()
    if not path.is_absolute():
        raise ValueError("must be an absolute path: hosts start this server in folders of their own choice")
    return path


def _over_http(url: str) -> str:
    """The same service's HTTP: Unmute reads KYUTAI_TTS_URL too and wants a WebSocket's address in it."""
    url = f"http{url[2:]}" if url.startswith(("ws://", "wss://")) else url
    if url and not is_address(url):
        raise ValueError("must be the address of a service, such as http://127.0.0.1:8900")
    return url


Folder = Annotated[Path, AfterValidator(_absolute)]


class AssistantSettings(BaseModel):
    """All of them, checked. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_over_http)] = Field(
        "", description="Where the service runs. Unset: this machine, on its PORT."
    )
    api_key: SecretStr | None = Field(None, description="One of the service's API_KEYS, if it wants one.")
    backend: Literal["auto", "service", "local"] = Field(
        "auto", description="Who speaks. auto: the running service, else this process; service, local: only that."
    )
    output_dir: Folder = Field(
        Path.home() / "kyutai-tts", description="Folder for audio files; made when it is first needed."
    )
    allowed_dirs: Annotated[tuple[Folder, ...], BeforeValidator(_split)] = Field(
        (Path(tempfile.gettempdir()),),
        description="Other folders in which files may be written, separated as in PATH.",
    )
    timeout: float = Field(600, gt=0, description="Seconds after which a call is given up.")
    inline_audio_bytes: int = Field(
        0, ge=0, description="Files up to this size also go into the answer itself. 0: none does."
    )
    mcp_token: SecretStr | None = Field(None, description="What clients of --http must send as Bearer token.")

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> AssistantSettings:
        """Raises AssistantSettingsError for a bad value, a misspelt name, or a `${...}` that was not filled in."""
        given = {name.removeprefix(PREFIX): v for name, v in environ.items() if name.startswith(PREFIX) and v}
        shared = environ.get("OUTPUT_DIR", "")  # the service's own setting: beside it, in its container, say
        if Path(shared).is_absolute():
            given.setdefault("OUTPUT_DIR", shared)
        known = [name.upper() for name in cls.model_fields]
        for name, value in given.items():
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            if name not in known and near:
                raise AssistantSettingsError(f"{PREFIX}{name} is not a setting; did you mean {PREFIX}{near[0]}?")
            if "${" in value:
                raise AssistantSettingsError(f"{PREFIX}{name}={value!r}: the host did not fill in the variable.")
        try:
            return cls.model_validate({name.lower(): v for name, v in given.items() if name in known})
        except ValidationError as error:
            first = error.errors()[0]
            name = f"{PREFIX}{first['loc'][0]}".upper()
            told = must(first, cls.model_json_schema())
            raise AssistantSettingsError(f"{name} is not allowed: {told}") from None
