"""The text side of a row against moshi's own machine, without a model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moshi.models.tts import StateMachine, TokenIds, script_to_entries
from sentencepiece import SentencePieceProcessor

from speech.engines.batch.scheduler import StepKind
from speech.engines.kyutai.script import Script, ScriptRules
from speech.request import Pause, Piece, Token
from speech.text.marks import spoken
from tests.speech.engines.kyutai.checkpoint import TOKENIZER_FILE
from tests.tokens import tokens

DELAY, MAX_DELAY, FINAL = 16, 2, 4
TEXTS = st.lists(st.text(st.sampled_from("aehlo (:)’'.-é—*_\u00a0☃"), min_size=1, max_size=8), max_size=9).map(" ".join)


@pytest.fixture(scope="module")
def rules(checkpoint: Path) -> ScriptRules:
    tokenizer = SentencePieceProcessor(str(checkpoint / TOKENIZER_FILE))
    machine = StateMachine(
        TokenIds(tokenizer.vocab_size() + 1), second_stream_ahead=2, max_padding=8, initial_padding=2
    )
    return ScriptRules(tokenizer, machine, 12.5, DELAY, MAX_DELAY, FINAL)


def follow(
    rules: ScriptRules, pieces: Sequence[Piece], wishes: random.Random, late: bool = False
) -> tuple[Script, list[int]]:
    """What the script answers to a model that wishes at random, with all words at once or each at the last moment."""
    script, waiting, said = Script(rules), list(pieces), []
    while not script.over:
        while (waiting or not script.ended) and (script.hungry if not late else script.needs is None):
            if waiting:
                script.say(waiting.pop(0))
            else:
                script.end()
        wish = wishes.random() < 0.3
        if_pad, if_word = script.answers()
        assert (if_pad, if_word) == script.answers(), "asking changes nothing"
        script.advance(wish)
        said.append(if_word if wish else if_pad)
    return script, said


def moshi_says(rules: ScriptRules, text: str, wishes: random.Random) -> tuple[list[int], list[tuple[str, int]]]:
    said_of_it = " ".join(filter(None, map(spoken, text.split())))
    entries = script_to_entries(rules.tokenizer, rules.machine.token_ids, 12.5, [said_of_it], padding_between=1)
    state, said = rules.machine.new_state(entries), []
    while state.end_step is None or len(said) < state.end_step + DELAY + FINAL + MAX_DELAY:
        ids = rules.machine.token_ids
        token, _ = rules.machine.process(len(said), state, ids.new_word if wishes.random() < 0.3 else ids.pad)
        said.append(token)
    return said, state.transcript


@given(text=TEXTS, seed=st.integers(0, 99), late=st.booleans())
def test_it_answers_as_moshi_does(rules: ScriptRules, text: str, seed: int, late: bool) -> None:
    script, said = follow(rules, tokens(text), random.Random(seed), late)
    theirs, transcript = moshi_says(rules, text, random.Random(seed))
    assert said == theirs
    assert script.state.transcript == transcript


@given(text=TEXTS, seed=st.integers(0, 99))
def test_every_word_comes_once_in_order_in_its_own_spelling(rules: ScriptRules, text: str, seed: int) -> None:
    script, wishes, words, frame = Script(rules), random.Random(seed), [], 0
    pieces = tokens(text)
    while not script.over:
        while script.hungry:
            if pieces:
                script.say(pieces.pop(0))
            else:
                script.end()
        sounds = script.sounds
        script.advance(wishes.random() < 0.3)
        if sounds:
            taken = script.take_words()
            assert all(word.start_s <= frame * 0.08 + 1e-9 for word in taken)
            words += taken
            frame += 1
    assert [word.text for word in words] == text.split()
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)


@given(seed=st.integers(0, 99))
def test_a_word_that_is_said_in_several_is_told_once_where_it_begins(rules: ScriptRules, seed: int) -> None:
    """What is said is the same as if each spoken word had been written."""
    price = Token("2 €", "two whole euros", 5, 8)
    script, said = follow(rules, [*tokens("here"), price, *tokens("there")], random.Random(seed))
    plain, said_plainly = follow(rules, tokens("here two whole euros there"), random.Random(seed))
    assert said == said_plainly
    told = [(word.text, word.start, word.stop, word.start_s) for word in script._words]
    begun = {word.text: word.start_s for word in plain._words}
    assert told == [("here", 0, 0, begun["here"]), ("2 €", 5, 8, begun["two"]), ("there", 0, 0, begun["there"])]


def test_pauses(rules: ScriptRules) -> None:
    """A pause adds its seconds, capped at ten; an empty one adds nothing."""

    def steps(*pieces: Piece) -> int:
        script, _ = follow(rules, [*tokens("hello"), *pieces, *tokens("river")], random.Random(1))
        return script.step_index

    plain = steps()
    assert steps(Pause(0.0)) == plain
    assert 10 <= steps(Pause(1.0)) - plain <= 15, "12.5, and what the wishes shift"
    assert steps(Pause(3600.0)) == steps(Pause(10.0))
    assert 120 <= steps(Pause(10.0)) - plain <= 130


def test_a_pause_is_moshis_break(rules: ScriptRules) -> None:
    _, said = follow(rules, [*tokens("hello"), Pause(1.5), *tokens("river")], random.Random(3))
    theirs, _ = moshi_says(rules, 'hello <break time="1.5s"/> river', random.Random(3))
    assert said == theirs


def test_it_waits_for_the_words_that_the_model_looks_ahead_to(rules: ScriptRules) -> None:
    script = Script(rules)
    assert script.needs is StepKind.TEXT_ONLY, "two pads come first for every text"
    for _ in range(2):
        script.advance(wants_word=True)
    *words, last = tokens("one two three")
    for word in words:
        script.say(word)
        assert script.needs is None
    script.say(last)
    assert script.needs is StepKind.TEXT_ONLY


def test_the_end_lets_it_go_on_without_more_words(rules: ScriptRules) -> None:
    script = Script(rules)
    script.say(*tokens("one"))
    for _ in range(2):
        script.advance(wants_word=False)
    assert script.needs is None
    script.end()
    assert script.needs is StepKind.TEXT_ONLY
    assert not script.hungry
