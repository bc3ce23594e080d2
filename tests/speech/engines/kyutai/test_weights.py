"""The checkpoint's files: found without a connection, fetched where they can be, explained where they cannot."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech.engines.kyutai.embeddings import EmbeddingFormat
from speech.engines.kyutai.weights import locate, obtain
from speech.engines.kyutai.whole import check_whole
from speech.errors import EngineFailed, Unavailable
from speech.hub.files import make_hub
from speech.settings import Settings
from tests.speech.engines.kyutai.tiny_files import DIM, MIMI, MODEL, TOKENIZER, checkpoint, config
from tests.speech.hub.cache import lay_out_cache, write
from tests.speech.hub.fake_hub import FakeHub

REPO = "kyutai/tts-1.6b-en_fr"


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with FakeHub({REPO: checkpoint() | {"README.md": b"not needed"}}).running() as hub:
        yield hub


@pytest.fixture
def settings(tmp_path: Path, fake: FakeHub) -> Settings:
    return Settings(hf_home=tmp_path, hf_endpoint=fake.endpoint)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_a_complete_cache_needs_no_network(settings: Settings, tmp_path: Path) -> None:
    folder = lay_out_cache(tmp_path / "hub", REPO, checkpoint())
    found = obtain(settings, make_hub(settings))
    assert found.folder == folder
    assert found.files == [folder / name for name in ("config.json", MODEL, MIMI, TOKENIZER)]
    assert found.embeddings == EmbeddingFormat("1e68beda@240", DIM)
    assert found.size_bytes == sum(len(data) for data in checkpoint().values())


@pytest.mark.usefixtures("no_network")
def test_a_cache_without_refs_will_do(settings: Settings, tmp_path: Path) -> None:
    lay_out_cache(tmp_path / "hub", REPO, checkpoint(), ref=False)
    assert obtain(settings, make_hub(settings)).source == REPO


@pytest.mark.usefixtures("no_network")
def test_an_older_complete_commit_beats_a_newer_incomplete_one(settings: Settings, tmp_path: Path) -> None:
    old = lay_out_cache(tmp_path / "hub", REPO, checkpoint(), "b" * 40)
    lay_out_cache(tmp_path / "hub", REPO, {"config.json": config()}, "c" * 40)
    assert obtain(settings, make_hub(settings)).folder == old


@pytest.mark.usefixtures("no_network")
def test_a_folder_that_lacks_files_names_them_and_nothing_is_fetched(settings: Settings, tmp_path: Path) -> None:
    files = checkpoint()
    del files[MIMI], files[TOKENIZER]
    own = settings.model_copy(update={"model_dir": write(tmp_path / "mine", files)})
    with pytest.raises(EngineFailed, match=f"MODEL_DIR=.*mine lacks {MIMI}, {TOKENIZER}"):
        obtain(own, make_hub(own))


def test_what_is_missing_is_fetched_and_nothing_else(settings: Settings, fake: FakeHub) -> None:
    seen: list[tuple[str, float, float, float | None]] = []
    found = obtain(settings, make_hub(settings), lambda *entry: seen.append(entry))
    assert {path.name for path in found.folder.iterdir()} == {"config.json", MODEL, MIMI, TOKENIZER}
    assert fake.gets("README.md") == []
    assert seen[-1] == (f"downloading {REPO}", found.size_bytes, found.size_bytes, 0.0)
    fake.asked.clear()
    assert obtain(settings, make_hub(settings)) == found
    assert fake.asked == []


def test_an_interrupted_download_fetches_only_the_rest(settings: Settings, fake: FakeHub, tmp_path: Path) -> None:
    files = fake.repos[REPO]
    model = files.pop(MODEL)
    with pytest.raises(EngineFailed, match="lacks a file"):
        obtain(settings, make_hub(settings))
    files[MODEL] = model
    fake.asked.clear()
    obtain(settings, make_hub(settings))
    assert [len(fake.gets(name)) for name in ("config.json", MODEL)] == [0, 1]
    assert locate(settings, make_hub(settings)) is not None


def test_a_newer_commit_is_fetched_as_a_whole(settings: Settings, fake: FakeHub, tmp_path: Path) -> None:
    lay_out_cache(tmp_path / "hub", REPO, {"config.json": config(moshi_name="old.safetensors")}, "b" * 40)
    found = obtain(settings, make_hub(settings))
    assert found.folder.name == fake.commit
    assert found.config["moshi_name"] == MODEL


def test_an_incomplete_cache_and_no_hub(settings: Settings, tmp_path: Path) -> None:
    lay_out_cache(tmp_path / "hub", REPO, {"config.json": config(), TOKENIZER: b"words"})
    alone = settings.model_copy(update={"hf_hub_offline": True})
    with pytest.raises(Unavailable) as caught:
        obtain(alone, make_hub(alone))
    assert f"{MODEL}, {MIMI} of {REPO}" in caught.value.message
    assert f"hf download {REPO} {MODEL} {MIMI}" in caught.value.message


def test_an_empty_cache_and_no_hub(settings: Settings) -> None:
    alone = settings.model_copy(update={"hf_hub_offline": True})
    with pytest.raises(Unavailable, match=r"config\.json of kyutai/tts-1\.6b-en_fr"):
        obtain(alone, make_hub(alone))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{ not json", r"config\.json is damaged.*Delete .*config\.json"),
        (b"\xff\xfe", r"config\.json is damaged"),
        (b"[]", "not the configuration of a Kyutai TTS model"),
        (b'{"model_type": "moshi"}', "not the configuration of a Kyutai TTS model"),
        (config(conditioners={}), "not the configuration of a Kyutai TTS model"),
        (config(moshi_name="../../secret"), "only files of the same repository"),
        (config(mimi_name="/etc/passwd"), "only files of the same repository"),
        (config(mimi_config_name="hf://other/repo/x"), "only files of the same repository"),
        (config(moshi_name=7), "only files of the same repository"),
    ],
)
def test_a_damaged_or_foreign_config(settings: Settings, tmp_path: Path, text: bytes, words: str) -> None:
    lay_out_cache(tmp_path / "hub", REPO, checkpoint() | {"config.json": text})
    with pytest.raises(EngineFailed, match=words):
        obtain(settings, make_hub(settings))


@pytest.mark.parametrize("cut", [1, 100, 4000])
def test_weights_that_are_cut_off_are_refused_before_torch_sees_them(
    settings: Settings, tmp_path: Path, cut: int
) -> None:
    files = checkpoint()
    lay_out_cache(tmp_path / "hub", REPO, files | {MODEL: files[MODEL][:-cut]})
    with pytest.raises(EngineFailed, match=rf"{MODEL} is damaged: it has \d+ of \d+ bytes. Delete"):
        obtain(settings, make_hub(settings))


@pytest.mark.parametrize("data", [b"<html>an error page</html>", b"\x02" + b"\0" * 7 + b"[]", b"\xff" * 50])
def test_weights_that_are_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(EngineFailed, match="no safetensors header"):
        check_whole(path)
