"""A model for each language behind one engine: loaded when asked for, changed without cutting anyone off."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from flask.testing import FlaskClient

from app import create_app
from gpu_manager import GPUManager
from speech.engines.base import Engine, EngineStatus, Utterance
from speech.engines.pocket.languages import LanguageEngine, Rest
from speech.engines.pocket.loading import build
from speech.engines.pocket.sources import sources
from speech.engines.pocket.voices import catalogue
from speech.errors import EngineClosed, EngineFailed, InvalidRequest, QueueFull, Unavailable
from speech.progress import silent
from speech.request import SpeechRequest
from speech.service import build_service
from speech.settings import Settings
from tests.speech.engines.pocket.checkpoint import write_checkpoint
from tests.speech.engines.pocket.helpers import CASES, Reference, expected, utter

TIMEOUT_S = 20.0


class Model(Engine):
    """Speaks until it is told to end. Its status never tells, as that of an engine whose newcomers have no seat yet."""

    def __init__(self, world: World, language: str, rest: Rest) -> None:
        self.held: list[Utterance] = []
        self._world, self._language, self._rest = world, language, rest

    def start(self, utterance: Utterance) -> None:
        self.held.append(utterance)
        utterance.begin()

    def finish(self) -> None:
        """Everyone has spoken."""
        held, self.held = self.held, []
        for utterance in held:
            utterance.finish()
        self._rest()

    def status(self) -> EngineStatus:
        return EngineStatus(4, 0, 0)

    def close(self) -> None:
        for utterance in self.held:
            utterance.fail(EngineClosed())
        self._world.here.remove(self._language)
        self._world.past.append(f"-{self._language}")


class World:
    """Models that load at once, and what became of them."""

    def __init__(self) -> None:
        self.here: list[str] = []
        self.past: list[str] = []
        self.models: dict[str, Model] = {}
        self.broken: str | None = None
        self.most = 0

    def model(self, language: str) -> Loadable:
        return Loadable(self, language)

    def engine(self, most: int = 1, max_queue: int = 10) -> LanguageEngine:
        models = {language: self.model(language) for language in ("en", "fr", "de")}
        return LanguageEngine(models, lambda request: request.language or "en", most=most, max_queue=max_queue)


class Loadable:
    def __init__(self, world: World, language: str) -> None:
        self.world, self.language = world, language

    def fetch(self) -> None:
        if self.language == self.world.broken:
            raise Unavailable("It is not on this machine.")

    def load(self, rest: Rest) -> Engine:
        world = self.world
        world.here.append(self.language)
        world.most = max(world.most, len(world.here))
        world.past.append(f"+{self.language}")
        world.models[self.language] = Model(world, self.language, rest)
        return world.models[self.language]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def engine(world: World) -> Iterator[LanguageEngine]:
    engine = world.engine()
    yield engine
    engine.close()
    assert world.here == []


def ask(engine: LanguageEngine, language: str) -> Utterance:
    utterance = Utterance(SpeechRequest(text="Rain.", language=language))
    engine.start(utterance)
    return utterance


def seated(utterance: Utterance) -> bool:
    return utterance.wait_for_slot(TIMEOUT_S)


class TestChanges:
    def test_the_first_is_loaded_with_the_engine(self, engine: LanguageEngine, world: World) -> None:
        assert world.past == ["+en"]
        assert seated(ask(engine, "en"))

    def test_another_waits_for_those_who_speak(self, engine: LanguageEngine, world: World) -> None:
        english, french = ask(engine, "en"), ask(engine, "fr")
        assert not french.wait_for_slot(0.05)
        assert (engine.position(french), engine.status().queue_depth) == (1, 1)
        world.models["en"].finish()
        assert seated(french)
        assert (english.error, world.past, world.most) == (None, ["+en", "-en", "+fr"], 1)

    def test_late_comers_wait_behind_it(self, engine: LanguageEngine, world: World) -> None:
        first, french = ask(engine, "en"), ask(engine, "fr")
        until(lambda: engine._leaving == "en")
        late = ask(engine, "en")
        assert not late.wait_for_slot(0.05)
        world.models["en"].finish()
        assert first.over
        assert seated(french)
        assert not late.wait_for_slot(0.05)
        world.models["fr"].finish()
        assert seated(late)

    def test_two_together_where_there_is_room(self, world: World) -> None:
        engine = world.engine(most=2)
        english, french = ask(engine, "en"), ask(engine, "fr")
        assert seated(french)
        german = ask(engine, "de")
        assert not german.wait_for_slot(0.05)
        assert seated(ask(engine, "fr")), "only the one used longest ago is to leave"
        world.models["en"].finish()
        assert seated(german)
        assert (english.error, sorted(world.here), world.most) == (None, ["de", "fr"], 2)
        assert engine.status().slots_total == 8
        engine.close()

    def test_one_that_leaves_while_it_waits(self, engine: LanguageEngine, world: World) -> None:
        ask(engine, "en")
        french = ask(engine, "fr")
        until(lambda: engine._leaving == "en")
        french.cancel()
        assert seated(ask(engine, "en")), "the change is off"
        assert world.past == ["+en"]

    def test_the_queue_has_an_end(self, world: World) -> None:
        engine = world.engine(max_queue=1)
        ask(engine, "en")
        ask(engine, "fr")
        with pytest.raises(QueueFull):
            ask(engine, "fr")
        engine.close()

    def test_what_cannot_be_had_costs_the_others_nothing(self, engine: LanguageEngine, world: World) -> None:
        world.broken = "fr"
        english, french = ask(engine, "en"), ask(engine, "fr")
        assert seated(french)
        assert isinstance(french.error, Unavailable)
        assert (english.over, world.past) == (False, ["+en"])
        assert seated(ask(engine, "en"))

    def test_close_ends_all(self, world: World) -> None:
        engine = world.engine()
        english, french = ask(engine, "en"), ask(engine, "fr")
        engine.close()
        assert isinstance(english.error, EngineClosed)
        assert isinstance(french.error, EngineClosed)
        with pytest.raises(EngineClosed):
            ask(engine, "en")

    def test_many_at_once(self, world: World) -> None:
        """Each is spoken, by whatever way they come."""
        engine = world.engine()
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                for model in list(world.models.values()):
                    model.finish()

        server = threading.Thread(target=serve)
        server.start()
        languages = [("en", "fr", "de")[number % 3] for number in range(10)]
        asked = [ask(engine, language) for language in languages]
        assert all(seated(utterance) for utterance in asked)
        stop.set()
        server.join()
        assert world.most == 1
        engine.close()


def until(so: Callable[[], bool]) -> None:
    """What another thread brings about at once."""
    waited = threading.Event()
    for _ in range(2000):
        if so():
            return
        waited.wait(0.005)
    raise AssertionError("it did not come about")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model for each of three languages."""
    folder = tmp_path_factory.mktemp("languages")
    for seed, name in enumerate(("english", "french", "german")):
        write_checkpoint("tiny", folder / name, seed=seed)
    return folder


def settings_over(folder: Path, **more: str) -> Settings:
    names = {"ENGINE": "pocket", "MODEL_DIR": str(folder), "POCKET_QUANTIZE": "false", "TEMPERATURE": "0"}
    return Settings.load(names | {"VOICES_DIR": str(folder / "own")} | more)


class TestSources:
    def test_of_the_hub_one_for_each_language(self) -> None:
        found = sources(Settings.load({"POCKET_MODEL": "french_24l"}))
        assert [source.name for source in found.values()][:2] == ["french_24l", "english_24l"]
        assert list(found) == ["fr", "en", "de", "es", "pt", "it", "nl"]

    def test_a_small_english_model_has_large_ones_beside_it(self) -> None:
        found = sources(Settings.load({"POCKET_MODEL": "english_7m_2026-10", "POCKET_LANGUAGES": "fr"}))
        assert {language: source.name for language, source in found.items()} == {
            "en": "english_7m_2026-10",
            "fr": "french",
        }

    def test_of_a_folder_those_that_are_in_it(self, folders: Path, checkpoint: Path) -> None:
        assert list(sources(settings_over(folders))) == ["en", "fr", "de"]
        assert list(sources(settings_over(folders, POCKET_MODEL="german"))) == ["de", "en", "fr"]
        assert list(sources(settings_over(folders, POCKET_LANGUAGES="none"))) == ["en"]
        assert list(sources(settings_over(checkpoint, POCKET_MODEL="french"))) == ["fr"]


@pytest.fixture(scope="module")
def client(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    out = str(tmp_path_factory.mktemp("outputs"))
    service = build_service(settings_over(folders, OUTPUT_DIR=out), GPUManager())
    yield create_app(service.settings, service).test_client()
    service.close()


class TestService:
    @pytest.mark.parametrize(("language", "name"), [("fr", "french"), ("en", "english"), ("de", "german")])
    def test_each_is_spoken_by_its_own_model(
        self, client: FlaskClient, folders: Path, language: str, name: str
    ) -> None:
        case = CASES[4]
        answer = client.post("/api/tts", json={"text": case.text, "voice": case.voice, "language": language})
        samples, _ = soundfile.read(io.BytesIO(answer.data), dtype="float32")
        right = expected(Reference(folders / name)(case))
        assert len(samples) == len(right)
        assert np.abs(samples - right).max() < 2e-4

    def test_side_by_side_in_all_languages(self, client: FlaskClient) -> None:
        """Over three doors at once; each waits for its model."""
        answers: list[tuple[int, str]] = []

        def say(path: str, body: dict[str, object]) -> None:
            answer = client.application.test_client().post(path, json=body)
            answers.append((answer.status_code, answer.text[:200] if answer.status_code != 200 else ""))

        asked: list[tuple[str, dict[str, object]]] = [
            ("/api/tts", {"text": "Rain.", "language": language}) for language in ("en", "fr", "de", "fr")
        ]
        asked.append(("/v1/audio/speech", {"model": "tts-1", "input": "Regen.", "voice": "v0"}))
        asked.append(("/api/tts", {"text": "Rain.", "language": "de", "stream_format": "sse", "stream": True}))
        threads = [threading.Thread(target=say, args=one) for one in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [(200, "")] * len(asked)

    def test_one_that_is_not_there_is_read_by_the_voice_s(self, client: FlaskClient) -> None:
        answer = client.post("/api/tts", json={"text": "Regen.", "language": "nl"})
        assert answer.status_code == 200


class TestVoices:
    def test_a_text_without_a_voice_is_guessed(self, folders: Path) -> None:
        (folders / "french/voices/claire.safetensors").write_bytes(
            (folders / "french/voices/v0.safetensors").read_bytes()
        )
        voices = catalogue(settings_over(folders))
        french = "Il est tard, et la nuit est belle sur la mer."
        assert voices.usual(None, french).id == "claire"
        assert voices.usual(None, "It is late and the night is fair.") == voices.default
        assert voices.usual("fr").language == "fr"
        assert catalogue(settings_over(folders, POCKET_LANGUAGES="de")).usual(None, french) == voices.default

    def test_a_guess_fetches_nothing(self, tmp_path: Path) -> None:
        voices = catalogue(Settings.load({"HF_HOME": str(tmp_path)}))
        assert voices.usual(None, "Il est tard, et la nuit est belle sur la mer.").id == "alba"
        assert voices.usual("fr").id == "estelle"

    def test_a_state_of_one_s_own_speaks_its_language_alone(self, folders: Path, tmp_path: Path) -> None:
        state = (folders / "french/voices/v0.safetensors").read_bytes()
        (tmp_path / "fr").mkdir()
        (tmp_path / "fr/moi.safetensors").write_bytes(state)
        voices = catalogue(settings_over(folders, VOICES_DIR=str(tmp_path)))
        moi = voices.get("fr/moi")
        assert (moi.language, voices.spoken(moi, None)) == ("fr", "fr")
        with pytest.raises(InvalidRequest, match="does not speak en"):
            voices.path("fr/moi", "en")

    def test_a_model_without_files_fails_alone(self, folders: Path, tmp_path: Path) -> None:
        for name in ("english", "french"):
            (tmp_path / name).mkdir()
            for file in (folders / name).iterdir():
                (tmp_path / name / file.name).symlink_to(file)
        (tmp_path / "french/model.safetensors").unlink()
        engine = build(settings_over(tmp_path), silent)
        french = utter(SpeechRequest(text="Rain.", voice="v0", language="fr"))
        english = utter(SpeechRequest(text="Rain.", voice="v0"))
        engine.start(french)
        assert french.wait_for_slot(TIMEOUT_S)
        assert isinstance(french.error, EngineFailed)
        engine.start(english)
        assert sum(len(chunk.samples) for chunk in english.chunks())
        engine.close()
