"""POST /api/voices/clone, over checkpoints that have the weights for it and one that has not."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from flask.testing import FlaskClient
from safetensors.torch import load_file
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app import create_app
from gpu_manager import GPUManager
from speech.encoders import make_encoder
from speech.request import Samples
from speech.service import build_service
from speech.settings import Settings
from tests.speech.engines.pocket.checkpoint import CONFIG, write_checkpoint
from tests.speech.engines.pocket.helpers import load_model

RATE = 24_000
KEYS = "alice:one,bob:two"
ALICE, BOB = ({"Authorization": f"Bearer {key}"} for key in ("one", "two"))


def speech(seconds: float, rate: int = RATE) -> Samples:
    """What has the level, the pauses and the spectrum of a voice: syllables of a hundred hertz and its harmonics."""
    t = np.arange(round(seconds * rate)) / rate
    voiced = sum(np.sin(2 * np.pi * 110 * k * t + k) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 1.7 * t), 0, 1)
    return (0.12 * voiced * syllables).astype(np.float32)


def encoded(name: str, samples: Samples) -> bytes:
    with closing(make_encoder(name, RATE)) as encoder:
        return encoder.encode(samples) + encoder.flush()


def wav(samples: Samples, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


RECORDING = wav(speech(6))


def client_over(folder: Path, voices_dir: Path, **more: str) -> Iterator[FlaskClient]:
    names = {"ENGINE": "pocket", "MODEL_DIR": str(folder), "POCKET_QUANTIZE": "false", "TEMPERATURE": "0"}
    folders = {"VOICES_DIR": str(voices_dir), "OUTPUT_DIR": str(voices_dir / "outputs")}
    service = build_service(Settings.load(names | folders | more), GPUManager())
    yield create_app(service.settings, service).test_client()
    service.close()


@pytest.fixture
def client(checkpoint: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    yield from client_over(checkpoint, tmp_path)


@pytest.fixture
def keyed(checkpoint: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    yield from client_over(checkpoint, tmp_path, API_KEYS=KEYS)


def clone(client: FlaskClient, data: bytes = RECORDING, headers: Any = None, **fields: str) -> TestResponse:
    form: dict[str, Any] = (
        {"name": "Mum", "consent": "true"} | fields | {"file": FileStorage(io.BytesIO(data), "../../etc/me.wav")}
    )
    boundary, body = encode_multipart(form)
    kind = f"multipart/form-data; boundary={boundary}"
    return client.post("/api/voices/clone", data=body, headers=headers, content_type=kind)


OPENED: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if OPENED is not None and event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        OPENED.append(str(arguments[0]))


sys.addaudithook(_watch)  # for good: there is no way to take one away


@contextmanager
def written() -> Iterator[list[str]]:
    """The files that Python opens for writing meanwhile, those without a name among them, but for compiled modules."""
    global OPENED
    OPENED = found = []
    try:
        yield found
    finally:
        OPENED = None
        found[:] = [path for path in found if "__pycache__" not in path]


def held_by(root: object) -> list[bytes]:
    """The content of every string of bytes, array and tensor that can be reached from an object, but for code."""
    found, seen, waiting = [], {0}, [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | CodeType | FrameType):
            continue
        seen.add(id(one))
        if isinstance(one, bytes | bytearray):
            found.append(bytes(one))
        elif isinstance(one, io.BytesIO):
            found.append(one.getvalue())
        elif isinstance(one, np.ndarray | torch.Tensor):
            found.append(np.asarray(one).tobytes())
        waiting += gc.get_referents(one)
    return found


def listed(client: FlaskClient, headers: Any = None) -> dict[str, dict[str, Any]]:
    answer = client.get("/api/voices", headers=headers)
    assert answer.json is not None
    return {voice["id"]: voice for voice in answer.json["voices"]}


def error(answer: TestResponse) -> dict[str, Any]:
    assert answer.json is not None
    found: dict[str, Any] = answer.json["error"]
    return found


class TestMade:
    def test_it_is_pocket_tts_s_own_state_of_the_recording(
        self, client: FlaskClient, checkpoint: Path, tmp_path: Path
    ) -> None:
        answer = clone(client)
        assert answer.status_code == 201, answer.text
        (file,) = (tmp_path / "made").iterdir()
        (tmp_path / "me.wav").write_bytes(RECORDING)
        right = load_model(checkpoint).get_state_for_audio_prompt(tmp_path / "me.wav")
        tensors = load_file(file)
        expected = {f"{name}/{key}": value for name, state in right.items() for key, value in state.items()}
        assert tensors.keys() == expected.keys()
        for name, tensor in expected.items():
            assert torch.allclose(tensors[name].float(), tensor.float(), atol=1e-4, equal_nan=True), name

    def test_it_is_listed_speaks_and_is_removed(self, client: FlaskClient) -> None:
        made = clone(client).json
        assert made is not None
        assert (made["name"], made["made"], made["set"], made["language"]) == ("Mum", True, "made", "en")
        assert (made["seconds"], made["warnings"]) == (6.0, [])
        assert made["made_at"] > 1_700_000_000
        assert listed(client)[made["id"]] | {"seconds": 6.0, "warnings": []} == made
        spoken = [client.post("/api/tts", json={"text": "Rain.", "voice": v}).data for v in (made["id"], "v0")]
        assert spoken[0] != spoken[1]
        assert soundfile.read(io.BytesIO(spoken[0]))[1] == RATE
        assert client.delete(f"/api/voices/{made['id']}").status_code == 204
        assert made["id"] not in listed(client)
        assert client.post("/api/tts", json={"text": "Rain.", "voice": made["id"]}).status_code == 404
        assert client.delete(f"/api/voices/{made['id']}").status_code == 404

    @pytest.mark.parametrize("name", ["mp3", "flac", "opus"])
    def test_other_formats(self, client: FlaskClient, name: str) -> None:
        assert clone(client, encoded(name, speech(4))).status_code == 201

    def test_the_recording_is_kept_nowhere(self, client: FlaskClient, tmp_path: Path) -> None:
        """Neither in a file that is left, nor in one that was opened on the way, nor in what the service holds."""
        recording = wav(speech(12))
        assert len(recording) > 500_000, "so much werkzeug's own parser would write to a disk"
        with written() as paths:
            assert clone(client, recording).status_code == 201
        assert {Path(path).name for path in paths} == {CONFIG, f".{next((tmp_path / 'made').iterdir()).name}.part"}
        kept = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path.suffix for path in kept] == [".state"]
        held = [kept[0].read_bytes(), *held_by(client.application.extensions["speech_service"])]
        samples = soundfile.read(io.BytesIO(recording), dtype="float32")[0]
        for heard in (recording[44:], samples.tobytes()):
            cuts = [heard[start : start + 400] for start in range(4000, len(heard) - 400, 40_000)]
            assert not any(cut in data for data in held for cut in cuts)

    def test_what_is_held_would_be_found(self) -> None:
        """The test before this one looks into what it says."""
        kept = {"a": [b"one"], "b": (np.ones(3, np.float32), torch.zeros(2))}
        assert sorted(map(len, held_by(kept))) == [3, 8, 12]

    def test_a_name_of_its_own(self, client: FlaskClient) -> None:
        assert clone(client, name=" Ma  mère! ").json["name"] == "Ma  mère!"  # type: ignore[index]
        again = clone(client, name="Ma  mère!")
        assert (again.status_code, error(again)["code"]) == (400, "voice_exists")

    def test_only_made_ones_are_removed(self, client: FlaskClient) -> None:
        assert client.delete("/api/voices/v0").status_code == 400
        assert client.delete("/api/voices/..%2Fv0").status_code == 404


class TestWhoMayUseIt:
    def test_each_key_has_its_own(self, keyed: FlaskClient) -> None:
        made = clone(keyed, headers=ALICE).json
        assert made is not None
        assert made["id"] in listed(keyed, ALICE)
        assert made["id"] not in listed(keyed, BOB)
        asked = {"text": "Rain.", "voice": made["id"]}
        openai = {"model": "tts-1", "input": "Rain.", "voice": made["id"]}
        job = {"text": "Rain.", "voice": made["id"]}
        for path, body, right in (
            ("/api/tts", asked, 200),
            ("/v1/audio/speech", openai, 200),
            ("/api/jobs", job, 202),
        ):
            assert keyed.post(path, json=body, headers=ALICE).status_code == right, path
            assert keyed.post(path, json=body, headers=BOB).status_code in (400, 404), path
        assert keyed.delete(f"/api/voices/{made['id']}", headers=BOB).status_code == 404
        assert made["id"] in listed(keyed, ALICE)
        assert keyed.delete(f"/api/voices/{made['id']}", headers=ALICE).status_code == 204

    def test_a_job_speaks_with_the_voice_of_its_owner(self, keyed: FlaskClient) -> None:
        made = clone(keyed, headers=ALICE).json
        assert made is not None
        job = keyed.post("/api/jobs", json={"text": "Rain.", "voice": made["id"]}, headers=ALICE).json
        assert job is not None
        for _ in range(600):
            answer = keyed.get(f"/api/jobs/{job['id']}", headers=ALICE).json
            assert answer is not None
            if answer["state"] in ("done", "failed"):
                break
            torch.randn(400, 400) @ torch.randn(400, 400)  # some milliseconds
        assert answer["state"] == "done", answer["reason"]

    def test_without_a_key_none_is_shown(self, checkpoint: Path, tmp_path: Path) -> None:
        for client in client_over(checkpoint, tmp_path, API_KEYS=KEYS, PUBLIC_LISTS="true"):
            made = clone(client, headers=ALICE).json
            assert made is not None
            assert made["id"] not in listed(client)
            assert made["id"] in listed(client, ALICE)
            assert clone(client).status_code == 401

    def test_the_quota_of_uploads_counts(self, checkpoint: Path, tmp_path: Path) -> None:
        for client in client_over(checkpoint, tmp_path, VOICES_QUOTA_MB="0.001"):
            answer = clone(client)
            assert (answer.status_code, error(answer)["code"]) == (507, "storage_full")


class TestRefused:
    @pytest.mark.parametrize("consent", ["", "false", "1", "yes"])
    def test_without_consent(self, client: FlaskClient, consent: str) -> None:
        answer = clone(client, consent=consent)
        assert (answer.status_code, error(answer)["param"]) == (400, "consent")
        assert "permission" in error(answer)["message"]

    BAD: dict[str, bytes] = {  # noqa: RUF012
        "empty": b"",
        "text": b"hello, this is me",
        "html": b"<html><body>me</body></html>",
        "path": b"/etc/passwd",
        "address": b"https://a.example/me.wav",
        "playlist": b"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n",
        "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "riff alone": b"RIFF",
        "wav without sound": wav(np.zeros(0, np.float32)),
        "wav cut in its head": RECORDING[:30],
        "avi": b"RIFF\x24\0\0\0AVI LIST" + bytes(200),
        "too short": wav(speech(2.8)),
        "too long": wav(speech(31)),
        "mp3 tag alone": b"ID3\x04\0\0\0\0\0\0",
        "mp3 rubbish": b"\xff\xfb" + bytes(range(256)) * 20,
        "flac rubbish": b"fLaC" + bytes(500),
        "ogg rubbish": b"OggS" + bytes(500),
        "webm rubbish": b"\x1a\x45\xdf\xa3" + bytes(500),
        "aac": encoded("aac", speech(4)),
        "telephone": encoded("mulaw", speech(4)),
        "zip": b"PK\x03\x04" + bytes(100),
    }

    @pytest.mark.parametrize("kind", BAD)
    def test_bad_files(self, client: FlaskClient, tmp_path: Path, kind: str) -> None:
        answer = clone(client, self.BAD[kind])
        assert (answer.status_code, error(answer)["param"], error(answer)["code"]) == (400, "file", "invalid_audio")
        assert not (tmp_path / "made").exists()

    def test_bad_forms(self, client: FlaskClient) -> None:
        assert client.post("/api/voices/clone", json={"consent": True}).status_code == 415
        empty = {"name": "x", "consent": "true"}
        for fields, param in ((empty, "file"), ({"consent": "true"}, "name"), (empty | {"path": "/etc"}, "path")):
            answer = client.post("/api/voices/clone", data=fields, content_type="multipart/form-data")
            assert (answer.status_code, error(answer)["param"]) == (400, param)
        assert error(clone(client, name="  !! "))["param"] == "name"
        assert error(clone(client, language="ja"))["param"] == "language"
        assert clone(client, bytes(17 * 1024 * 1024)).status_code == 413

    def test_without_the_weights(self, tmp_path: Path) -> None:
        folder = write_checkpoint("tiny", tmp_path / "model", cloning=False)
        for client in client_over(folder, tmp_path):
            assert client.get("/api/info").json["cloning"] is False  # type: ignore[index]
            answer = clone(client)
            assert (answer.status_code, error(answer)["code"]) == (501, "cloning_not_ready")
            assert "accept" in error(answer)["message"]
            assert "HF_TOKEN" in error(answer)["message"]

    def test_with_them_info_says_so(self, client: FlaskClient) -> None:
        assert client.get("/api/info").json["cloning"] is True  # type: ignore[index]

    def test_another_engine_makes_none(self, tmp_path: Path) -> None:
        service = build_service(Settings.load({"ENGINE": "hibari", "OUTPUT_DIR": str(tmp_path)}), GPUManager())
        client = create_app(service.settings, service).test_client()
        assert client.get("/api/info").json["cloning"] is False  # type: ignore[index]
        assert clone(client).status_code == 501
        service.close()
