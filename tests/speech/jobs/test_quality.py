"""Flaws in the sound of a passage are found, and only they; such a passage is said twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speech.jobs.job import Flaw, State
from speech.jobs.quality import flaws_of, longest_silence_s
from speech.request import Samples, SpeechRequest, Word
from speech.text.document import Document
from speech.text.passages import Passage, passages
from speech.text.pipe import read
from tests.speech.jobs.test_jobs import LONG, ME, WORDS, jobs_over, service_in, staged, wait_for
from tests.stage import StageEngine

RATE = 24_000
TEXT = "The keeper walks along the shore before the sun comes up."


def said(text: str = TEXT) -> Passage:
    return passages(read(text))[0]


def tone(seconds: float, level: float = 0.3) -> Samples:
    return (level * np.sin(np.arange(round(seconds * RATE)) * 0.1)).astype(np.float32)


def told(count: int) -> list[Word]:
    return [Word("word", index * 0.1) for index in range(count)]


QUIET = np.zeros(4 * RATE, np.float32)
CASES = {
    "good": (tone(3.5), 11, set()),
    "no times of words": (tone(3.5), 0, set()),
    "a word less": (tone(3.5), 10, {Flaw.WORDS_MISSING}),
    "runs away": (tone(20), 11, {Flaw.TOO_LONG}),
    "nothing": (tone(0), 11, {Flaw.SILENT}),
    "falls silent": (np.concatenate([tone(1), QUIET, tone(1)]), 11, {Flaw.SILENT}),
    "clipped": (np.clip(tone(3.5, 1.5), -1, 1), 11, {Flaw.CLIPPED}),
}


@pytest.mark.parametrize(("samples", "words", "expected"), CASES.values(), ids=CASES)
def test_flaws(samples: Samples, words: int, expected: set[Flaw]) -> None:
    assert flaws_of(said(), samples, told(words), RATE, 1.0) == expected


def test_what_the_text_and_the_pace_ask_for_is_no_flaw() -> None:
    paused = said(f'{TEXT} <break time="4s"/> {TEXT}')
    sound = np.concatenate([tone(3.5), QUIET, tone(3.5)])
    assert flaws_of(paused, sound, told(22), RATE, 1.0) == set()
    assert flaws_of(said(), tone(3.5 / 0.25), told(11), RATE, 0.25) == set()


def test_the_longest_silence_may_be_at_an_end() -> None:
    assert longest_silence_s(np.concatenate([tone(1), QUIET]), RATE) == pytest.approx(4, abs=0.01)


def test_a_flaw_is_mended_by_another_seed(tmp_path: Path) -> None:
    stage = StageEngine(slots=1)
    with staged(tmp_path, stage) as jobs:
        job = jobs.add(SpeechRequest(seed=1), ME, Document.of_text(LONG))
        first = stage.next()
        stage.play(first, *WORDS[:-1])
        second = stage.next()
        assert second.request == replace(first.request, seed=second.request.seed)
        assert second.request.seed != first.request.seed
        stage.play(second, *WORDS)
        for _ in range(2):
            stage.play(stage.next(), *WORDS[:-1])
        stage.next()
        parts = jobs.passages(job.id, ME, 2)
        assert [(part.retried, part.flaws, part.spoken) for part in parts] == [
            (True, (), len(WORDS)),
            (True, (Flaw.WORDS_MISSING,), len(WORDS) - 1),
        ]
        assert jobs.job(job.id, ME).flawed == 1
        text = jobs._service.metrics.text().decode()
        assert 'tts_job_passages_total{outcome="retried"} 1.0' in text
        assert 'tts_job_flaws_total{flaw="words_missing"} 1.0' in text


def test_speech_without_a_flaw_is_said_once(tmp_path: Path) -> None:
    with jobs_over(service_in(tmp_path)) as jobs:
        job = jobs.add(SpeechRequest(speed=2), ME, Document.of_text(LONG))
        wait_for(jobs, job.id, State.DONE)
        assert [(part.retried, part.flaws) for part in jobs.passages(job.id, ME, 10)] == [(False, ())] * 6
