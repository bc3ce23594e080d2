"""Reading: numbers, dates, money, abbreviations and the like in words, for the languages in LANGUAGES.

A language is a module with `reader()`; it is imported with the first text in it, not at the start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from speech.text.reading.step import Reader, Reading

__all__ = ["LANGUAGES", "Reader", "Reading", "reading"]


def _language(code: str) -> Callable[[], Reader]:
    @cache
    def load() -> Reader:
        reader: Reader = import_module(f"speech.text.reading.{code}").reader()
        return reader

    return load


LANGUAGES: dict[str, Callable[[], Reader]] = {code: _language(code) for code in ("en", "fr")}  # ISO 639-1 -> its reader


def reading(language: str) -> Reading | None:
    """The step that reads one text in this language; None if it has no rules, so that the engine reads by itself."""
    load = LANGUAGES.get(language)
    return Reading(load()) if load else None
