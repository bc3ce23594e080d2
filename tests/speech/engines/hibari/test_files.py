"""hibari's further voices: where their files are, how they come, and what is said when they do not.

The published files cannot be had here; the one in the wheel, under another's name, stands in for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hibari import voices as registry

from speech.engines.hibari.catalogue import HibariVoices, catalogue
from speech.engines.hibari.files import BUNDLED, VoiceFiles, voice_files
from speech.engines.hibari.prefetch import main, prefetch
from speech.engines.hibari.voice import HibariVoice, Speaker
from speech.errors import Unavailable, VoiceNotFound
from speech.settings import Settings
from speech.voices.names import GENDERS, VoiceNames
from tests.strangers import answers, http, listening

MODEL = (Path(registry.ASSETS) / "hibari.onnx").read_bytes()
STAND_IN = {"bytes": len(MODEL), "sha256": sha256(MODEL).hexdigest()}
KNOWN = {name: {**facts, **STAND_IN} for name, facts in registry.VOICES.items()}


def files_in(folder: Path, base_url: str = "http://127.0.0.1:1/", offline: bool = False) -> VoiceFiles:
    return VoiceFiles(folder, base_url, offline, KNOWN)


@pytest.fixture
def hub() -> Iterator[str]:
    with listening(answers(http(MODEL, kind="application/octet-stream"))) as url:
        yield f"{url}/"


def test_the_four_are_offered_with_what_is_known_of_them(tmp_path: Path) -> None:
    heart, emma, fenrir, fable, kore = HibariVoices(files_in(tmp_path)).voices()
    assert (heart.id, heart.cached, heart.size_bytes) == (BUNDLED, True, None)
    assert (emma.gender, emma.style, fable.gender, fable.style) == ("female", "British", "male", "British")
    assert (fenrir.gender, fenrir.style, kore.gender) == ("male", "neutral", "female")
    for voice in (emma, fenrir, fable, kore):
        assert (voice.cached, voice.size_bytes) == (False, len(MODEL))
        assert (voice.licence, voice.commercial, voice.language) == ("Apache-2.0", True, "en")


def test_the_registry_is_the_packages() -> None:
    offered = {voice.id: voice for voice in catalogue(Settings(engine="hibari")).voices()}
    assert set(offered) == {"heart", "emma", "fenrir", "fable", "kore"}
    assert all(7e6 < voice.size_bytes < 9e6 for voice in offered.values() if voice.size_bytes)


def test_offline_only_what_is_here_is_offered(tmp_path: Path) -> None:
    offline = files_in(tmp_path, offline=True)
    assert offline.names() == [BUNDLED]
    with pytest.raises(VoiceNotFound):
        HibariVoices(offline).get("emma")
    with pytest.raises(Unavailable, match=r"HF_HUB_OFFLINE is set\. Fetch .*bf_emma.* and copy it to ") as error:
        offline.obtain("emma")
    assert str(tmp_path) in error.value.message
    (tmp_path / KNOWN["emma"]["file"]).write_bytes(MODEL)
    assert offline.names() == [BUNDLED, "emma"]
    assert offline.obtain("emma") == tmp_path / KNOWN["emma"]["file"]


def test_one_is_fetched_when_it_is_asked_for_and_speaks(tmp_path: Path, hub: str) -> None:
    files = files_in(tmp_path, hub)
    voices = HibariVoices(files)
    voices.prepare("fenrir")
    assert voices.get("fenrir").cached
    assert not voices.get("kore").cached
    voice = HibariVoice(files)
    usual, other = voice.speak("Good evening.", 1), voice.speak("Good evening.", 1, "fenrir")
    assert (usual.samples == other.samples).all()  # it is a stand-in
    with pytest.raises(OSError, match="kore is not here"):
        voice.speak("Good evening.", 1, "kore")


def test_a_british_voice_reads_as_the_british_do(tmp_path: Path) -> None:
    (tmp_path / KNOWN["emma"]["file"]).write_bytes(MODEL)
    voice = HibariVoice(files_in(tmp_path))
    assert voice.speak("A tomato.", 1, "emma").phonemes != voice.speak("A tomato.", 1).phonemes


def test_no_connection_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"The voice kore could not be fetched\. Fetch http://127.0.0.1:1/"):
        files_in(tmp_path).obtain("kore")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"<html>", MODEL[:-1] + b"x"], ids=["a page", "a changed file"])
def test_what_is_not_the_file_is_not_taken(tmp_path: Path, content: bytes) -> None:
    with listening(answers(http(content))) as url, pytest.raises(Unavailable, match="could not be fetched"):
        files_in(tmp_path, f"{url}/").obtain("kore")
    assert list(tmp_path.iterdir()) == []


def test_a_cut_copy_is_fetched_again(tmp_path: Path, hub: str) -> None:
    files = files_in(tmp_path, hub)
    (tmp_path / KNOWN["kore"]["file"]).write_bytes(MODEL[:1000])
    assert files.here("kore") is None
    assert files.obtain("kore").read_bytes() == MODEL


def test_a_mirror_takes_the_place_of_the_hub() -> None:
    files = voice_files(Settings(hf_endpoint="http://127.0.0.1:1/mirror/", hf_hub_offline=True))
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:1/mirror/maureesewilliams/hibari/resolve/main/voices/"):
        files.obtain("kore")


def test_a_model_that_tells_no_durations_speaks_all_the_same(voice: HibariVoice) -> None:
    without = MODEL.replace(b"/CumSum_output_0", b"/CumSum_output_x")
    told = Speaker(without, voice._reader(False)).speak("Good evening to you all.", 1)
    real = voice.speak("Good evening to you all.", 1)
    assert (told.samples == real.samples).all()
    times = told.word_times(("Good", "evening", "to", "you", "all."))
    assert times == sorted(times)
    assert times[-1][1] <= len(told.samples) / 24_000


def test_openais_names_fetch_nothing(tmp_path: Path) -> None:
    """Each speaks as before; a voice that is fetched goes by its own name, also where OpenAI has it too (fable)."""
    names = VoiceNames({}, tmp_path / "none")
    voices = HibariVoices(files_in(tmp_path))
    assert {names.voice(name, voices).id for name in GENDERS} == {BUNDLED}
    (tmp_path / KNOWN["fable"]["file"]).write_bytes(MODEL)
    assert names.voice("fable", voices).id == "fable"
    assert names.voice("onyx", voices).id == BUNDLED


def test_prefetch(tmp_path: Path, hub: str, capsys: pytest.CaptureFixture[str]) -> None:
    prefetch(files_in(tmp_path, hub), ["emma", "kore"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["af_kore.int8.onnx", "bf_emma.int8.onnx"]
    assert main(["--voice", "nobody"], Settings()) == 1
    assert "no voice 'nobody'" in capsys.readouterr().err
    prefetch(files_in(tmp_path, offline=True), [])
    assert capsys.readouterr().out.count("\n") == 3, "the one in the wheel and the two that were fetched"
