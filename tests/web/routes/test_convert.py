"""POST /api/convert: the samples that come in are those that go out."""

from __future__ import annotations

import io
import os
import wave
from contextlib import ExitStack

import av
import numpy as np
import pytest
from flask.testing import FlaskClient

from speech.encoders import ENCODERS, rate_of
from tests.ear import pcm16
from web.routes import convert

PCM = (np.sin(np.arange(60_000) * 0.05) * 20_000).astype("<i2").tobytes()
TELEPHONE = {name: {"sample_rate": "8000"} for name in ("mulaw", "alaw")}  # they do not say what they are
TYPE = {"content-type": "audio/pcm"}


def test_wav_and_pcm_hold_the_very_samples(client: FlaskClient) -> None:
    assert client.post("/api/convert?format=pcm", data=PCM, headers=TYPE, buffered=True).data == PCM
    answer = client.post("/api/convert?format=wav&sample_rate=48000", data=PCM, headers=TYPE, buffered=True)
    with wave.open(io.BytesIO(answer.data)) as file:
        assert (file.getframerate(), file.readframes(100_000)) == (48_000, PCM)


@pytest.mark.parametrize("name", [n for n in ENCODERS if n not in ("pcm", "wav")])
def test_other_formats_decode_to_the_same_sound(client: FlaskClient, name: str) -> None:
    answer = client.post(f"/api/convert?format={name}", data=PCM, headers=TYPE, buffered=True)
    assert answer.mimetype == ENCODERS[name].media_type
    assert answer.content_length == len(answer.data)
    kind = name if name in TELEPHONE else None
    with av.open(io.BytesIO(answer.data), format=kind, options=TELEPHONE.get(name)) as file:
        resampler = av.AudioResampler("fltp", "mono", 24_000)
        got = np.concatenate([f.to_ndarray()[0] for frame in file.decode(audio=0) for f in resampler.resample(frame)])
    want = pcm16(PCM)
    assert len(got) == pytest.approx(len(want), abs=6_000)
    assert np.sqrt(np.mean(got**2)) == pytest.approx(np.sqrt(np.mean(want**2)), rel=0.1)


@pytest.mark.parametrize(
    ("path", "data", "kind", "status"),
    [
        ("/api/convert", PCM, "audio/pcm", 400),
        ("/api/convert?format=exe", PCM, "audio/pcm", 400),
        ("/api/convert?format=mp3&sample_rate=1", PCM, "audio/pcm", 400),
        ("/api/convert?format=mp3&path=/etc/passwd", PCM, "audio/pcm", 400),
        ("/api/convert?format=mp3", b"", "audio/pcm", 400),
        ("/api/convert?format=mp3", b"odd", "audio/pcm", 400),
        ("/api/convert?format=mp3", PCM, "application/json", 415),
    ],
)
def test_what_is_no_sound_is_refused(client: FlaskClient, path: str, data: bytes, kind: str, status: int) -> None:
    answer = client.post(path, data=data, headers={"content-type": kind}, buffered=True)
    assert answer.status_code == status
    assert answer.get_json()["error"]["message"]


@pytest.mark.parametrize("rate", [8_000, 12_885, 24_000, 37_000, 44_100, 48_000])
@pytest.mark.parametrize("name", ENCODERS)
def test_a_rate_that_the_format_cannot_hold_is_named(client: FlaskClient, name: str, rate: int) -> None:
    answer = client.post(f"/api/convert?format={name}&sample_rate={rate}", data=PCM, headers=TYPE, buffered=True)
    rates = ENCODERS[name].sample_rates()
    if rates is None or rate_of(name, rate) in rates:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.get_json()["error"]["param"]) == (400, "sample_rate")


def test_more_than_an_hour_is_refused(client: FlaskClient) -> None:
    answer = client.post(
        "/api/convert?format=mp3",
        input_stream=io.BytesIO(PCM),
        headers=TYPE,
        environ_overrides={"CONTENT_LENGTH": str(3601 * 48_000)},
        buffered=True,
    )
    assert answer.status_code == 413


def test_more_than_there_are_cores_come_back_later(client: FlaskClient) -> None:
    with ExitStack() as held:
        for _ in range(os.cpu_count() or 1):
            held.enter_context(convert._place())
        answer = client.post("/api/convert?format=pcm", data=PCM, headers=TYPE, buffered=True)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
