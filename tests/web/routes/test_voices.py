"""POST /api/voices with the real catalogue over a folder, and with the embedded engine that takes none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from safetensors.numpy import save

from app import create_app
from speech.engines import ENGINES
from speech.selection import EngineChoice
from speech.settings import Settings
from tests.services import make_service


def client_of_kyutai(tmp_path: Path, **settings_: str) -> FlaskClient:
    """The voices of Kyutai's engine; the engine itself is never loaded."""
    settings = Settings(voices_dir=tmp_path / "voices", hf_home=tmp_path / "hf", hf_hub_offline=True, **settings_)
    service = make_service(None, settings, choice=EngineChoice(ENGINES["kyutai"], "cpu", "for the test"))
    return create_app(settings, service).test_client()


@pytest.fixture
def kyutai(tmp_path: Path) -> FlaskClient:
    return client_of_kyutai(tmp_path)


def embedding(std: float = 0.7) -> bytes:
    numbers = np.random.default_rng(0).normal(0, std, (1, 512, 125)).astype(np.float32)
    return bytes(save({"speaker_wavs": numbers}))


def upload(client: FlaskClient, data: bytes, name: str = "my voice"):  # type: ignore[no-untyped-def]
    head = 'Content-Disposition: form-data; name="%s"%s\r\n\r\n'
    body = b"".join(
        [
            b"--cut\r\n" + (head % ("name", "")).encode() + name.encode() + b"\r\n",
            b"--cut\r\n" + (head % ("file", '; filename="x.safetensors"')).encode() + data + b"\r\n--cut--\r\n",
        ]
    )
    return client.post("/api/voices", data=body, content_type="multipart/form-data; boundary=cut")


def test_an_embedding_becomes_a_voice(kyutai: FlaskClient) -> None:
    assert kyutai.get("/api/voices").json == {"default": None, "voices": []}
    answer = upload(kyutai, embedding())
    assert answer.status_code == 201
    listed = kyutai.get("/api/voices").json
    assert listed is not None
    assert [voice["id"] for voice in listed["voices"]] == [answer.json["id"]]
    assert listed["default"] == answer.json["id"]
    assert upload(kyutai, embedding()).status_code == 400  # the name is taken


def test_an_engine_that_makes_no_voices_names_those_that_do(client: FlaskClient) -> None:
    answer = client.post("/api/voices/clone", data={"name": "Mum", "consent": "true"})
    assert (answer.status_code, answer.json["error"]["code"]) == (501, "not_supported")  # type: ignore[index]
    assert [f"ENGINE={spec.name} " in answer.json["error"]["message"] for spec in ENGINES.values()] == [  # type: ignore[index]
        spec.cloning for spec in ENGINES.values()
    ]


def test_a_default_voice_that_is_not_there_does_not_hide_the_others(tmp_path: Path) -> None:
    client = client_of_kyutai(tmp_path, default_voice="nobody/here.wav")
    assert upload(client, embedding()).status_code == 201
    listed = client.get("/api/voices").json
    assert listed is not None
    assert (listed["default"], len(listed["voices"])) == (None, 1)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    client = client_of_kyutai(tmp_path)
    (tmp_path / "voices").write_bytes(b"")  # a file where the folder should be: as good as read-only, for root too
    answer = upload(client, embedding())
    assert answer.status_code == 503
    assert str(tmp_path / "voices") in answer.json["error"]["message"]


@pytest.mark.parametrize("head", [b"RIFF\x24\0\0\0WAVEfmt ", b"ID3\x04", b"fLaC\0", b"OggS\0"])
def test_a_recording_gets_an_honest_answer_even_a_large_one(kyutai: FlaskClient, head: bytes) -> None:
    answer = upload(kyutai, head + bytes(5_000_000))
    assert answer.status_code == 501
    assert answer.json["error"]["code"] == "voice_cloning_not_released"


def test_a_false_embedding_is_refused_with_the_reason(kyutai: FlaskClient) -> None:
    answer = upload(kyutai, embedding(std=0.067))
    assert answer.status_code == 400
    assert "deviation" in answer.json["error"]["message"]


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a\0b", "..", "x" * 500])
def test_no_name_leads_out_of_the_folder(kyutai: FlaskClient, tmp_path: Path, name: str) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    upload(kyutai, embedding(), name)
    after = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.parent == tmp_path / "voices" for path in after)


def test_what_is_missing_is_named(kyutai: FlaskClient) -> None:
    assert kyutai.post("/api/voices", json={}).status_code == 415
    answer = kyutai.post("/api/voices", data={"name": "x"}, content_type="multipart/form-data")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]["param"] == "file"


def test_the_embedded_engine_takes_no_voices(client: FlaskClient) -> None:
    assert upload(client, embedding()).status_code == 501
