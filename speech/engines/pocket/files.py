"""Pocket TTS's files: which there are, where they lie, whether they are whole. Imports no torch.

A model is a config.yaml in pocket-tts's own format and the files that it names. The released ones have theirs inside
the wheel; it names files of the hub by repository, path and commit (hf://OWNER/NAME/PATH@COMMIT). With MODEL_DIR a
folder has all of them, or one such folder for each model.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from safetensors import SafetensorError, safe_open

from speech.engines.pocket.sources import CONFIG, Source, sources
from speech.errors import EngineFailed, SpeechError
from speech.hub.files import Hub, make_hub
from speech.progress import Progress, silent

if TYPE_CHECKING:
    from speech.settings import Settings

log = logging.getLogger("kyutai_tts.engine")

Place = tuple[str, ...]
# Where a config.yaml names files, and the entry that names the weights without those for making voices.
PLACES: tuple[Place, ...] = (
    ("weights_path",),
    ("flow_lm", "weights_path"),
    ("mimi", "weights_path"),
    ("flow_lm", "lookup_table", "tokenizer_path"),
)
UNGATED = "weights_path_without_voice_cloning"
SPEAKER = "flow_lm.speaker_proj_weight"  # what only making voices needs: zeros where it was taken out
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

    without_cloning: bool = False  # its weights are those without what making voices needs

    @property
    def files(self) -> list[Path]:
        return [Path(value) for place in PLACES if (value := _get(self.config, place))]

    @property
    def clones(self) -> bool:
        """Its weights can make a voice of a recording, as far as their numbers tell."""
        weights = _get(self.config, PLACES[0])
        return not self.without_cloning and weights is not None and _has_speaker(Path(weights))


def locate(source: Source, hub: Hub) -> PocketModel | None:
    """The model if it is complete on this machine. Never connects. Raises as `read_config` does."""
    if source.folder is not None:
        return None if _lacking(source.folder) else PocketModel(source.name, _in_folder(source.folder))
    config = packaged(source.name)
    return _cached(source.name, config, hub, cloning=True) or _cached(source.name, config, hub, cloning=False)


def obtain(source: Source, hub: Hub, progress: Progress = silent, token: bool = False) -> PocketModel:
    """The model; what is missing of it is downloaded, unless it is that of a folder.

    token: HF_TOKEN is set, so that the weights for making voices are asked for.
    Raises Unavailable or EngineFailed, which say what is missing or damaged and what to do.
    """
    model = locate(source, hub)
    if model is None and source.folder is not None:
        raise EngineFailed(f"MODEL_DIR: {source.folder} lacks {', '.join(_lacking(source.folder))}.")
    if source.folder is None and token and (model is None or model.without_cloning):
        model = _download_gated(source.name, hub, progress) or model
    model = model or _download(source.name, hub, progress, cloning=False)
    for path in model.files:
        check_whole(path, fetched=source.folder is None)
    return model


def missing(settings: Settings) -> str | None:
    """What is not on this machine, in words, or None. Never connects."""
    source = next(iter(sources(settings).values()))
    try:
        model = locate(source, make_hub(settings))
    except SpeechError as error:
        return error.message
    if model is not None:
        return None
    return f"Pocket TTS ({source.name}) is not on this machine"


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


def hub_files(config: Mapping[str, Any], cloning: bool = False) -> Iterator[tuple[Place, HubFile]]:
    """The files of the hub that a released model needs, each with its place in the configuration.

    cloning: the weights that can make voices too.
    """
    for place in PLACES:
        value = (place == PLACES[0] and not cloning and config.get(UNGATED)) or _get(config, place)
        if value and (match := _ON_THE_HUB.fullmatch(value)):
            yield place, HubFile(match["repo"], match["name"], match["revision"])


def check_whole(path: Path, fetched: bool) -> None:
    """Raises EngineFailed if a safetensors file is cut off or no such file. Reads its header.

    fetched: it comes from the hub.
    """
    if path.suffix != ".safetensors":
        return
    try:
        with safe_open(path, "numpy"):  # type: ignore[no-untyped-call]
            return
    except (OSError, SafetensorError) as error:
        reason = f"{path.name} is damaged: {error}"
    advice = f"Delete {path.resolve()}, so that it is fetched again." if fetched else f"Put a whole one at {path}."
    raise EngineFailed(f"{reason}. {advice}")


def _cached(name: str, config: Mapping[str, Any], hub: Hub, cloning: bool) -> PocketModel | None:
    found = {place: file.cached(hub) for place, file in hub_files(config, cloning)}
    local = {place: path for place, path in found.items() if path is not None}
    return PocketModel(name, _with(config, local), not cloning) if len(local) == len(found) else None


def _download(name: str, hub: Hub, progress: Progress, cloning: bool) -> PocketModel:
    """The smaller files first: what is wrong shows soon."""
    config = packaged(name)
    local = {}
    for place, file in reversed(list(hub_files(config, cloning))):
        local[place] = file.cached(hub) or hub.download(file.repo, [file.name], progress, revision=file.revision)[0]
    return PocketModel(name, _with(config, local), not cloning)


def _download_gated(name: str, hub: Hub, progress: Progress) -> PocketModel | None:
    """None where they are not given: it speaks without them."""
    try:
        return _download(name, hub, progress, cloning=True)
    except SpeechError as error:
        log.warning("no voices can be made from recordings: %s", error.message)
        return None


def _has_speaker(weights: Path) -> bool:
    try:
        with safe_open(weights, "numpy") as file:  # type: ignore[no-untyped-call]
            return SPEAKER in file.keys() and bool(np.any(file.get_tensor(SPEAKER)))  # noqa: SIM118
    except (OSError, SafetensorError, TypeError):  # numpy has no bfloat16
        return False


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


def _with(config: Mapping[str, Any], paths: Mapping[Place, Path]) -> dict[str, Any]:
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


def _get(config: Mapping[str, Any], place: Place) -> Any:
    value: Any = config
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
