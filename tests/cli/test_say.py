"""`say` as people run it: against the real service, with a player that writes down what it hears."""

from __future__ import annotations

import re
import resource
import signal
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import av
import pytest

from speech.settings import Settings
from tests import strangers
from tests.cli.stage import MUTE, MUTE_FFPLAY, FakePlayer, Say, fake_player
from tests.ear import heard, pcm16, word_errors
from tests.live_server import LiveServer, free_port
from tests.services import make_service
from tests.staged import serving
from tests.test_live import SENTENCES, streams_open
from tests.waiting import wait_until

SLOW = pytest.mark.slow
TEXT = SENTENCES[0]
LONG = " ".join(SENTENCES * 20)


@pytest.fixture
def player(tmp_path: Path) -> FakePlayer:
    return fake_player(tmp_path)


@pytest.fixture
def url(server: LiveServer) -> dict[str, str]:
    return {"KYUTAI_TTS_URL": server.url}


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


# -- speaking -------------------------------------------------------------------------------------------------------


def test_words_of_the_command_are_played(tmp_path: Path, player: FakePlayer, url: dict[str, str]) -> None:
    assert Say(tmp_path, *TEXT.split(), **url).end() == (0, "")
    assert word_errors(TEXT, heard(pcm16(player.heard), 24_000)) <= 1
    assert "-r 24000" in player.arguments
    assert player.ended


def test_a_pipe_is_said_while_it_is_written(tmp_path: Path, player: FakePlayer, url: dict[str, str]) -> None:
    say = Say(tmp_path, stdin=subprocess.PIPE, **url)
    for word in f"{SENTENCES[1]} {SENTENCES[2]}".split():
        say.write(f"{word} ")
    wait_until(lambda: len(player.heard) > 24_000)  # half a second of sound, and the text has not ended
    assert say.process.poll() is None
    say.write(SENTENCES[3])
    assert say.end() == (0, "")
    assert word_errors(" ".join(SENTENCES[1:4]), heard(pcm16(player.heard), 24_000)) <= 3


def test_a_pipe_that_brings_nothing(tmp_path: Path, player: FakePlayer, url: dict[str, str]) -> None:
    say = Say(tmp_path, stdin=subprocess.PIPE, **url)
    say.write("  \n")
    assert say.end() == (2, "say: There is no text to say.\n")
    assert player.heard == b""


def test_without_a_service_it_speaks_itself(tmp_path: Path, player: FakePlayer) -> None:
    port = {"PORT": str(free_port())}
    say = Say(tmp_path, stdin=subprocess.PIPE, **port)
    say.write(TEXT)
    assert say.end() == (0, "")
    assert word_errors(TEXT, heard(pcm16(player.heard), 24_000)) <= 1


def test_a_service_that_was_started_on_another_port_is_found(
    tmp_path: Path, player: FakePlayer, server: LiveServer
) -> None:
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / f"{server.port}.pid").write_text(f"1\nborn\n{server.url}\n\n")
    before = server.get("/api/gpu/status")["loads"]
    answer = Say(tmp_path, TEXT, PORT=str(free_port()), KYUTAI_TTS_BACKEND="service").end()
    assert answer == (0, "")
    assert server.get("/api/gpu/status")["loads"] == max(1, int(str(before)))


# -- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "speech.mp3",
        pytest.param("speech.wav", marks=pytest.mark.slow),
        pytest.param("speech.ogg", marks=pytest.mark.slow),
    ],
)
def test_the_ending_chooses_the_format(tmp_path: Path, url: dict[str, str], name: str) -> None:
    assert Say(tmp_path, "-o", name, TEXT, **url).end() == (0, "")
    with av.open(str(tmp_path / name)) as container:
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert 1.5 < seconds < 6
    assert left_behind(tmp_path) == []


@SLOW
def test_a_chapter_longer_than_a_request_may_be(tmp_path: Path, url: dict[str, str]) -> None:
    chapter = "\n\n".join([LONG] * 2)
    (tmp_path / "chapter.txt").write_text(chapter)
    with (tmp_path / "chapter.txt").open() as file:
        say = Say(tmp_path, "-o", "-", "--format", "mulaw", stdin=file.fileno(), **url)
        audio, errors = say.process.communicate(timeout=240)
    assert (say.process.returncode, errors) == (0, b"")
    words = len(chapter.split())
    assert len(chapter) > 2 * 8_000
    assert words / 6 < len(audio) / 8_000 < words / 1.5  # seconds: people say two to four words in one


def test_a_full_device(tmp_path: Path, url: dict[str, str]) -> None:
    code, errors = Say(tmp_path, "-o", "/dev/full", "--format", "wav", TEXT, **url).end()
    assert (code, errors) == (5, "say: /dev/full could not be written: No space left on device.\n")


@pytest.mark.parametrize("name", ["speech.wav", "speech.mp3"])
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, url: dict[str, str], name: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    say = Say(tmp_path, "-o", name, stdin=subprocess.PIPE, PYTHONDONTWRITEBYTECODE="1", **url)  # else half of it
    resource.prlimit(say.process.pid, resource.RLIMIT_FSIZE, (10_000, 10_000))
    say.write(TEXT)
    assert say.end() == (5, f"say: {name} could not be written: File too large.\n")
    assert (tmp_path / name).read_bytes() == b"old"
    assert left_behind(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path: Path, url: dict[str, str]) -> None:
    code, errors = Say(tmp_path, "-o", "none/speech.wav", TEXT, **url).end()
    assert (code, errors) == (5, "say: none/speech.wav could not be written: No such file or directory.\n")


@pytest.mark.parametrize(
    ("arguments", "shell", "code", "told"),
    [
        ((), "<&-", 2, "There is no text to say."),
        (("-o", "x.wav"), "<&-", 2, "There is no text to say."),
        (("-o", "-", "Hello."), ">&-", 5, "Standard output could not be written: it is closed."),
        (("--list",), ">/dev/full", 5, "Standard output could not be written: No space left on device."),
    ],
)
def test_streams_that_are_not_there(
    tmp_path: Path,
    player: FakePlayer,
    url: dict[str, str],
    arguments: tuple[str, ...],
    shell: str,
    code: int,
    told: str,
) -> None:
    """As a daemon or cron may start it."""
    assert Say(tmp_path, *arguments, shell=shell, **url).end() == (code, f"say: {told}\n")


# -- stopping -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_stops_the_sound_and_frees_the_slot(
    tmp_path: Path, player: FakePlayer, server: LiveServer, number: signal.Signals, code: int
) -> None:
    say = Say(tmp_path, LONG, KYUTAI_TTS_URL=server.url)
    assert say.stop_when(lambda: player.heard, number) == (code, "")
    wait_until(lambda: streams_open(server) == 0)
    assert not player.ended, "the player was left to play what it had"


def test_ctrl_c_while_a_pipe_is_silent(tmp_path: Path, player: FakePlayer, server: LiveServer) -> None:
    say = Say(tmp_path, stdin=subprocess.PIPE, KYUTAI_TTS_URL=server.url)
    say.write(f"{TEXT} And ")
    assert say.stop_when(lambda: player.heard) == (130, "")
    wait_until(lambda: streams_open(server) == 0)


def test_ctrl_c_leaves_no_half_file(tmp_path: Path, server: LiveServer) -> None:
    say = Say(tmp_path, "-o", "speech.wav", LONG, KYUTAI_TTS_URL=server.url)
    code, errors = say.stop_when(lambda: streams_open(server) and left_behind(tmp_path))
    assert (code, errors) == (130, "")
    assert [path.name for path in tmp_path.iterdir() if path.name != "bin"] == []
    wait_until(lambda: streams_open(server) == 0)


# -- what can be wrong ----------------------------------------------------------------------------------------------


def test_no_player(tmp_path: Path, url: dict[str, str]) -> None:
    code, errors = Say(tmp_path, TEXT, **url).end()
    assert code == 4
    assert errors.startswith("say: There is no program to play sound with (ffplay, mpv, aplay, paplay, afplay)")


@pytest.mark.parametrize(
    ("name", "script", "reason"),
    [
        ("aplay", MUTE, "aplay: main:831: audio open error: No such file or directory"),
        ("ffplay", MUTE_FFPLAY, "No more combinations to try, audio open failed"),
    ],
)
def test_no_sound_device(tmp_path: Path, url: dict[str, str], name: str, script: str, reason: str) -> None:
    """They say it in these words, and ffplay ends with exit code 0 all the same."""
    fake_player(tmp_path, script, name)
    assert Say(tmp_path, TEXT, **url).end() == (4, f"say: {name} cannot play the speech: {reason}.\n")


def test_a_voice_that_there_is_not(tmp_path: Path, player: FakePlayer, url: dict[str, str]) -> None:
    code, errors = Say(tmp_path, "--voice", "nobody", TEXT, **url).end()
    assert (code, errors.count("\n")) == (2, 1)
    assert "There is no voice 'nobody'" in errors


def test_the_named_service_and_no_other(tmp_path: Path, player: FakePlayer) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    code, errors = Say(tmp_path, "--url", address, TEXT).end()
    assert (code, errors.count("\n")) == (3, 1)
    assert address in errors


def test_an_address_that_is_none(tmp_path: Path, player: FakePlayer) -> None:
    code, errors = Say(tmp_path, "--url", "localhost:8900", TEXT).end()
    assert (code, errors.count("\n")) == (2, 1)
    assert "--url is not allowed: must be the address of a service, such as http://127.0.0.1:8900" in errors


@pytest.mark.parametrize("wrong", [{"ENGINE": "festival"}, {"TEMPERATURE": "hot"}], ids=str)
def test_wrong_settings_of_an_engine_of_its_own(tmp_path: Path, player: FakePlayer, wrong: dict[str, str]) -> None:
    code, errors = Say(tmp_path, TEXT, KYUTAI_TTS_BACKEND="local", **wrong).end()
    assert (code, errors.count("\n")) == (2, 1)
    assert all(name in errors and value in errors for name, value in wrong.items())


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--speed", "9", "must be 0.25 to 4"), ("--language", "english", "must be a language of two letters")],
)
def test_an_option_that_is_not_allowed(tmp_path: Path, option: str, value: str, told: str) -> None:
    code, errors = Say(tmp_path, option, value, TEXT).end()
    assert code == 2
    assert f"argument {option}: {told}" in errors


def test_an_ending_that_is_no_format(tmp_path: Path) -> None:
    code, errors = Say(tmp_path, "-o", "speech.doc", TEXT).end()
    assert (code, errors.count("\n")) == (2, 1)
    assert ".mp3" in errors


def test_voices_are_listed(tmp_path: Path, url: dict[str, str]) -> None:
    say = Say(tmp_path, "--list", **url)
    listed, _ = say.process.communicate(timeout=60)
    lines = listed.decode().splitlines()
    assert any(re.match(r"heart +en +Apache-2.0 +.*default", line) for line in lines), lines


def test_a_service_that_wants_a_key(tmp_path: Path, player: FakePlayer) -> None:
    settings = Settings(engine="hibari", api_keys={"one": sha256(b"secret").hexdigest()})
    service = make_service(settings=settings)
    with closing(service), serving(service) as url:
        code, errors = Say(tmp_path, TEXT, KYUTAI_TTS_URL=url).end()
    assert code == 3
    assert errors.endswith("say takes the key from KYUTAI_TTS_API_KEY.\n")


HEALTH = strangers.http(b'{"service": "kyutai-tts"}')
BUSY = strangers.http(b'{"error": {"message": "It is full.", "code": "queue_full"}}', "429 Busy\r\nRetry-After: 1")
SAMPLES = b64encode(bytes(2400)).decode()
SPOKEN = strangers.http(
    b'event: start\ndata: {"sample_rate": 24000, "ignored": []}\n\n'
    + f'event: audio\ndata: {{"audio": "{SAMPLES}", "audio_s": 0.05}}\n\n'.encode()
    + b"event: done\ndata: {}\n\n",
    kind="text/event-stream",
)


@contextmanager
def busy_for(times: int) -> Iterator[tuple[str, list[bytes]]]:
    """A service that says so often that it is full, and then speaks. Its address, and the requests for speech."""
    asked: list[bytes] = []

    def talk(client: socket.socket) -> None:
        request = strangers.read_request(client)
        if request.startswith(b"GET /health"):
            client.sendall(HEALTH)
        else:
            asked.append(request)
            client.sendall(BUSY if len(asked) <= times else SPOKEN)

    with strangers.listening(talk) as url:
        yield url, asked


def test_a_full_service_is_asked_again_when_it_says(tmp_path: Path, player: FakePlayer) -> None:
    with busy_for(1) as (url, asked):
        assert Say(tmp_path, TEXT, KYUTAI_TTS_URL=url).end() == (0, "")
    assert len(asked) == 2
    assert player.heard == bytes(2400)


def test_ctrl_c_while_it_waits_for_a_full_service(tmp_path: Path, player: FakePlayer) -> None:
    with busy_for(1000) as (url, asked):
        assert Say(tmp_path, TEXT, KYUTAI_TTS_URL=url).stop_when(lambda: asked) == (130, "")
