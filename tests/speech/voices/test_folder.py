"""VOICES_DIR: what is dropped in is found, what is stored is whole and stays inside."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from speech.errors import InvalidRequest, StorageFull, Unavailable
from speech.voices.folder import MB, VoiceFolder, identity_of, safe_name

SUFFIX = ".1e68beda@240.safetensors"


def drop(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def age(folder: Path) -> None:
    """As if it had not been touched for a long time."""
    for place, _, _ in os.walk(folder):
        os.utime(place, (1000, 1000))


def test_ids_are_paths_without_the_suffix(tmp_path: Path) -> None:
    drop(tmp_path, "mine.safetensors", f"casual.wav{SUFFIX}", f"vctk/p225.wav{SUFFIX}", "de/Jürgen S.safetensors")
    assert set(VoiceFolder(tmp_path).files(SUFFIX)) == {"mine", "casual.wav", "vctk/p225.wav", "de/Jürgen S"}


def test_what_is_no_voice_for_this_model_is_not_shown(tmp_path: Path) -> None:
    drop(tmp_path, "read.me", "x.wav", ".hidden.safetensors", ".git/y.safetensors", "z.wav.aabbccdd@100.safetensors")
    assert VoiceFolder(tmp_path).files(SUFFIX) == {}


def test_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    folder = VoiceFolder(tmp_path / "later")
    assert folder.files(SUFFIX) == {}
    drop(tmp_path / "later", "a.safetensors")
    assert set(folder.files(SUFFIX)) == {"a"}


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("name", ["b.safetensors", "old/b.safetensors", "new/b.safetensors", "new/deep/b.safetensors"])
def test_what_is_dropped_in_later_is_found(tmp_path: Path, name: str, settled: bool) -> None:
    drop(tmp_path, "a.safetensors", "old/a.safetensors")
    if settled:
        age(tmp_path)
    folder = VoiceFolder(tmp_path)
    assert len(folder.files(SUFFIX)) == 2
    drop(tmp_path, name)
    assert name.removesuffix(".safetensors") in folder.files(SUFFIX)


def test_what_came_within_the_same_tick_of_the_clock_is_found(tmp_path: Path) -> None:
    now = time.time_ns()
    os.utime(tmp_path, ns=(now, now))
    folder = VoiceFolder(tmp_path)
    assert folder.files(SUFFIX) == {}
    drop(tmp_path, "a.safetensors")
    os.utime(tmp_path, ns=(now, now))
    assert set(folder.files(SUFFIX)) == {"a"}


def test_what_is_taken_away_is_gone(tmp_path: Path) -> None:
    drop(tmp_path, "a.safetensors", "b.safetensors")
    age(tmp_path)
    folder = VoiceFolder(tmp_path)
    folder.files(SUFFIX)
    (tmp_path / "a.safetensors").unlink()
    assert set(folder.files(SUFFIX)) == {"b"}


def test_it_looks_into_the_files_only_when_the_folder_has_changed(tmp_path: Path) -> None:
    drop(tmp_path, "a.safetensors")
    age(tmp_path)
    folder = VoiceFolder(tmp_path)
    assert folder.files(SUFFIX) is folder.files(SUFFIX)
    assert folder.files(".deadbeef@1.safetensors") is not folder.files(SUFFIX)


def test_a_link_in_a_circle_does_not_trap_it(tmp_path: Path) -> None:
    drop(tmp_path, "a.safetensors")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert set(VoiceFolder(tmp_path).files(SUFFIX)) == {"a"}


def test_storing(tmp_path: Path) -> None:
    folder = VoiceFolder(tmp_path / "voices")
    assert folder.store("My voice", b"data") == "My-voice"
    assert folder.files(SUFFIX) == {"My-voice": tmp_path / "voices" / "My-voice.safetensors"}
    assert [path.read_bytes() for path in (tmp_path / "voices").iterdir()] == [b"data"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = VoiceFolder(tmp_path)
    folder.store("a", b"first")
    with pytest.raises(InvalidRequest, match="already") as caught:
        folder.store("a", b"second")
    assert (caught.value.param, caught.value.code) == ("name", "voice_exists")
    assert (tmp_path / "a.safetensors").read_bytes() == b"first"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    folder = tmp_path / "file" / "voices"
    with pytest.raises(Unavailable, match=f"VOICES_DIR={folder} cannot be written"):
        VoiceFolder(folder).store("a", b"x")


def test_an_upload_beyond_the_quota_is_refused(tmp_path: Path) -> None:
    """What lies there already counts, in folders of it too; a voice that just fits is taken."""
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "by-hand.safetensors").write_bytes(bytes(600_000))
    folder = VoiceFolder(tmp_path, quota_bytes=MB)
    with pytest.raises(StorageFull, match=r"0\.6 MB already.*VOICES_QUOTA_MB allows 1 MB"):
        folder.store("large", bytes(400_001))
    assert [path.name for path in tmp_path.iterdir()] == ["team"]
    assert folder.store("fits", bytes(400_000)) == "fits"
    with pytest.raises(StorageFull):
        folder.store("more", b"x")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("/abs/olute", "abs-olute"),
        ("..", None),
        ("", None),
        ("a\0b", "a-b"),
        ("hf://o/r", "hf-o-r"),
        ("casual.wav.1e68beda@240.safetensors", "casual-wav"),
        ("mine.safetensors", "mine"),
        ("Développeuse", "Développeuse"),
        ("声音", "声音"),
        (".hidden", "hidden"),
        ("x" * 500, "x" * 48),
        ("€ $ %", None),
    ],
)
def test_names_become_safe(name: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(InvalidRequest) as caught:
            safe_name(name)
        assert caught.value.param == "name"
    else:
        assert safe_name(name) == kept


def test_a_long_name_in_a_long_script_still_is_a_file(tmp_path: Path) -> None:
    assert VoiceFolder(tmp_path).store("𝒳" * 100, b"x") == "𝒳" * 48


def test_a_file_is_told_from_another_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert identity_of(None) == ""
    assert identity_of(path) is None
    drop(tmp_path, path.name)
    assert identity_of(path) is None, "it has just changed"
    os.utime(path, (1000, 1000))
    first = identity_of(path)
    assert first
    path.write_bytes(b"yy")
    os.utime(path, (1000, 1000))
    assert identity_of(path) not in (None, first)
