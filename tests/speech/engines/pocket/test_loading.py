"""From files to a speaking engine, by the way that the service goes: a folder, the hub's cache, a hub."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from speech.engines import ENGINES
from speech.engines.base import Engine, UtteranceStatus
from speech.engines.pocket import prefetch
from speech.engines.pocket.files import UNGATED, hub_files, locate, missing, obtain, packaged
from speech.engines.pocket.library import compute_with, in_another_thread
from speech.engines.pocket.loading import build, int8_is_faster, rows_a_core
from speech.engines.pocket.ready import ORIGINS, REPO, REVISION
from speech.engines.pocket.sources import LANGUAGES, Source, sources
from speech.engines.pocket.voices import catalogue
from speech.errors import EngineFailed, Unavailable, VoiceNotFound
from speech.hub.files import make_hub
from speech.progress import silent
from speech.request import Samples, SpeechRequest
from speech.selection import StepUp, choose_engine
from speech.settings import Settings
from tests.speech.engines.pocket.checkpoint import CONFIG, MODEL, TOKENIZER, write_checkpoint
from tests.speech.engines.pocket.helpers import CASES, Case, Reference, expected, load_model, utter
from tests.speech.hub.fake_hub import FakeHub


def folder_settings(folder: Path, **more: str) -> Settings:
    return Settings.load({"MODEL_DIR": str(folder), "TEMPERATURE": "0", "POCKET_QUANTIZE": "false"} | more)


def main(settings: Settings) -> Source:
    """The model of requests that name no language."""
    return next(iter(sources(settings).values()))


def hear(engine: Engine, case: Case) -> Samples:
    utterance = utter(case.request)
    engine.start(utterance)
    heard = [chunk.samples for chunk in utterance.chunks()]
    assert utterance.status is UtteranceStatus.FINISHED
    return np.concatenate(heard)


def speak(settings: Settings, case: Case) -> Samples:
    """One text by an engine that is built and closed."""
    engine = build(settings, silent)
    try:
        return hear(engine, case)
    finally:
        engine.close()


def close(heard: Samples, right: Samples) -> bool:
    return len(heard) == len(right) and np.allclose(heard, right, rtol=0, atol=1e-4)


class TestFolder:
    def test_it_speaks_as_pocket_tts_does(self, checkpoint: Path, reference: Reference) -> None:
        assert close(speak(folder_settings(checkpoint), CASES[0]), expected(reference(CASES[0])))

    def test_one_folder_for_each_model(self, checkpoint: Path, reference: Reference, tmp_path: Path) -> None:
        (tmp_path / "french").symlink_to(checkpoint)
        settings = folder_settings(tmp_path, POCKET_MODEL="french")
        assert {voice.language for voice in catalogue(settings).voices()} == {"fr"}
        assert close(speak(settings, CASES[1]), expected(reference(CASES[1])))

    def test_the_model_s_own_temperature_unless_one_is_set(self, checkpoint: Path) -> None:
        settings = Settings.load({"MODEL_DIR": str(checkpoint), "POCKET_QUANTIZE": "false"})
        one, other = (speak(settings, CASES[0]) for _ in range(2))
        common = min(len(one), len(other))
        assert not np.allclose(one[:common], other[:common], atol=1e-3)

    def test_int8_sounds_nearly_alike(self, checkpoint: Path, reference: Reference) -> None:
        heard, right = speak(folder_settings(checkpoint, POCKET_QUANTIZE="true"), CASES[0]), reference(CASES[0])
        common = min(len(heard), len(right))
        assert not close(heard, expected(right))
        assert np.abs(heard[120:common] - right[120:common]).mean() < 0.1 * np.abs(right).mean()

    def test_what_it_lacks_is_named(self, checkpoint: Path, tmp_path: Path) -> None:
        (tmp_path / CONFIG).write_text((checkpoint / CONFIG).read_text())
        settings = folder_settings(tmp_path)
        with pytest.raises(EngineFailed, match=f"{MODEL}, {TOKENIZER}"):
            build(settings, silent)
        assert missing(settings) is not None

    @pytest.mark.parametrize(
        ("name", "damage"),
        [
            (MODEL, lambda whole: whole[:-100]),
            (MODEL, lambda whole: b"\xff" * 1000),
            (CONFIG, lambda whole: b"flow_lm: ["),
            (CONFIG, lambda whole: b"\0\1"),
            (CONFIG, lambda whole: whole.replace(b"d_model:", b"d_mode:")),
            (TOKENIZER, lambda whole: whole[:1000]),
            (TOKENIZER, lambda whole: b"\xff\xfe"),
            (TOKENIZER, lambda whole: b""),
        ],
    )
    def test_a_damaged_file_is_named(
        self, checkpoint: Path, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
    ) -> None:
        folder = tmp_path / "model"
        shutil.copytree(checkpoint, folder)
        (folder / name).write_bytes(damage((folder / name).read_bytes()))
        with pytest.raises(EngineFailed) as raised:
            build(folder_settings(folder), silent)
        named = [file for file in (MODEL, CONFIG, TOKENIZER) if file in raised.value.message]
        assert named == [name], raised.value.message
        assert "fetched" not in raised.value.message, "nothing is fetched into MODEL_DIR"

    def test_weights_of_another_model_are_named(self, tmp_path: Path) -> None:
        folder = write_checkpoint("tiny", tmp_path)
        config = yaml.safe_load((folder / CONFIG).read_text())
        config["flow_lm"]["transformer"]["num_layers"] = 3
        (folder / CONFIG).write_text(yaml.safe_dump(config))
        with pytest.raises(EngineFailed, match=MODEL):
            build(folder_settings(folder), silent)

    def test_a_folder_names_no_file_of_a_hub(self, tmp_path: Path) -> None:
        folder = write_checkpoint("tiny", tmp_path)
        config = yaml.safe_load((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(yaml.safe_dump(config | {"weights_path": "hf://a/b/c.safetensors"}))
        with pytest.raises(EngineFailed, match="only files are read"):
            build(folder_settings(folder), silent)

    def test_a_damaged_or_foreign_voice_fails_its_request_alone(self, tmp_path: Path) -> None:
        folder = write_checkpoint("tiny", tmp_path)
        (folder / "voices" / "torn.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
        other = write_checkpoint("english_2m_2026-10", tmp_path / "other")
        (folder / "voices" / "foreign.safetensors").write_bytes((other / "voices/v0.safetensors").read_bytes())
        engine = build(folder_settings(folder), silent)
        try:
            for voice, why in (("torn", "is damaged"), ("foreign", "made for one model")):
                with pytest.raises(EngineFailed, match=why) as raised:
                    engine.start(utter(SpeechRequest(text="Rain.", voice=voice)))
                assert f"{voice}.safetensors" in raised.value.message
            assert len(hear(engine, CASES[1]))
        finally:
            engine.close()


class TestHub:
    """The released models' own configuration, with small files in the places that it names."""

    @pytest.fixture
    def hub(self, checkpoint: Path) -> Iterator[FakeHub]:
        repos: dict[str, dict[str, bytes]] = {}
        for place, file in hub_files(packaged("english_2m_2026-10")):
            source = MODEL if place[-1] == "weights_path" else TOKENIZER
            repos.setdefault(file.repo, {})[file.name] = (checkpoint / source).read_bytes()
        voice = "languages/english_2m_2026-10/embeddings/alba.safetensors"
        repos.setdefault(REPO, {})[voice] = (checkpoint / "voices/v0.safetensors").read_bytes()
        with FakeHub(repos).running() as hub:
            yield hub

    @staticmethod
    def settings(hub: FakeHub, home: Path, **more: str) -> Settings:
        names = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home), "POCKET_MODEL": "english_2m_2026-10"}
        return Settings.load(names | more)

    def test_files_are_fetched_once_and_found_offline(self, hub: FakeHub, tmp_path: Path) -> None:
        settings = self.settings(hub, tmp_path)
        assert missing(settings) is not None
        told: list[tuple[float, float]] = []
        model = obtain(main(settings), make_hub(settings), lambda _what, done, total, _left: told.append((done, total)))
        assert all(path.is_file() for path in model.files)
        assert told[-1][0] == told[-1][1] > 0
        asked = len(hub.asked)
        offline = self.settings(hub, tmp_path, HF_HUB_OFFLINE="1")
        assert obtain(main(offline), make_hub(offline)) == model
        assert missing(offline) is None
        assert len(hub.asked) == asked

    def test_of_the_gated_weights_nothing_is_asked(self, hub: FakeHub, tmp_path: Path) -> None:
        settings = self.settings(hub, tmp_path)
        obtain(main(settings), make_hub(settings))
        config = packaged("english_2m_2026-10")
        assert config["weights_path"].split("@")[0] != config[UNGATED].split("@")[0]
        assert not any(
            path.startswith(("/kyutai/pocket-tts/", "/api/models/kyutai/pocket-tts/")) for _, path, _ in hub.asked
        )

    def test_with_a_token_they_are_taken_and_make_voices(self, checkpoint: Path, tmp_path: Path) -> None:
        config, repos = packaged("english_2m_2026-10"), dict[str, dict[str, bytes]]()
        for place, file in [*hub_files(config), *hub_files(config, cloning=True)]:
            source = MODEL if place[-1] == "weights_path" else TOKENIZER
            repos.setdefault(file.repo, {})[file.name] = (checkpoint / source).read_bytes()
        with FakeHub(repos).running() as hub:
            plain, given = self.settings(hub, tmp_path), self.settings(hub, tmp_path, HF_TOKEN="hf_x")
            assert not obtain(main(plain), make_hub(plain)).clones
            assert not catalogue(plain).cloning
            assert obtain(main(given), make_hub(given), token=True).clones
            assert catalogue(plain).cloning, "they are here now"
            assert obtain(main(plain), make_hub(plain)).clones

    def test_where_they_are_refused_it_speaks_without(self, hub: FakeHub, tmp_path: Path) -> None:
        settings = self.settings(hub, tmp_path, HF_TOKEN="hf_x")
        model = obtain(main(settings), make_hub(settings), token=True)
        assert not model.clones

    def test_offline_without_files_says_which(self, hub: FakeHub, tmp_path: Path) -> None:
        settings = self.settings(hub, tmp_path, HF_HUB_OFFLINE="1")
        with pytest.raises(Unavailable, match=r"tokenizer\.model"):
            build(settings, silent)

    def test_another_commit_s_file_is_not_taken(self, hub: FakeHub, tmp_path: Path) -> None:
        settings = self.settings(hub, tmp_path)
        model = obtain(main(settings), make_hub(settings))
        snapshot = next(parent for parent in model.files[0].parents if parent.parent.name == "snapshots")
        snapshot.rename(snapshot.with_name("b" * 40))
        assert locate(main(settings), make_hub(settings)) is None

    def test_a_ready_voice_is_fetched_when_asked_for(self, hub: FakeHub, tmp_path: Path) -> None:
        voices = catalogue(self.settings(hub, tmp_path))
        assert not voices.default.cached
        voices.prepare("alba")
        assert voices.get("alba").cached
        assert voices.path(None) == voices.path("alba")


class TestVoices:
    def test_the_ready_ones_are_pocket_tts_s_own(self) -> None:
        from pocket_tts.default_parameters import DEFAULT_VOICE_FALLBACK, DEFAULT_VOICE_FOR_LANGUAGE
        from pocket_tts.utils.utils import _ORIGINS_OF_PREDEFINED_VOICES, get_predefined_voice

        assert ORIGINS.keys() == _ORIGINS_OF_PREDEFINED_VOICES.keys()
        for name, origin in _ORIGINS_OF_PREDEFINED_VOICES.items():
            assert origin.startswith(
                f"hf://kyutai/tts-voices/{ORIGINS[name]}" if ORIGINS[name] else "hf://kyutai/pocket-tts/"
            )
        assert (
            get_predefined_voice("french", "anna")
            == f"hf://{REPO}/languages/french/embeddings/anna.safetensors@{REVISION}"
        )
        defaults = {language: voice for language, (_, voice) in LANGUAGES.items()}
        assert defaults == DEFAULT_VOICE_FOR_LANGUAGE | {"english": DEFAULT_VOICE_FALLBACK}

    def test_licences_are_those_of_the_recordings(self, tmp_path: Path) -> None:
        voices = {voice.id: voice for voice in catalogue(Settings.load({"HF_HOME": str(tmp_path)})).voices()}
        assert {name for name, voice in voices.items() if voice.licence == "CC-BY-NC-4.0"} == {"cosette", "jean"}
        assert (voices["anna"].licence, voices["anna"].commercial) == ("CC-BY-4.0", True)
        assert voices["estelle"].licence == "CC0-1.0"
        assert (voices["lola"].licence, voices["lola"].commercial) == ("unknown", False)

    @pytest.mark.parametrize(
        ("model", "language", "voice"), [("german_24l", "de", "juergen"), ("french", "fr", "estelle")]
    )
    def test_each_model_has_its_language(self, model: str, language: str, voice: str, tmp_path: Path) -> None:
        voices = catalogue(Settings.load({"POCKET_MODEL": model, "HF_HOME": str(tmp_path)}))
        assert (voices.default.id, voices.default.language) == (voice, language)

    def test_states_of_one_s_own(self, checkpoint: Path, tmp_path: Path) -> None:
        (tmp_path / "mine.safetensors").write_bytes((checkpoint / "voices/v2.safetensors").read_bytes())
        (tmp_path / "other.1e68beda@240.safetensors").write_bytes(b"an embedding of the large model")
        voices = catalogue(folder_settings(checkpoint, VOICES_DIR=str(tmp_path)))
        assert [voice.id for voice in voices.voices()] == ["v0", "v1", "v2", "mine"]
        assert voices.get("mine").cached
        assert voices.path("mine") == tmp_path / "mine.safetensors"
        with pytest.raises(VoiceNotFound, match="Nearest: v2"):
            voices.get("v9")

    def test_what_a_client_names_is_no_path_and_no_address(self, checkpoint: Path) -> None:
        voices = catalogue(folder_settings(checkpoint))
        for name in (
            "../voices/v0",
            str(checkpoint / "voices/v0"),
            "hf://a/b/c.safetensors",
            "https://a.example/v.wav",
        ):
            with pytest.raises(VoiceNotFound):
                voices.path(name)


class TestOthers:
    """What loading and speaking leave as they were."""

    def test_torch_s_number_of_threads(self, checkpoint: Path) -> None:
        before = torch.get_num_threads(), in_another_thread(torch.get_num_threads)
        speak(folder_settings(checkpoint, POCKET_THREADS="3"), CASES[1])
        assert (torch.get_num_threads(), in_another_thread(torch.get_num_threads)) == before

    def test_importing_pocket_tts_changes_no_number(self) -> None:
        check = (
            "import torch; torch.set_num_threads(3); import speech.engines.pocket.loading; "
            "from speech.engines.pocket.library import in_another_thread; "
            "assert torch.get_num_threads() == in_another_thread(torch.get_num_threads) == 3"
        )
        subprocess.run([sys.executable, "-c", check], check=True, cwd=Path(__file__).parents[4])

    def test_a_thread_s_own_number(self) -> None:
        def own() -> tuple[int, int]:
            compute_with(3)
            return torch.get_num_threads(), in_another_thread(torch.get_num_threads)

        before = in_another_thread(torch.get_num_threads)
        assert in_another_thread(own) == (3, before)

    @pytest.mark.slow
    @pytest.mark.timeout(600)
    def test_many_loads_and_releases_leave_memory_flat(self, checkpoint: Path) -> None:
        """LOAD_CYCLES=100 goes round more often; each takes a second."""
        import psutil

        process, settings = psutil.Process(), folder_settings(checkpoint)
        sizes = []
        for _ in range(int(os.environ.get("LOAD_CYCLES", "20"))):
            speak(settings, CASES[1])
            sizes.append(process.memory_info().rss / 1e6)
        assert sizes[-1] - sizes[len(sizes) // 3] < 20, sizes


def test_slots_by_size() -> None:
    assert [rows_a_core(size * 1_000_000) for size in (7, 30, 110)] == [8, 4, 2]


def test_the_faster_precision_is_measured(checkpoint: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = load_model(checkpoint)
    assert int8_is_faster(model) in (True, False)
    assert type(model.flow_lm.transformer.layers[0].linear1) is torch.nn.Linear, "the model itself is left alone"
    with caplog.at_level(logging.INFO, "kyutai_tts.engine"):
        speak(folder_settings(checkpoint, POCKET_QUANTIZE="auto"), CASES[1])
    assert "int8" in caplog.text or "float32" in caplog.text


class TestAuto:
    """ENGINE=auto on a machine without a GPU."""

    def test_it_is_taken_where_its_files_are_here(self, checkpoint: Path) -> None:
        choice = choose_engine(folder_settings(checkpoint), [])
        assert (choice.spec.name, choice.step_up) == ("pocket", None)

    def test_where_they_are_not_the_step_up_is_told_with_its_cost(self, tmp_path: Path) -> None:
        choice = choose_engine(Settings.load({"HF_HOME": str(tmp_path)}), [])
        assert choice.spec.name == "hibari"
        assert choice.step_up == StepUp(
            "pocket", "Kyutai Pocket TTS", ENGINES["pocket"].languages, "ENGINE=pocket", 1.3, 0.05, 1.4
        )

    def test_one_asked_for_by_name_needs_none(self) -> None:
        assert choose_engine(Settings(engine="hibari"), []).step_up is None


class TestPrefetch:
    def test_what_is_here_is_told(self, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert prefetch.main(["--all-voices"], folder_settings(checkpoint)) == 0
        told = capsys.readouterr().out
        assert "with the weights for making voices" in told
        assert "3/3 v2 (unknown)" in told

    def test_what_cannot_be_had_is_said_in_words(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        settings = Settings.load({"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"})
        assert prefetch.main([], settings) == 1
        told = capsys.readouterr().err
        assert "tokenizer" in told
        assert "hf download" in told

    def test_a_language_that_it_has_not(self, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert prefetch.main(["--language", "ja"], folder_settings(checkpoint)) == 1
        assert "--language ja is none of en" in capsys.readouterr().err
