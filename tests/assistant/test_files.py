"""Where audio may be written: every rule refused and kept, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.files import FORMATS, BadPath, OutputFiles
from speech.encoders import ENCODERS


def everything_under(path: Path) -> set[str]:
    return {str(p.relative_to(path)) for p in path.rglob("*")}


def test_a_plain_name_goes_into_the_output_folder(files: OutputFiles, folder: Path, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    assert files.target("hello.wav", True) == folder / "hello.wav"
    assert files.target("a/b/hello.mp3", True) == folder / "a/b/hello.mp3"
    assert (folder / "a/b").is_dir()


@pytest.mark.parametrize("asked", [None, ""])
def test_no_path_means_a_new_name(files: OutputFiles, folder: Path, asked: str | None) -> None:
    first, second = files.target(asked, False), files.target(asked, False)
    assert first.parent == folder
    assert first.suffix == ".wav"
    assert first != second


@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "opus", "aac", "WAV"])
def test_the_formats_that_can_be_written(files: OutputFiles, ending: str) -> None:
    assert files.target(f"x.{ending}", True).name == f"x.{ending}"


@pytest.mark.parametrize(
    "asked",
    ["x.txt", "x", "x.wav/", ".wav", "x.wav.exe", "x.py", "x.wav\0", "x\n.wav", "x\ud800.wav", "..", "/", "...wav"],
)
def test_other_names_are_refused(files: OutputFiles, folder: Path, asked: str) -> None:
    if asked == "x.wav/":
        assert files.target(asked, True) == folder / "x.wav"  # a path library drops the slash; nothing is lost by it
        return
    with pytest.raises(BadPath):
        files.target(asked, True)


@pytest.mark.parametrize(
    "asked", ["../x.wav", "a/../../x.wav", "../elsewhere/x.wav", "/etc/x.wav", "~/x.wav", "~nobody-at-all/x.wav"]
)
def test_nothing_outside_the_folders(files: OutputFiles, folder: Path, tmp_path: Path, asked: str) -> None:
    before = everything_under(tmp_path)
    with pytest.raises(BadPath, match=r"outside|cannot be used"):
        files.target(asked, True)
    assert everything_under(tmp_path) - {"speech"} == before


@pytest.mark.parametrize(
    "asked", ["kyutai-tts://audio/x.wav", "file:///tmp/x.wav", "https://a.example/x.wav", "C:\\x.wav", "a\\x.wav"]
)
def test_what_is_no_path_of_this_machine(files: OutputFiles, folder: Path, asked: str) -> None:
    with pytest.raises(BadPath, match="no URI, no backslash"):
        files.target(asked, True)
    assert everything_under(folder) == set()


def test_absolute_paths_within_the_folders(files: OutputFiles, folder: Path, elsewhere: Path) -> None:
    assert files.target(str(elsewhere / "x.wav"), True) == elsewhere / "x.wav"
    assert files.target(str(folder / "new/x.wav"), True) == folder / "new/x.wav"


def test_a_folder_elsewhere_is_not_made(files: OutputFiles, elsewhere: Path) -> None:
    with pytest.raises(BadPath, match="does not exist"):
        files.target(str(elsewhere / "no/x.wav"), True)
    assert everything_under(elsewhere) == set()


def test_a_folder_that_is_a_link_to_the_outside_is_refused(files: OutputFiles, folder: Path, elsewhere: Path) -> None:
    folder.mkdir()
    for place in (folder, elsewhere):
        (place / "link").symlink_to("/etc")
        with pytest.raises(BadPath, match="outside"):
            files.target(str(place / "link/x.wav"), True)
    with pytest.raises(BadPath, match="outside"):
        files.target("link/x.wav", True)


@pytest.mark.parametrize("overwrite", [True, False])
def test_links_are_refused_wherever_they_point(
    files: OutputFiles, folder: Path, elsewhere: Path, overwrite: bool
) -> None:
    folder.mkdir()
    (folder / "real.wav").write_bytes(b"kept")
    for place in (folder, elsewhere):
        (place / "inside.wav").symlink_to(folder / "real.wav")
        (place / "outside.wav").symlink_to("/etc/passwd")
        (place / "nowhere.wav").symlink_to("/nowhere/at/all")
        for name in ("inside.wav", "outside.wav", "nowhere.wav"):
            with pytest.raises(BadPath, match="not a regular file"):
                files.target(str(place / name), overwrite)
    with pytest.raises(BadPath, match="not a regular file"):
        files.target("inside.wav", overwrite)
    assert (folder / "real.wav").read_bytes() == b"kept"


def test_folders_and_pipes_are_refused(files: OutputFiles, folder: Path) -> None:
    (folder / "dir.wav").mkdir(parents=True)
    os.mkfifo(folder / "pipe.wav")
    for name in ("dir.wav", "pipe.wav"):
        with pytest.raises(BadPath, match="not a regular file"):
            files.target(name, True)


def test_a_very_long_name_is_refused_and_not_a_crash(files: OutputFiles) -> None:
    with pytest.raises(BadPath, match="cannot be used"):
        files.target("x" * 300 + ".wav", True)


def test_written_whole_and_nothing_beside_it(files: OutputFiles, folder: Path) -> None:
    target = files.target("x.wav", True)
    files.write(target, [b"one"], True)
    files.write(target, [b"two"], True)
    assert target.read_bytes() == b"two"
    assert everything_under(folder) == {"x.wav"}
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask()


def test_an_existing_file_is_kept_unless_it_may_be_replaced(files: OutputFiles, folder: Path) -> None:
    target = files.target("x.wav", False)
    target.write_bytes(b"another was faster")
    with pytest.raises(BadPath, match="overwrite=true"):
        files.write(target, [b"new"], False)
    with pytest.raises(BadPath, match="overwrite=true"):
        files.target("x.wav", False)
    assert target.read_bytes() == b"another was faster"
    assert everything_under(folder) == {"x.wav"}


def test_a_link_that_appears_before_the_writing_is_replaced_and_not_followed(files: OutputFiles, folder: Path) -> None:
    target = files.target("x.wav", True)
    victim = folder / "victim.wav"
    victim.write_bytes(b"kept")
    target.symlink_to(victim)
    files.write(target, [b"new"], True)
    assert victim.read_bytes() == b"kept"
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()


def test_a_writing_that_fails_leaves_nothing(files: OutputFiles, folder: Path) -> None:
    target = files.target("x.wav", True)
    target.mkdir()  # cannot be replaced by a file
    with pytest.raises(BadPath, match="could not be written"):
        files.write(target, [b"new"], True)
    assert everything_under(folder) == {"x.wav"}


def test_only_the_output_folder_is_served(files: OutputFiles, folder: Path, elsewhere: Path) -> None:
    target = files.target("a b/ü.wav", True)
    files.write(target, [b"data"], True)
    (elsewhere / "x.wav").write_bytes(b"not served")
    (folder / "link.wav").symlink_to(elsewhere / "x.wav")
    assert files.uri(target) == "kyutai-tts://audio/a%20b/%C3%BC.wav"
    assert files.uri(elsewhere / "x.wav") is None
    assert files.uri(folder / "X.WAV") is None  # no template fits it
    assert files.read("a b/ü.wav") == b"data"
    for name in ("../elsewhere/x.wav", str(elsewhere / "x.wav"), "link.wav", "no.wav", "x.txt", "a b/ü.wav/../ü.txt"):
        assert files.read(name) is None


def test_what_was_written_is_listed_newest_first_while_it_is_there(
    files: OutputFiles, folder: Path, elsewhere: Path
) -> None:
    assert files.listed() == []
    for name in ("a.wav", "b.mp3", "a.wav", "gone.wav", "link.wav", str(elsewhere / "x.wav")):
        files.write(files.target(name, True), [name.encode()], True)
    (folder / "gone.wav").unlink()
    (folder / "link.wav").unlink()
    (folder / "link.wav").symlink_to(elsewhere / "x.wav")
    assert [tuple(file) for file in files.listed()] == [
        ("kyutai-tts://audio/a.wav", "a.wav", "audio/wav", 5),
        ("kyutai-tts://audio/b.mp3", "b.mp3", "audio/mpeg", 5),
    ]


def test_the_list_has_an_end(files: OutputFiles) -> None:
    for number in range(files.MOST_LISTED + 1):
        files.write(files.target(f"{number}.wav", True), [b""], True)
    names = [file.name for file in files.listed()]
    assert names == [f"{number}.wav" for number in range(files.MOST_LISTED, 0, -1)]


def umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def test_the_formats_are_those_of_the_service() -> None:
    """Written down once more, because the list of tools must not wait for what encodes. Others make no file to keep."""
    of_the_service = {name: encoder.media_type for name, encoder in ENCODERS.items()}
    assert FORMATS.items() <= of_the_service.items()
    assert set(of_the_service) - set(FORMATS) == {"pcm", "mulaw", "alaw"}
