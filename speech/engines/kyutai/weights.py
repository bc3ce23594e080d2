"""The checkpoint's files: which there are and where they lie. Only `info` imports moshi."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from speech.engines.kyutai.embeddings import TENSOR, EmbeddingFormat
from speech.engines.kyutai.whole import check_whole, damaged
from speech.errors import EngineFailed
from speech.hub.files import Hub
from speech.progress import Progress, silent

if TYPE_CHECKING:
    from speech.settings import Settings

CONFIG = "config.json"
# The names of the other files stand in config.json under these keys; the defaults are moshi's own.
REQUIRED = {
    "moshi_name": "model.safetensors",
    "mimi_name": "tokenizer-e351c8d8-checkpoint125.safetensors",
    "tokenizer_name": "tokenizer_spm_32k_3.model",
}
OPTIONAL = ("mimi_config_name", "lora_name")


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint on this machine."""

    source: str  # the repository or the folder, as people know it
    folder: Path
    config: Mapping[str, Any]

    @property
    def files(self) -> list[Path]:
        return [self.folder / name for name in (CONFIG, *file_names(self.config).values())]

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    @property
    def embeddings(self) -> EmbeddingFormat:
        """What voice embeddings it takes."""
        return embedding_format(self.config)

    def info(self) -> Any:
        """moshi's CheckpointInfo. Every path is handed to it, so that it asks no hub for anything."""
        from moshi.models.loaders import CheckpointInfo

        paths = {key: self.folder / name for key, name in file_names(self.config).items()}
        return CheckpointInfo.from_hf_repo(
            self.source,
            config_path=self.folder / CONFIG,
            moshi_weights=paths["moshi_name"],
            mimi_weights=paths["mimi_name"],
            tokenizer=paths["tokenizer_name"],
            mimi_config_path=paths.get("mimi_config_name"),
            lora_weights=paths.get("lora_name"),
        )


def locate(settings: Settings, hub: Hub) -> Checkpoint | None:
    """The checkpoint of the settings if it is complete on this machine. Never connects. Raises as read_config does."""
    if settings.model_dir is not None:
        return _complete(settings.model_dir, str(settings.model_dir))
    found = (_complete(folder, settings.hf_repo) for folder in hub.snapshots(settings.hf_repo))
    return next((checkpoint for checkpoint in found if checkpoint), None)


def obtain(settings: Settings, hub: Hub, progress: Progress = silent) -> Checkpoint:
    """The checkpoint of the settings; what is missing of it is downloaded, unless MODEL_DIR names a folder.

    Raises Unavailable or EngineFailed, which say what is missing or damaged and what to do.
    """
    checkpoint = locate(settings, hub)
    if checkpoint is None and settings.model_dir is not None:
        raise EngineFailed(f"MODEL_DIR={settings.model_dir} lacks {', '.join(missing_files(settings.model_dir))}.")
    checkpoint = checkpoint or _download(settings.hf_repo, hub, progress)
    for path in checkpoint.files:
        check_whole(path)
    return checkpoint


def _complete(folder: Path, source: str) -> Checkpoint | None:
    if missing_files(folder):
        return None
    return Checkpoint(source, folder, read_config(folder / CONFIG))


def _download(repo: str, hub: Hub, progress: Progress) -> Checkpoint:
    """The newest commit, whose config.json may name other files than the one in the cache."""
    (config,) = hub.download(repo, [CONFIG], needed=_names_in_cache(repo, hub))
    hub.download(repo, [CONFIG, *file_names(read_config(config)).values()], progress)
    checkpoint = _complete(config.parent, repo)
    if checkpoint is None:
        raise EngineFailed(f"{repo} changed on the hub during the download; the next request fetches what is missing.")
    return checkpoint


def _names_in_cache(repo: str, hub: Hub) -> list[str]:
    """The files that the config.json in the cache names, if there is one."""
    config = hub.cached(repo, CONFIG)
    return list(file_names(read_config(config)).values()) if config else []


def missing_files(folder: Path) -> list[str]:
    """The files of a checkpoint that the folder lacks. Raises as read_config does."""
    config = folder / CONFIG
    names = [CONFIG, *(file_names(read_config(config)).values() if config.is_file() else ())]
    return [name for name in names if not (folder / name).is_file()]


def read_config(path: Path) -> dict[str, Any]:
    """A checkpoint's config.json. Raises EngineFailed if it is damaged or of another kind of model."""
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)) from None
    if not isinstance(config, dict) or not _conditioned_on_voices(config) or "model_id" not in config:
        raise EngineFailed(f"{path} is not the configuration of a Kyutai TTS model that takes voice embeddings.")
    return config


def _conditioned_on_voices(config: Mapping[str, Any]) -> bool:
    conditioners = config.get("conditioners")
    return bool(config.get("tts_config")) and isinstance(conditioners, dict) and TENSOR in conditioners


def file_names(config: Mapping[str, Any]) -> dict[str, str]:
    """The files a config.json names, by its keys. Raises EngineFailed for a name that leads out of its folder."""
    names = {key: config.get(key) or default for key, default in REQUIRED.items()}
    names |= {key: config[key] for key in OPTIONAL if config.get(key)}
    for key, name in names.items():
        path = PurePosixPath(str(name))
        if not isinstance(name, str) or path.is_absolute() or ".." in path.parts or "://" in name:
            raise EngineFailed(f"config.json: {key} is {name!r}; only files of the same repository are read.")
    return names


def embedding_format(config: Mapping[str, Any]) -> EmbeddingFormat:
    """What voice embeddings a checkpoint takes."""
    model_id = config["model_id"]
    dim = config["conditioners"][TENSOR]["tensor"]["dim"]
    return EmbeddingFormat(signature=f"{model_id['sig']}@{model_id['epoch']}", dim=int(dim))
