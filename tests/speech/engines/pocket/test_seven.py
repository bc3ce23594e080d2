"""Seven languages through every door: each is spoken by the model of its own, with the voice of its own."""

from __future__ import annotations

import base64
import email
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import av
import numpy as np
import pytest
import soundfile
import torch
import websocket
from safetensors.torch import load_file, save_file

from assistant.doors import Doors
from assistant.files import OutputFiles
from assistant.server import build_server
from gpu_manager import GPUManager
from speech.encoders import ENCODERS
from speech.engines.pocket.sources import LANGUAGES
from speech.remote.client import ServiceClient
from speech.request import Samples
from speech.service import build_service
from speech.settings import Settings
from tests.assistant.conftest import never
from tests.assistant.test_tools import Session
from tests.ear import pcm16
from tests.speech.engines.pocket.checkpoint import MODEL, VOICES
from tests.speech.engines.pocket.helpers import Case, Reference, expected
from tests.staged import serving
from tests.waiting import wait_until
from tests.web.http.events import read_events
from tests.web.sockets.moshi_client import MoshiClient

QUICK = "de"  # the others are tried by hand: a model is loaded for each
TEXTS = {
    "en": "The boats came home before the storm and it was late.",
    "fr": "Il est tard, et la nuit est belle sur la mer.",
    "de": "Der Hund und die Katze sind nicht mehr in dem Haus.",
    "es": "El barco está en el puerto y la noche es muy larga.",
    "pt": "O barco não está no porto e a noite é muito longa.",
    "it": "La barca è nel porto e la notte non è più lunga.",
    "nl": "De boot is in de haven en de nacht is niet lang.",
}
FORMATS = dict(zip(TEXTS, ENCODERS, strict=False))  # each language in another one
BYTES_A_SECOND = {"pcm": 48_000, "mulaw": 8_000, "alaw": 8_000}
each_language = pytest.mark.parametrize(
    "language", [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TEXTS]
)


@dataclass(frozen=True)
class Answer:
    content_type: str
    content: bytes


@dataclass(frozen=True)
class World:
    """A service with all models, over HTTP."""

    url: str
    folder: Path

    def right(self, language: str) -> Samples:
        """What pocket-tts says of the language's text with the language's own voice."""
        name, (_, voice) = next(item for item in LANGUAGES.items() if item[1][0] == language)
        return expected(reference(self.folder / name)(Case(TEXTS[language], voice)))

    def post(self, path: str, **body: object) -> Answer:
        data = json.dumps(body).encode()
        return self._ask(Request(self.url + path, data, {"Content-Type": "application/json"}))

    def get(self, path: str) -> Any:
        return json.loads(self._ask(Request(self.url + path)).content)

    @staticmethod
    def _ask(request: Request) -> Answer:
        """Raises HTTPError."""
        with urlopen(request, timeout=60) as answer:
            return Answer(answer.headers["Content-Type"], answer.read())


reference = cache(Reference)


@pytest.fixture(scope="module")
def world(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("seven")
    for number, (name, (_, voice)) in enumerate(LANGUAGES.items()):
        write_variant(checkpoint, folder / name, number, voice)
    settings = {"ENGINE": "pocket", "MODEL_DIR": str(folder), "POCKET_QUANTIZE": "false", "TEMPERATURE": "0"}
    places = {"VOICES_DIR": str(folder / "own"), "OUTPUT_DIR": str(folder / "outputs")}
    with closing(build_service(Settings.load(settings | places), GPUManager())) as service, serving(service) as url:
        yield World(url, folder)


def write_variant(checkpoint: Path, folder: Path, number: int, voice: str) -> None:
    """A model that hears other tokens in the same text, and its own voice."""
    shutil.copytree(checkpoint, folder)
    weights = load_file(folder / MODEL)
    (table,) = (name for name in weights if name.startswith("flow_lm.conditioner.") and weights[name].shape[0] > 100)
    weights[table] = torch.roll(weights[table], number, dims=0).contiguous()
    save_file(weights, folder / MODEL)
    for name in VOICES:
        (folder / "voices" / f"{name}.safetensors").rename(folder / "voices" / f"{name}.state")
    (folder / "voices" / f"{VOICES[0]}.state").rename(folder / "voices" / f"{voice}.safetensors")


def same(heard: Samples, right: Samples, within: float = 2e-4) -> bool:
    """heard: perhaps with silence behind it, where a door fills up the last frame."""
    tail = heard[len(right) :]
    return len(heard) >= len(right) and np.abs(heard[: len(right)] - right).max() < within and not tail.any()


def estimated(words: list[dict[str, Any]]) -> list[str]:
    """As they are written."""
    assert all(word["estimated"] is True and word["start_s"] < word["stop_s"] for word in words)
    return [word["word"] for word in words]


def samples_of(data: bytes) -> Samples:
    samples: Samples = soundfile.read(io.BytesIO(data), dtype="float32")[0]
    return samples


def test_they_can_be_told_apart(world: World) -> None:
    """Else the tests here would notice nothing if another model spoke."""
    one, other = (reference(world.folder / name)(Case(TEXTS["en"], voice)) for name, (_, voice) in two_models())
    common = min(len(one), len(other))
    assert np.abs(one[:common] - other[:common]).max() > 1e-2


def two_models() -> list[tuple[str, tuple[str, str]]]:
    return list(LANGUAGES.items())[:2]


@each_language
def test_rest(world: World, language: str) -> None:
    """By request; and guessed from the text where it names neither a language nor a voice."""
    for asked in ({"language": language}, {}):
        answer = world.post("/api/tts", text=TEXTS[language], **asked)
        assert same(samples_of(answer.content), world.right(language)), asked


@each_language
def test_every_language_in_another_format(world: World, language: str) -> None:
    name, right = FORMATS[language], world.right(language)
    data = world.post("/api/tts", text=TEXTS[language], language=language, format=name).content
    if name in BYTES_A_SECOND:
        seconds = len(data) / BYTES_A_SECOND[name]
    else:
        with av.open(io.BytesIO(data), "r", format={"aac": "aac", "opus": "ogg"}.get(name)) as file:
            seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
    assert seconds == pytest.approx(len(right) / 24_000, abs=0.15)


@each_language
def test_openai(world: World, language: str) -> None:
    _, voice = next(item for item in LANGUAGES.values() if item[0] == language)
    body = {"model": "tts-1", "input": TEXTS[language], "voice": voice, "response_format": "pcm"}
    whole = world.post("/v1/audio/speech", **body).content
    assert same(pcm16(whole), world.right(language))
    events = world.post("/v1/audio/speech", **body, stream_format="sse").content
    deltas = [data for _, data in read_events([events]) if data["type"] == "speech.audio.delta"]
    assert b"".join(base64.b64decode(delta["audio"]) for delta in deltas) == whole


@each_language
def test_events_as_the_page_asks_for_them(world: World, language: str) -> None:
    answer = world.post("/api/tts", text=TEXTS[language], language=language, format="pcm", stream_format="sse")
    events = list(read_events([answer.content]))
    sound = b"".join(base64.b64decode(data["audio"]) for name, data in events if name == "audio")
    assert same(pcm16(sound), world.right(language))
    assert estimated([data for name, data in events if name == "word"]) == TEXTS[language].split()
    assert events[-1][0] == "done"


@each_language
def test_captions(world: World, language: str) -> None:
    answer = world.post("/api/tts", text=TEXTS[language], language=language, captions="json")
    head = f"Content-Type: {answer.content_type}\r\n\r\n".encode()
    found: Any = email.message_from_bytes(head + answer.content).get_payload()
    audio, captions = (part.get_payload(decode=True) for part in found)
    assert same(samples_of(audio), world.right(language))
    cues = json.loads(captions)["cues"]
    assert estimated([word for cue in cues for word in cue["words"]]) == TEXTS[language].split()


@each_language
def test_kyutai_s_protocol(world: World, language: str) -> None:
    """Its clients name a voice, which says the language."""
    _, voice = next(item for item in LANGUAGES.values() if item[0] == language)
    with MoshiClient(world.url, voice=voice) as client:
        client.say(TEXTS[language])
        got = client.hear_all()
    assert got.types[0] == "Ready"
    heard = np.concatenate([np.array(message["pcm"], np.float32) for message in got.of("Audio")])
    assert same(heard, world.right(language))
    assert got.words == TEXTS[language].split()


@each_language
def test_the_json_socket(world: World, language: str) -> None:
    address = world.url.replace("http", "ws", 1) + "/api/stream"
    with closing(websocket.create_connection(address, timeout=60)) as socket:
        socket.send(json.dumps({"type": "start", "format": "pcm", "language": language}))
        socket.send(json.dumps({"type": "text", "text": TEXTS[language]}))
        socket.send(json.dumps({"type": "end"}))
        sound, events = b"", [{"type": "ready"}]
        while events[-1]["type"] != "done":
            data = socket.recv()
            if isinstance(data, bytes):
                sound += data
            else:
                events.append(json.loads(data))
    assert same(pcm16(sound), world.right(language))
    assert estimated([event for event in events if event["type"] == "word"]) == TEXTS[language].split()


@each_language
def test_mcp(world: World, language: str, tmp_path: Path) -> None:
    session = Session(build_server(Doors(lambda: ServiceClient(world.url), never), OutputFiles(tmp_path, [])), "auto")
    listed = session.call("list_voices", language=language).structured_content
    assert listed is not None
    (voice,) = listed["voices"]
    for asked in ({"voice": voice["id"]}, {}):
        spoken = session.call("text_to_speech", text=TEXTS[language], output_path="said.wav", **asked)
        assert not spoken.is_error, spoken.content
        assert same(samples_of((tmp_path / "said.wav").read_bytes()), world.right(language))


@each_language
def test_jobs(world: World, language: str) -> None:
    job = json.loads(world.post("/api/jobs", text=TEXTS[language], language=language, format="wav").content)
    told: dict[str, Any] = {}

    def ended() -> bool:
        told.update(world.get(f"/api/jobs/{job['id']}"))
        return told["state"] in ("done", "failed")

    wait_until(ended)
    assert told["state"] == "done", told["reason"]
    with urlopen(f"{world.url}/api/jobs/{job['id']}/audio", timeout=60) as audio:
        assert len(samples_of(audio.read())) >= len(world.right(language))
    with urlopen(f"{world.url}/api/jobs/{job['id']}/captions?format=vtt", timeout=60) as captions:
        assert b"NOTE The times of the words are estimated." in captions.read()


def test_the_page_is_told_of_them(world: World) -> None:
    about = world.get("/api/info")
    assert set(about["engine"]["languages"]) == set(TEXTS)
    listed = world.get("/api/voices")
    voices = {voice["language"]: voice for voice in listed["voices"]}
    assert {language: voice["id"] for language, voice in voices.items()} == dict(LANGUAGES.values())
    assert all(voice["cached"] for voice in voices.values())
    assert (voices["en"]["licence"], voices["en"]["commercial"]) == ("CC-BY-4.0", True)
    assert (voices["fr"]["licence"], voices["fr"]["commercial"]) == ("CC0-1.0", True)
    assert (voices["de"]["licence"], voices["de"]["commercial"]) == ("unknown", False)


def test_a_language_asked_for_that_no_model_speaks_is_read_by_the_usual_one(world: World) -> None:
    usual = world.post("/api/tts", text="Rain.").content
    assert world.post("/api/tts", text="Rain.", language="ja").content == usual
