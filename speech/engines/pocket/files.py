"""Pocket TTS's files: which there are, where they lie, whether they are whole. Imports no torch.

A model is a config.yaml in pocket-tts's own format and the files that it names. The released ones have theirs inside
the wheel; it names files of the hub by repository, path and commit (hf://OWNER/NAME/PATH@COMMIT). With MODEL_DIR a
folder has all of them, or one such folder for each model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from safetensors import SafetensorError, safe_open

from speech.errors import EngineFailed, SpeechError
from speech.hub.files import Hub, make_hub
from speech.progress import Progress, silent

if TYPE_CHECKING:
    from speech.settings import Settings

CONFIG = "config.yaml"
# Where a config.yaml names files, and which of them is taken instead of another: the weights for cloning are gated.
PLACES = (
    ("weights_path",),
    ("flow_lm", "weights_path"),
    ("mimi", "weights_path"),
    ("flow_lm", "lookup_table", "tokenizer_path"),
)
UNGATED = "weights_path_without_voice_cloning"
_ON_THE_HUB = re.compile(r"hf://(?P<repo>[^/]+/[^/]+)/(?P<name>[^@]+)(?:@(?P<revision>.+))?")


@dataclass(frozen=True)
class HubFile:
    """A file of the hub, as a configuration names it."""

    repo: str
    name: str
    revision: str | None  # a commit

    def cached(self, hub: Hub) -> Path | None:
        return hub.cached(self.repo, self.name, self.revision)


@dataclass(frozen=True)
class PocketModel:
    """A complete model on this machine."""

    name: str  # english, french_24l ...; of a folder its own name
    config: Mapping[str, Any]  # the paths in it are those of local files

    @property
    def files(self) -> list[Path]:
        return [Path(value) for place in PLACES if (value := _get(self.config, place))]


def model_folder(settings: Settings) -> Path | None:
    """The folder of the model that the settings name; None without MODEL_DIR."""
    if settings.model_dir is None or (settings.model_dir / CONFIG).is_file():
        return settings.model_dir
    return settings.model_dir / settings.pocket_model


def locate(settings: Settings, hub: Hub) -> PocketModel | None:
    """The model of the settings if it is complete on this machine. Never connects. Raises as `read_config` does."""
    folder = model_folder(settings)
    if folder is not None:
        return None if _lacking(folder) else PocketModel(folder.name, _in_folder(folder))
    config = packaged(settings.pocket_model)
    found = {place: file.cached(hub) for place, file in hub_files(config)}
    local = {place: path for place, path in found.items() if path is not None}
    return PocketModel(settings.pocket_model, _with(config, local)) if len(local) == len(found) else None


def obtain(settings: Settings, hub: Hub, progress: Progress = silent) -> PocketModel:
    """The model of the settings; what is missing of it is downloaded, unless MODEL_DIR names a folder.

    Raises Unavailable or EngineFailed, which say what is missing or damaged and what to do.
    """
    folder, model = model_folder(settings), locate(settings, hub)
    if model is None and folder is not None:
        raise EngineFailed(f"MODEL_DIR: {folder} lacks {', '.join(_lacking(folder))}.")
    model = model or _download(settings.pocket_model, hub, progress)
    for path in model.files:
        check_whole(path)
    return model


def missing(settings: Settings) -> str | None:
    """What is not on this machine, in words, or None. Never connects."""
    try:
        model = locate(settings, make_hub(settings))
    except SpeechError as error:
        return error.message
    if model is not None:
        return None
    return f"Pocket TTS ({settings.pocket_model}) is not on this machine"


def packaged(name: str) -> dict[str, Any]:
    """A released model's configuration, from the wheel. Raises EngineFailed, which names those there are."""
    found = find_spec("pocket_tts")
    if found is None or found.origin is None:
        raise EngineFailed("pocket-tts is not installed: install requirements/pocket.txt.")
    folder = Path(found.origin).parent / "config"
    if not (folder / f"{name}.yaml").is_file():
        names = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise EngineFailed(f"POCKET_MODEL={name} is no model of Pocket TTS; there are {names}.")
    return read_config(folder / f"{name}.yaml")


def read_config(path: Path) -> dict[str, Any]:
    """A config.yaml. Raises EngineFailed, which names the file, if it is damaged or of another kind."""
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise EngineFailed(f"{path} is damaged: {' '.join(str(error).split())}") from None
    if not isinstance(config, dict) or not _get(config, PLACES[-1]) or not isinstance(config.get("mimi"), dict):
        raise EngineFailed(f"{path} is not the configuration of a Pocket TTS model.")
    return config


def hub_files(config: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], HubFile]]:
    """The files of the hub that a released model needs, each with its place in the configuration."""
    for place in PLACES:
        value = (place == PLACES[0] and config.get(UNGATED)) or _get(config, place)
        if value and (match := _ON_THE_HUB.fullmatch(value)):
            yield place, HubFile(match["repo"], match["name"], match["revision"])


def check_whole(path: Path) -> None:
    """Raises EngineFailed if a safetensors file is cut off or no such file. Reads its header."""
    if path.suffix != ".safetensors":
        return
    try:
        with safe_open(path, "numpy"):  # type: ignore[no-untyped-call]
            return
    except (OSError, SafetensorError) as error:
        reason = f"{path.name} is damaged: {error}"
    raise EngineFailed(f"{reason}. Delete {path.resolve()}, so that it is fetched again.")


def _download(name: str, hub: Hub, progress: Progress) -> PocketModel:
    """The smaller files first: what is wrong shows soon."""
    config = packaged(name)
    local = {}
    for place, file in reversed(list(hub_files(config))):
        local[place] = file.cached(hub) or hub.download(file.repo, [file.name], progress, revision=file.revision)[0]
    return PocketModel(name, _with(config, local))


def _in_folder(folder: Path) -> dict[str, Any]:
    """The configuration of a folder with full paths. Raises EngineFailed for one that names what is no local file."""
    config = read_config(folder / CONFIG)
    named = {place: value for place in PLACES if (value := _get(config, place))}
    for place, value in named.items():
        if "://" in str(value):
            raise EngineFailed(f"{folder / CONFIG}: {'.'.join(place)} is {value}; with MODEL_DIR only files are read.")
    return _with(config, {place: folder / str(value) for place, value in named.items()})


def _lacking(folder: Path) -> list[str]:
    """The files that the folder lacks, as the configuration names them. Raises as _in_folder does."""
    if not (folder / CONFIG).is_file():
        return [CONFIG]
    model = PocketModel(folder.name, _in_folder(folder))
    return [path.name for path in model.files if not path.is_file()]


def _with(config: Mapping[str, Any], paths: Mapping[tuple[str, ...], Path]) -> dict[str, Any]:
    """A copy with these paths in their places, and no other way to the weights."""
    changed: dict[str, Any] = {name: value for name, value in config.items() if name != UNGATED}
    for place, path in paths.items():
        *groups, last = place
        inner = changed
        for group in groups:
            inner[group] = dict(inner[group])
            inner = inner[group]
        inner[last] = str(path)
    return changed


def _get(config: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = config
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
