"""Every setting, once: name, type, default, reason. Only the programs read the environment: app, mcp_server, cli.

The environment variable is the name in capitals. An empty variable counts as unset.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from speech.allowed import must, own_words
from speech.setting_kinds import (
    Address,
    Device,
    EngineName,
    Keyed,
    Level,
    Listed,
    ModelName,
    Networks,
    Origins,
    Paired,
    ServiceName,
    Services,
    WebAddress,
)


class SettingsError(Exception):
    """A setting is wrong; the message is one line that names it."""


class Settings(BaseModel):
    """All settings, checked. Frozen: what the service was started with is what it runs with."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: Address = Field("0.0.0.0", description="Address to listen on; 127.0.0.1 keeps the service to this machine.")
    port: int = Field(8900, ge=0, le=65535, description="Port for the page, the API and the docs.")
    engine: EngineName = Field(
        "auto", description="What speaks: the name of an engine, or auto for the first that can here."
    )
    device: Device = Field(
        "auto",
        description="Where an engine for GPUs runs: auto, cuda, cuda:N, or cpu, far slower than real time and never "
        "chosen by ENGINE=auto.",
    )
    gpu_idle_timeout: float | None = Field(
        None,
        ge=-1,
        description="Seconds without speech before the engine is released. 0: at once; -1: never. Unset: 60 for an "
        "engine that holds a GPU, never for one that holds none.",
    )
    retire_worker: bool = Field(
        True,
        description="After a release on CUDA, replace the worker process: only that gives the CUDA context back.",
    )
    queue_timeout: float = Field(120, gt=0, description="Seconds that a request waits for a slot before it gets a 503.")
    load_timeout: float = Field(
        300, gt=0, description="Seconds that a request waits for the model to load before it gets a 503."
    )
    step_timeout: float = Field(
        30,
        gt=0,
        description="Seconds after which a step of the model counts as hung: the worker gives up and is replaced.",
    )
    default_voice: str | None = Field(
        None, description="Voice of requests that name none. Unset: the engine's own default."
    )
    hf_repo: str = Field("kyutai/tts-1.6b-en_fr", description="Repository of the model on the Hugging Face hub.")
    voice_repo: str = Field("kyutai/tts-voices", description="Repository of the voices on the Hugging Face hub.")
    model_dir: Path | None = Field(
        None,
        description="Folder with the files of HF_REPO, or of POCKET_MODEL. Set: the model is never looked for anywhere "
        "else.",
    )
    voices_dir: Path = Field(
        Path("voices"), description="Folder of voice embeddings of your own; new files are found without a restart."
    )
    voices_quota_mb: float = Field(
        1000,
        ge=0,
        description="Megabytes that VOICES_DIR may hold after an upload; more is refused. 0: no upload is taken.",
    )
    lexicon_dir: Path | None = Field(
        None,
        description="Folder of en.txt, fr.txt ...: how words are said, a line `written = said` each; read again when "
        "it changes.",
    )
    hf_home: Path | None = Field(
        None, description="Folder of the Hugging Face cache. Unset: Hugging Face's own, ~/.cache/huggingface."
    )
    hf_endpoint: WebAddress | None = Field(None, description="Address of a mirror of the hub. Unset: the hub itself.")
    hf_token: str | None = Field(
        None, repr=False, description="Hugging Face token; the published model needs none. A stale one is left aside."
    )
    hf_hub_offline: bool = Field(False, description="Never connect to the hub, nor try to: only what is here is used.")
    openai_voices: Paired = Field(
        {},
        description="Which voice each of OpenAI's names means: alloy=ID,nova=ID. Unset: fixed ones are chosen.",
    )
    openai_any_model: bool = Field(
        False, description="Take any name of a model on /v1/audio/speech instead of answering 404 to unknown ones."
    )
    openai_lenient: bool = Field(
        False,
        description="On /v1/audio/speech, leave aside what is not supported (X-Ignored names it) and take the default "
        "voice for an unknown one (X-Voice), instead of answering 400.",
    )
    speech_addresses: bool = Field(
        True, description="Answer GET /api/tts and GET /v1/audio/speech with speech, for players that take an address."
    )
    address_keep_s: float = Field(
        300, ge=0, description="Seconds that such speech is kept after its last reader, for those who seek in it."
    )
    address_keep_mb: int = Field(
        256, ge=0, description="MB of it that are kept at most; the oldest goes first. Above 4 MB each lies on disk."
    )
    cache_mb: int = Field(
        0,
        ge=0,
        description="MB of finished answers kept in memory: the same text, voice, settings and seed get the same bytes "
        "at once. 0: none.",
    )
    n_q: int = Field(
        32,
        ge=2,
        description="Codebooks of Kyutai TTS 1.6B: 8 to 32 trade quality for speed; a model with fewer uses its own.",
    )
    temperature: float = Field(
        0.6, ge=0, le=2, description="Temperature of requests that name none. 0 is greedy: always the same."
    )
    pocket_model: ModelName = Field(
        "english",
        description="Model of Pocket TTS: english, french, german, spanish, portuguese, italian, dutch, each also with "
        "_24l, or english_18m_2026-10, english_7m_2026-10, english_2m_2026-10 for small machines.",
    )
    pocket_languages: Listed = Field(
        (),
        description="Languages that Pocket TTS speaks beside that of POCKET_MODEL, such as fr,de; each is a model of "
        "its own, fetched when first asked for. Unset: all that it has; none: no other.",
    )
    pocket_languages_loaded: int = Field(
        1,
        ge=1,
        le=7,
        description="How many of them are in memory at once; each of the usual size takes 0.5 to 1.3 GB. A request in "
        "another language waits until those who speak have ended, and for its model to load.",
    )
    pocket_quantize: Literal["auto", "true", "false"] = Field(
        "auto", description="Pocket TTS in int8: true, false (float32), or auto: where it is faster on this CPU."
    )
    pocket_threads: int = Field(
        0,
        ge=0,
        le=64,
        description="Threads of Pocket TTS's model, and again of its codec. 0: half of the cores, 4 at most.",
    )
    max_slots: int = Field(
        0, ge=0, le=256, description="How many speak at once. 0: chosen by the engine from the free memory."
    )
    max_queue: int = Field(64, ge=0, le=4096, description="How many may wait for a slot; one more is refused with 429.")
    max_text_chars: int = Field(20_000, ge=1, description="Longest text of one request, in characters.")
    max_audio_s: float = Field(
        7200,
        gt=0,
        description="Seconds of audio that one text may take, as estimated from its words, pauses and speed.",
    )
    max_body_bytes: int = Field(
        1_048_576, ge=1024, description="Largest request body; a larger one is refused with 413."
    )
    read_timeout: float = Field(
        30,
        gt=0,
        description="Seconds a client may leave its audio unread, or keep us waiting for its request, before it is "
        "disconnected.",
    )
    ping_interval: float = Field(10, gt=0, description="Seconds between the pings that a WebSocket's client gets.")
    silence_timeout: float = Field(
        30, gt=0, description="Seconds a WebSocket's client may send nothing, not even the answer to a ping."
    )
    max_socket_time: float = Field(
        3600, gt=0, description="Seconds after which a WebSocket is closed even if its text has not ended."
    )
    drain_timeout: float = Field(60, ge=0, description="Seconds that running streams get to finish after SIGTERM.")
    api_keys: Keyed = Field(
        {},
        repr=False,
        description="Keys that are taken, each KEY or NAME:KEY, separated by commas; the log has the name. Unset: "
        "no key is needed.",
    )
    api_keys_file: Path | None = Field(
        None,
        description="File with more such keys, one a line; lines that begin with # are left out. Read again when it "
        "changes; while it cannot be read, the keys it had are taken.",
    )
    public_lists: bool = Field(
        False, description="Lists of voices, formats and models can be read without a key, as old clients do."
    )
    rate_limit: float = Field(
        0, ge=0, description="Requests for speech or conversion a minute from each key or address. 0: no limit."
    )
    rate_burst: int = Field(10, ge=1, description="How many of them may come at once.")
    drain_file: Path | None = Field(
        None,
        description="While this file exists, /ready and /lb say that nothing new should be sent. Deleted at the start.",
    )
    cors_origins: Origins = Field(
        (), description="Origins whose pages may call the API, separated by commas; * for all. Unset: none."
    )
    allowed_hosts: Listed = Field(
        (),
        description="Names that requests may give as Host, separated by commas; * for any. Unset: any, or loopback's "
        "own where HOST is a loopback address.",
    )
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks of proxies, separated by commas. From them X-Forwarded-For and "
        "X-Forwarded-Proto count: limits, fair shares and the log see the client behind them. Unset: from none.",
    )
    keep_alive: int = Field(
        5,
        ge=0,
        le=3600,
        description="Seconds that an idle connection is kept for its next request; longer than a proxy in front keeps "
        "its own. 0: closed after each.",
    )
    tls_cert: Path | None = Field(
        None, description="File with the certificate and its chain (PEM). Set with TLS_KEY: the service speaks https."
    )
    tls_key: Path | None = Field(
        None,
        description="File with the certificate's private key (PEM, no passphrase). Both are read again when renewed.",
    )
    wyoming_port: int = Field(
        0, ge=0, le=65535, description="Port for Home Assistant's Wyoming protocol, usually 10200. 0: it is not spoken."
    )
    wyoming_host: Address = Field(
        "127.0.0.1",
        description="Address to listen on there. The protocol knows no keys: everyone who reaches it may speak.",
    )
    wyoming_zeroconf: ServiceName | None = Field(
        None,
        description="Name under which Home Assistant finds it by itself (zeroconf). Unset: it is not announced.",
    )
    output_dir: Path = Field(
        Path("outputs"),
        description="Folder for speech kept as files; an MCP server that is given it writes there.",
    )
    max_upload_mb: float = Field(
        50, gt=0, description="Largest file that POST /api/jobs takes, in MB; a larger one is refused with 413."
    )
    job_workers: Services = Field(
        (),
        description="Addresses of other instances, or of a balancer before them, that say the passages of jobs instead "
        "of this one, separated by commas: http://balancer:8900.",
    )
    job_workers_key: str | None = Field(None, repr=False, description="Key that JOB_WORKERS need, where they need one.")
    job_ttl: float = Field(
        604_800, ge=-1, description="Seconds after which a job that ended is deleted with its audio. -1: never."
    )
    job_quota_gb: float = Field(
        10, ge=0, description="GB that the audio of jobs may take below OUTPUT_DIR; no new job is taken at the limit."
    )
    max_job_chars: int = Field(1_000_000, ge=1, description="Longest text of a job, in characters.")
    log_level: Level = Field("info", description="What is logged.")
    log_text: bool = Field(False, description="Log the texts that are spoken, too. They may be private.")
    log_format: Literal["text", "json"] = Field("text", description="text for people, json for log collectors.")

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TLS_CERT and TLS_KEY belong together; one of them is unset")
        return self

    @model_validator(mode="after")
    def _announced_is_reached(self) -> Self:
        loopback = self.wyoming_host == "localhost" or ip_address(self.wyoming_host).is_loopback
        if self.wyoming_zeroconf and (loopback or not self.wyoming_port):
            raise ValueError("WYOMING_ZEROCONF needs WYOMING_PORT, and WYOMING_HOST must be no loopback address")
        return self

    @property
    def asks_for_keys(self) -> bool:
        """Requests need one of API_KEYS or of API_KEYS_FILE."""
        return bool(self.api_keys or self.api_keys_file)

    @classmethod
    def load(cls, environ: Mapping[str, str], env_file: Path | None = None) -> Settings:
        """Settings from the environment; a `.env` file gives what the environment leaves out.

        Relative paths of the file, and the defaults, count from its folder; those of the environment from the current
        one, as a shell has them.
        Raises SettingsError for a bad value, or for a name in the file that is nearly the name of a setting.
        """
        filed = _read_env_file(env_file)
        given = {}
        for name in cls.model_fields:
            value = environ.get(name.upper()) or filed.get(name.upper())
            if value:
                given[name] = value
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            raise SettingsError(_one_line(error)) from None
        return settings if env_file is None else settings._in_folder(env_file.parent, environ)

    def _in_folder(self, folder: Path, environ: Mapping[str, str]) -> Settings:
        """With the folders that the environment does not name below this one."""
        paths = {name: value for name, value in self if isinstance(value, Path) and not environ.get(name.upper())}
        return self.model_copy(update={name: folder / value for name, value in paths.items()})


def _read_env_file(env_file: Path | None) -> dict[str, str]:
    """The file's variables. Variables of others may be there too (compose, the hub), but no misspelt ones of ours."""
    if env_file is None or not env_file.is_file():
        return {}
    values = {name: value for name, value in dotenv_values(env_file).items() if value}
    known = [name.upper() for name in Settings.model_fields]
    for name in values:
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
        if name not in known and near:
            raise SettingsError(f"{name} in {env_file} is not a setting; did you mean {near[0]}?")
    return values


def unknown_names(env_file: Path) -> list[str]:
    """Names in the file that are no settings of ours, for a line in the log."""
    known = {name.upper() for name in Settings.model_fields}
    return sorted(name for name in _read_env_file(env_file) if name not in known)


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    if not first["loc"]:
        return str(own_words(first))
    field = str(first["loc"][0])
    secret = field in Settings.model_fields and not Settings.model_fields[field].repr
    given = "..." if secret else repr(first["input"])
    return f"{field.upper()}={given} is not allowed: {must(first, Settings.model_json_schema())}"


def as_markdown() -> str:
    """The table of docs/configuration.md."""
    rows = ["| variable | default | what it is for |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `{name.upper()}` | {_shown(field.default)} | {field.description} |")
    return "\n".join(rows)


def as_env_example() -> str:
    """The text of .env.example: every setting, commented out, with its default."""
    parts = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, (), {}) else str(field.default)
        parts.append(f"# {field.description}\n#{name.upper()}={default}\n")
    return "\n".join(parts)


def _shown(default: object) -> str:
    return "unset" if default in (None, (), {}) else f"`{default}`"


if __name__ == "__main__":
    import sys

    print(as_env_example() if "--env" in sys.argv else as_markdown())
