"""Passages are those that pocket-tts makes of the whole text, even when it is looked at in parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.engines.pocket.library import prepare_text_prompt, split_into_best_sentences
from speech.engines.pocket.script import Script
from speech.engines.pocket.text import LONGEST_TOKENS, LOOK_CHARS, PASSAGE_TOKENS, Cutter, Passage
from speech.request import Pause, Piece
from tests.speech.engines.pocket.helpers import load_model
from tests.tokens import tokens

WORDS = ["the", "boats", "came", "home;", "before,", "storm:", "Rain.", "gulls?", "Letter!", "“early”", "e.g.", "3.14"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=500).map(" ".join)


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    return load_model(checkpoint)


def right(model: Any, text: str) -> list[tuple[int, ...]]:
    """The tokens of each of pocket-tts's own chunks, those that are far too long left out."""
    tokenizer, rules = model.flow_lm.conditioner.tokenizer, Cutter(model)._rules
    chunks = split_into_best_sentences(tokenizer, text, PASSAGE_TOKENS, **rules)
    prepared = (prepare_text_prompt(chunk, **rules)[0] for chunk in chunks)
    return [tuple(tokenizer(chunk)[0].tolist()) for chunk in prepared]


def script(model: Any) -> Script:
    return Script(Cutter(model), voice=torch.zeros(0), temperature=0.0, seed=0)


def drain(row: Script) -> list[Passage | Pause]:
    """All that it has to say now."""
    items = []
    while (item := row.next_item()) is not None:
        items.append(item)
        row.took()
    return items


def say(row: Script, said: Sequence[Piece]) -> list[Passage | Pause]:
    """Every word, as a Stepper hands them on, and the end. It has something to say all the while."""
    items = []
    for piece in said:
        while not row.hungry and (item := row.next_item()) is not None:
            items.append(item)
            row.took()
        row.say(piece)
    row.end()
    return items + drain(row)


@settings(max_examples=60, deadline=None)
@given(text=texts)
def test_a_text_is_cut_as_pocket_tts_cuts_it(model: Any, text: str) -> None:
    """However long: only a part of it is looked at."""
    expected = right(model, text)
    if max(map(len, expected)) <= LONGEST_TOKENS:
        assert [item.tokens for item in say(script(model), tokens(text))] == expected


def test_long_texts_are_looked_at_in_parts(model: Any) -> None:
    text = "The boats came home before the storm, one after another. Rain? " * 60
    assert len(text) > 2 * LOOK_CHARS
    row = script(model)
    assert [item.tokens for item in say(row, tokens(text))] == right(model, text)


def test_text_without_any_mark_is_cut_all_the_same(model: Any) -> None:
    items = say(script(model), tokens("the boats came home before the storm " * 100))
    assert all(0 < len(item.tokens) <= LONGEST_TOKENS for item in items)
    assert sum(len(item.tokens) for item in items) >= 700


def test_what_cannot_be_said_is_no_passage(model: Any) -> None:
    assert say(script(model), []) == []
    row = script(model)
    assert say(row, tokens("😀")) == []
    assert row.over


def test_a_pause_stands_where_it_was_said(model: Any) -> None:
    items = say(script(model), [*tokens("Rain comes"), Pause(0.5), Pause(0.2), *tokens("home.")])
    (before,), (after,) = right(model, "Rain comes"), right(model, "home.")
    assert [getattr(item, "tokens", item) for item in items] == [before, Pause(0.5), Pause(0.2), after]


def test_frames_are_bounded_as_pocket_tts_bounds_them(model: Any) -> None:
    for text in ("Rain.", "The boats came home before the storm, one after another."):
        (passage,) = Cutter(model).whole(text)
        assert passage.most_frames == model._estimate_max_gen_len(len(passage.tokens))
