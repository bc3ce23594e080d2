"""The folder in which huggingface_hub keeps what it fetched, laid out by hand."""

from __future__ import annotations

from pathlib import Path


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def lay_out_cache(cache: Path, repo: str, files: dict[str, bytes], commit: str = "a" * 40, ref: bool = True) -> Path:
    """As huggingface_hub does it, save that the files are no links; the snapshot's folder."""
    place = cache / f"models--{repo.replace('/', '--')}"
    if ref:
        write(place, {"refs/main": commit.encode()})
    return write(place / "snapshots" / commit, files)
