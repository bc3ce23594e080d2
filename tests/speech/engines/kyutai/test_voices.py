"""The catalogue over the published voices and VOICES_DIR."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from speech.engines import ENGINES
from speech.engines.kyutai import prefetch
from speech.engines.kyutai.voices import EMBEDDINGS_KEPT, FRESH_S, EmbeddingVoices, catalogue
from speech.engines.kyutai.weights import obtain
from speech.errors import EngineFailed, InvalidRequest, NotSupported, Unavailable, VoiceNotFound
from speech.hub.files import Hub, make_hub
from speech.hub.voice_list import ASK_AGAIN_S, VoiceRepo
from speech.interpreter import Interpreter
from speech.request import SpeechRequest
from speech.selection import EngineChoice
from speech.settings import Settings
from speech.voices.folder import VoiceFolder
from tests.speech.engines.kyutai.tiny_files import FORMAT, checkpoint, embedding
from tests.speech.hub.cache import lay_out_cache, write
from tests.speech.hub.fake_hub import FakeHub
from tests.waiting import wait_until

REPO = "kyutai/tts-voices"
CHOICE = EngineChoice(ENGINES["kyutai"], "cpu", "for the test")
SUFFIX = FORMAT.suffix
ALBA, ANGRY, FRENCH, WOMAN = (
    "alba-mackenna/casual.wav",
    "expresso/ex03-ex01_angry_001_channel1_201s.wav",
    "cml-tts/fr/10087_11650_000028-0002.wav",
    "vctk/p225_023.wav",
)
ALBA_TOO = "alba-mackenna/announcer.wav"
ALL = (ALBA, ANGRY, FRENCH, WOMAN, ALBA_TOO)
FILES = {name + SUFFIX: embedding(seed) for seed, name in enumerate(ALL)}
OTHERS = {"README.md": b"", "alba-mackenna/casual.wav": b"RIFF", "vctk/p226.wav.aabbccdd@9.safetensors": b""}


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with FakeHub({REPO: FILES | OTHERS, "kyutai/tts-1.6b-en_fr": checkpoint()}).running() as hub:
        yield hub


@pytest.fixture
def settings(tmp_path: Path, fake: FakeHub) -> Settings:
    """The model is there, so that its small format is known; no voice is."""
    lay_out_cache(tmp_path / "hub", "kyutai/tts-1.6b-en_fr", checkpoint())
    return Settings(hf_home=tmp_path, hf_endpoint=fake.endpoint, voices_dir=tmp_path / "voices")


@pytest.fixture
def voices(settings: Settings) -> EmbeddingVoices:
    return catalogue(settings)


def offline(settings: Settings) -> Settings:
    return settings.model_copy(update={"hf_hub_offline": True})


def ids(voices: EmbeddingVoices) -> set[str]:
    return {voice.id for voice in voices.voices()}


# -- the list -----------------------------------------------------------------------------------------------------


def test_only_embeddings_for_this_model_are_voices(voices: EmbeddingVoices) -> None:
    assert ids(voices) == set(ALL)


def test_a_voice_tells_who_speaks_and_under_which_licence(voices: EmbeddingVoices) -> None:
    angry = voices.get(ANGRY)
    assert (angry.set, angry.gender, angry.style) == ("expresso", "male", "angry")
    assert (angry.licence, angry.commercial, angry.cached) == ("CC-BY-NC-4.0", False, False)
    assert voices.get(FRENCH).language == "fr"


def test_the_list_is_fetched_once_and_kept(settings: Settings, fake: FakeHub) -> None:
    catalogue(settings).voices()
    assert len(fake.asked) == 1
    assert ids(catalogue(settings)) == ids(catalogue(offline(settings))) == set(ALL)
    assert len(fake.asked) == 1


def test_a_damaged_list_is_fetched_anew(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path / "hub" / "models--kyutai--tts-voices", {"listing.json": b'["cut of'})
    assert len(ids(catalogue(settings))) == 5


def test_without_a_connection_the_cache_is_the_list(settings: Settings, tmp_path: Path) -> None:
    lay_out_cache(tmp_path / "hub", REPO, {WOMAN + SUFFIX: embedding()}, ref=False)
    voices = catalogue(offline(settings))
    assert ids(voices) == {WOMAN}
    assert voices.get(WOMAN).cached
    assert voices.default.id == WOMAN


def test_a_hub_that_does_not_answer_is_asked_ever_less_often(fake: FakeHub, tmp_path: Path, caplog) -> None:
    now, asked = 100.0, 0

    class Counting(Hub):
        def list_files(self, repo: str) -> list[str]:
            nonlocal asked
            asked += 1
            return super().list_files(repo)

    repo = VoiceRepo(Counting(tmp_path / "hub", fake.endpoint), "not/there", clock=lambda: now)
    with caplog.at_level(logging.WARNING, "kyutai_tts.voices"):
        assert repo.names() == repo.names() == []
    assert asked == 1
    assert "no access to not/there" in caplog.text
    for times, pause in enumerate((ASK_AGAIN_S, 2 * ASK_AGAIN_S), 2):
        now += pause - 1
        repo.names()
        assert asked == times - 1
        now += 1
        repo.names()
        wait_until(lambda: not asking())
        assert asked == times
    now += 4 * ASK_AGAIN_S
    fake.repos["not/there"] = {"a.txt": b""}
    wait_until(lambda: repo.names() == ["a.txt"])
    assert asked == 4


def asking() -> bool:
    return any(thread.name == "voice-list" for thread in threading.enumerate())


def test_a_voice_that_is_here_never_waits_for_the_hub(settings: Settings, tmp_path: Path) -> None:
    """A complete cache without a list, and a hub that accepts connections and never answers."""
    lay_out_cache(tmp_path / "hub", REPO, {ALBA + SUFFIX: embedding(), WOMAN + SUFFIX: embedding()})
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = settings.model_copy(update={"hf_endpoint": f"http://127.0.0.1:{mute.getsockname()[1]}"})
        voices = catalogue(silent)
        assert voices.default.id == ALBA
        assert voices.get(WOMAN).cached
        assert voices.embedding(WOMAN).shape == FORMAT.shape
        mute.settimeout(0)
        with pytest.raises(BlockingIOError):  # there was no connection
            mute.accept()


def test_the_second_attempt_to_get_the_list_is_not_waited_for(tmp_path: Path) -> None:
    now, may_answer, asked = [0.0], threading.Event(), threading.Semaphore(0)

    class Held(Hub):
        def list_files(self, repo: str) -> list[str]:
            asked.release()
            if now[0]:
                assert may_answer.wait(20)
                return ["b.txt"]
            raise Unavailable("not now")

    repo = VoiceRepo(Held(tmp_path / "hub"), REPO, clock=lambda: now[0])
    assert repo.names() == []
    assert asked.acquire(timeout=60)
    now[0] = ASK_AGAIN_S
    assert repo.names() == []  # and the attempt is under way
    assert asked.acquire(timeout=60)
    assert repo.names() == []
    may_answer.set()
    wait_until(lambda: repo.names() == ["b.txt"])
    assert not asked.acquire(blocking=False)


def test_names_that_lead_out_of_the_repository_are_left_out(settings: Settings, fake: FakeHub) -> None:
    evil = ("../../../etc/cron.d/x", "/etc/passwd", "a/../../x", "..\\x", "a\0b")
    fake.repos[REPO] = {name + SUFFIX: b"" for name in evil} | {ALBA + SUFFIX: embedding()}
    assert ids(catalogue(settings)) == {ALBA}


def test_no_voices_at_all(settings: Settings) -> None:
    voices = catalogue(offline(settings))
    assert voices.voices() == []
    with pytest.raises(Unavailable, match="no voices"):
        assert voices.default


# -- the default --------------------------------------------------------------------------------------------------


def test_the_default_may_be_used_commercially(settings: Settings, fake: FakeHub) -> None:
    assert catalogue(settings).default.id == ALBA
    fake.repos[REPO] = {name + SUFFIX: b"" for name in ("ears/p001/freeform_speech_01.wav", ANGRY, WOMAN)}
    fresh = catalogue(settings)
    fresh.refresh()
    assert fresh.default.id == WOMAN
    assert fresh.default.commercial


def test_the_setting_overrides_it(settings: Settings) -> None:
    assert catalogue(settings.model_copy(update={"default_voice": ANGRY})).default.id == ANGRY


def test_a_default_that_does_not_exist_shows_at_the_start_if_it_can(settings: Settings, fake: FakeHub) -> None:
    wrong = settings.model_copy(update={"default_voice": "alba-mackenna/casul.wav"})
    voices = ENGINES["kyutai"].catalogue(wrong)  # no list yet, and the start does not wait for one
    assert fake.asked == []
    with pytest.raises(VoiceNotFound, match=ALBA):
        assert voices.default
    with pytest.raises(
        VoiceNotFound, match=f"DEFAULT_VOICE=alba-mackenna/casul.wav is not a voice here. Nearest: {ALBA}"
    ):
        ENGINES["kyutai"].catalogue(wrong)


# -- looking up ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "voice_id",
    [
        "../x",
        "/etc/passwd",
        "a\0b",
        "hf://o/r/x.wav",
        "..",
        "",
        "file:///etc/passwd",
        ALBA + SUFFIX,
        "./" + ALBA,
        "x" * 9999,
    ],
)
def test_an_id_is_never_a_path(voices: EmbeddingVoices, fake: FakeHub, voice_id: str) -> None:
    voices.voices()
    fake.asked.clear()
    for look in (voices.get, voices.path, voices.embedding, voices.prepare):
        with pytest.raises(VoiceNotFound) as caught:
            look(voice_id)
        assert caught.value.param == "voice"
        assert len(caught.value.message) < 400
    assert fake.asked == []


@pytest.mark.parametrize(
    ("asked", "near"), [("casual", ALBA), ("P225", WOMAN), ("alba-makena/casual.wav", ALBA), ("vctk/p225.wav", WOMAN)]
)
def test_an_unknown_voice_is_answered_with_the_nearest(voices: EmbeddingVoices, asked: str, near: str) -> None:
    with pytest.raises(VoiceNotFound, match=f"Nearest: {near}"):
        voices.get(asked)


# -- embeddings ---------------------------------------------------------------------------------------------------


def test_one_file_is_fetched_when_it_is_needed_and_never_again(voices: EmbeddingVoices, fake: FakeHub) -> None:
    assert not voices.get(WOMAN).cached
    values = voices.embedding(WOMAN)
    assert np.array_equal(values, np.random.default_rng(3).normal(0, 0.715, FORMAT.shape).astype(np.float32))
    assert voices.get(WOMAN).cached
    assert [voice.id for voice in voices.voices() if voice.cached] == [WOMAN]
    fake.asked.clear()
    assert voices.embedding(WOMAN) is values
    assert fake.asked == []


def test_a_voice_that_cannot_be_had_now(settings: Settings) -> None:
    catalogue(settings).voices()
    with pytest.raises(Unavailable, match=f"{WOMAN}{SUFFIX} of {REPO}"):
        catalogue(offline(settings)).prepare(WOMAN)


def test_a_bad_file_is_refused_with_the_reason(settings: Settings, fake: FakeHub) -> None:
    fake.repos[REPO][WOMAN + SUFFIX] = embedding(std=0.067)
    with pytest.raises(EngineFailed, match=r"vctk/p225_023\.wav.*spread by 0\.067"):
        catalogue(settings).embedding(WOMAN)


def test_a_file_that_was_replaced_is_read_again(settings: Settings, tmp_path: Path) -> None:
    """But not within the second in which it was read."""
    write(tmp_path / "voices", {"mine.safetensors": embedding(1)})
    now = [0.0]
    voices = catalogue(settings, clock=lambda: now[0])
    before = voices.embedding("mine")
    (tmp_path / "voices" / "mine.safetensors").unlink()
    write(tmp_path / "voices", {"mine.safetensors": embedding(2)})
    assert voices.embedding("mine") is before
    now[0] += FRESH_S + 0.1
    assert not np.array_equal(voices.embedding("mine"), before)


def test_not_all_embeddings_are_kept(settings: Settings, tmp_path: Path) -> None:
    names = [f"v{index}" for index in range(EMBEDDINGS_KEPT + 1)]
    write(tmp_path / "voices", {f"{name}.safetensors": embedding() for name in names})
    voices = catalogue(settings)
    first = voices.embedding("v0")
    assert voices.embedding("v0") is first
    for name in names:
        voices.embedding(name)
    assert voices.embedding("v0") is not first


# -- what a request costs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [WOMAN, WOMAN.upper(), "alloy", "mine", None])
def test_a_request_looks_for_its_own_voice_only(settings: Settings, tmp_path: Path, name: str | None) -> None:
    """However many are published; there are some seven hundred."""
    lay_out_cache(tmp_path / "hub", REPO, dict.fromkeys((name + SUFFIX for name in ALL), embedding()))
    looked_for: list[str] = []

    class Looking(VoiceRepo):
        def here(self, names: Iterable[str]) -> set[str]:
            names = list(names)
            looked_for.extend(names)
            return super().here(names)

    many = [f"expresso/ex0{number}_happy.wav{SUFFIX}" for number in range(300)]
    write(tmp_path / "hub" / "models--kyutai--tts-voices", {"listing.json": json.dumps([*FILES, *many]).encode()})
    repo = Looking(make_hub(settings), REPO)
    voices = EmbeddingVoices(repo, VoiceFolder(settings.voices_dir), lambda: FORMAT, clock=lambda: 0.0)
    assert len(voices.voices()) == 305
    looked_for.clear()
    meant = Interpreter(settings.model_copy(update={"openai_voices": {"mine": ALBA}}), CHOICE, voices)
    meant.check(SpeechRequest("Hello there.", voice=name))
    assert len(looked_for) <= 2  # an OpenAI name's rule gives the default, too
    looked_for.clear()
    meant.check(SpeechRequest("Hello there.", voice=name))
    assert looked_for == [], "a crowd comes at one moment"
    assert voices.known() is voices.known()


# -- ones own -----------------------------------------------------------------------------------------------------


def test_what_is_dropped_in_is_found_without_a_restart(
    settings: Settings, voices: EmbeddingVoices, tmp_path: Path
) -> None:
    assert "mine" not in ids(voices)
    write(tmp_path / "voices", {"mine.safetensors": embedding()})
    assert (voices.get("mine").set, voices.get("mine").cached) == ("own", True)
    assert voices.path("mine") == tmp_path / "voices" / "mine.safetensors"


def test_ones_own_goes_before_a_published_one(voices: EmbeddingVoices, fake: FakeHub, tmp_path: Path) -> None:
    write(tmp_path / "voices", {WOMAN + SUFFIX: embedding(99)})
    assert voices.path(WOMAN).is_relative_to(tmp_path / "voices")
    assert voices.get(WOMAN).licence == "CC-BY-4.0"


def test_adding(voices: EmbeddingVoices, tmp_path: Path) -> None:
    voice = voices.add("My voice", embedding(7))
    assert (voice.id, voice.licence, voice.cached) == ("My-voice", "unknown", True)
    assert voices.embedding(voice.id).std() == pytest.approx(0.715, rel=0.05)
    with pytest.raises(InvalidRequest, match="already"):
        voices.add("My voice", embedding(8))


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"RIFF\x24\0\0\0WAVEfmt ", NotSupported, "not released"),
        (embedding(std=0.067), InvalidRequest, "spread by"),
        (embedding(dim=512), InvalidRequest, "shape"),
        (b"rubbish", InvalidRequest, "safetensors"),
    ],
)
def test_what_cannot_be_added_leaves_nothing_behind(
    voices: EmbeddingVoices, tmp_path: Path, data: bytes, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        voices.add("mine", data)
    assert not (tmp_path / "voices").exists()


def test_before_the_model_is_here_its_published_format_counts(settings: Settings, tmp_path: Path) -> None:
    bare = settings.model_copy(update={"hf_home": tmp_path / "empty"})
    voices = catalogue(bare)
    voices.add("wide", embedding(dim=512))
    hub = Hub(tmp_path / "empty" / "hub", bare.hf_endpoint)
    obtain(bare, hub)
    voices.add("narrow", embedding())  # the model that has come meanwhile takes 16 instead of 512
    with pytest.raises(EngineFailed, match="shape"):
        voices.embedding("wide")


# -- around it ----------------------------------------------------------------------------------------------------


def test_the_engine_s_row_leads_here(settings: Settings) -> None:
    assert isinstance(ENGINES["kyutai"].catalogue(settings), EmbeddingVoices)


@pytest.mark.parametrize(
    "module",
    [
        "speech.voices.catalogue",
        "speech.engines.kyutai.voices",
        "speech.engines.kyutai.weights",
        "speech.engines.kyutai.prefetch",
    ],
)
def test_listing_voices_imports_no_model(module: str) -> None:
    code = f"import sys, {module}; print([m for m in ('torch', 'moshi', 'huggingface_hub') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_prefetching(settings: Settings, fake: FakeHub, tmp_path: Path, capsys) -> None:
    bare = settings.model_copy(update={"hf_home": tmp_path / "new"})
    assert prefetch.main(["--voice", ANGRY], bare) == 0
    assert prefetch.main(["--all-voices", "--commercial"], bare) == 0
    alone = catalogue(offline(bare))
    assert {voice.id for voice in alone.voices() if voice.cached} == set(ALL)
    assert f"1/2 {ALBA} (CC-BY-4.0)" in capsys.readouterr().out
    assert prefetch.main(["--voice", "nobody"], bare) == 1
    assert prefetch.main([], offline(settings.model_copy(update={"hf_home": tmp_path / "none"}))) == 1
    assert "hf download" in capsys.readouterr().err


def test_many_threads_may_ask_at_once(voices: EmbeddingVoices, fake: FakeHub) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda _: voices.embedding(ALBA).std(), range(8)))
    assert len(set(read)) == 1
    assert len(fake.gets(ALBA + SUFFIX)) == 1
