"""Which models of Pocket TTS the settings give, one for each language, and where from. Reads no model.

The released ones are named after their language: english, french_24l, english_7m_2026-10. POCKET_MODEL speaks its own
language; each of the others is spoken by the model of its name, of 24 layers where POCKET_MODEL has as many.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speech.settings import Settings

CONFIG = "config.yaml"
LARGE = "_24l"
# By the first part of a model's name: its language, and the voice of requests that name none.
LANGUAGES = {
    "english": ("en", "alba"),
    "french": ("fr", "estelle"),
    "german": ("de", "juergen"),
    "spanish": ("es", "lola"),
    "portuguese": ("pt", "rafael"),
    "italian": ("it", "giovanni"),
    "dutch": ("nl", "daan"),
}


@dataclass(frozen=True)
class Source:
    """A model that can be had."""

    name: str  # english, french_24l ...; of a folder its own name
    language: str  # ISO 639-1
    usual_voice: str  # of requests that name none, where it is there
    folder: Path | None  # with all its files; None: the hub


def sources(settings: Settings) -> dict[str, Source]:
    """By language, that of POCKET_MODEL first; beside it those of POCKET_LANGUAGES, or all where that is unset."""
    found = _in_folder(settings.model_dir, settings) if settings.model_dir else _on_the_hub(settings)
    own, *others = found
    wanted = settings.pocket_languages
    kept = [own, *(source for source in others if not wanted or source.language in wanted)]
    return _by_language(kept)


def _by_language(found: list[Source]) -> dict[str, Source]:
    """Of several in one language the first."""
    known: dict[str, Source] = {}
    for source in found:
        known.setdefault(source.language, source)
    return known


def _on_the_hub(settings: Settings) -> list[Source]:
    suffix = LARGE if settings.pocket_model.endswith(LARGE) else ""
    return [_source(name, None) for name in (settings.pocket_model, *(word + suffix for word in LANGUAGES))]


def _in_folder(folder: Path, settings: Settings) -> list[Source]:
    """The folder itself if it is a model's, else those in it; that of POCKET_MODEL in any case."""
    own = settings.pocket_model
    if (folder / CONFIG).is_file():
        named = folder.name if _word(folder.name) in LANGUAGES else own
        language, usual = LANGUAGES.get(_word(named), LANGUAGES["english"])
        return [Source(folder.name, language, usual, folder)]
    others = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}") if _word(path.parent.name) in LANGUAGES)
    return [_source(name, folder / name) for name in (own, *others)]


def _source(name: str, folder: Path | None) -> Source:
    language, usual = LANGUAGES.get(_word(name), LANGUAGES["english"])
    return Source(name, language, usual, folder)


def _word(name: str) -> str:
    return name.split("_")[0]
