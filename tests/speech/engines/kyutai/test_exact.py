"""Each answer is what moshi's own TTSModel.generate says for that text alone, with any others beside it."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moshi.models.tts import TTSModel

from speech.engines.base import UtteranceStatus
from speech.engines.batch.runner import ModelRunner
from speech.engines.batch.stepper import Stepper, fade
from speech.engines.kyutai.memory import VOICE_KEYS
from speech.engines.kyutai.runner import Embedding, KyutaiRunner
from speech.request import SpeechRequest
from tests.heard import utter
from tests.speech.engines.kyutai.checkpoint import VOICES
from tests.speech.engines.kyutai.helpers import CASES, FRAME, Case, Job, play
from tests.speech.engines.kyutai.model import Reference

EXAMPLES = int(os.environ.get("EXACT_EXAMPLES", "3"))
jobs = st.builds(
    Job,
    st.sampled_from(CASES),
    arrives=st.integers(0, 40),
    turns_per_word=st.sampled_from([0, 0, 1, 5, 11]),
    leaves=st.none() | st.none() | st.integers(0, 60),
)


def expected(pcm: np.ndarray) -> np.ndarray:
    """The reference with the engine's fades at both ends."""
    return fade(pcm, 24_000, start=True, stop=True)


def check(job: Job, reference: Reference) -> None:
    _, pcm, _ = reference(job.case)
    if job.utterance.status is UtteranceStatus.CANCELLED:
        heard = job.utterance.pcm
        assert len(heard) % FRAME == 0
        assert np.allclose(heard, fade(pcm, 24_000, start=True)[: len(heard)], rtol=0, atol=1e-4)
    else:
        assert job.utterance.status is UtteranceStatus.FINISHED
        assert len(job.utterance.pcm) == len(pcm)
        assert np.allclose(job.utterance.pcm, expected(pcm), rtol=0, atol=1e-4)


@pytest.mark.timeout(900)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(jobs=st.lists(jobs, min_size=2, max_size=6))
def test_rows_that_come_and_go(runner: KyutaiRunner, reference: Reference, jobs: list[Job]) -> None:
    play(Stepper(runner, max_queue=10), jobs)
    for job in jobs:
        check(job, reference)


@pytest.mark.parametrize("other", [Case(CASES[3].text, VOICES[1], 2.0), Case(CASES[3].text, VOICES[0], 3.0)])
def test_another_voice_or_cfg_changes_most_codes(reference: Reference, other: Case) -> None:
    """Else the tests here would notice nothing if rows were mixed up."""
    codes, pcm, _ = reference(CASES[3])
    other_codes, other_pcm, _ = reference(other)
    frames = min(codes.shape[1], other_codes.shape[1])
    assert (codes[:, :frames] != other_codes[:, :frames]).float().mean() > 0.5
    assert np.abs(pcm[: frames * FRAME] - other_pcm[: frames * FRAME]).max() > 1e-2


def test_another_first_word_changes_most_codes(reference: Reference) -> None:
    codes, _, _ = reference(CASES[3])
    other, _, _ = reference(Case("Boats and the café", CASES[3].voice, CASES[3].cfg_coef))
    frames = min(codes.shape[1], other.shape[1])
    assert (codes[:, :frames] != other[:, :frames]).float().mean() > 0.5


@pytest.mark.parametrize("turns_per_word", [1, 30])
def test_words_that_come_late_change_nothing(runner: KyutaiRunner, reference: Reference, turns_per_word: int) -> None:
    job = Job(CASES[0], turns_per_word=turns_per_word)
    play(Stepper(runner, max_queue=0), [job])
    check(job, reference)


@pytest.mark.parametrize("where", ["language model", "codec"])
def test_a_nan_does_not_reach_the_next_user_of_its_slot(runner: KyutaiRunner, reference: Reference, where: str) -> None:
    stepper = Stepper(runner, max_queue=0)
    bad, good = Job(CASES[0], leaves=30), Job(CASES[1])

    def poison(turn: int) -> None:
        if turn == 25:
            rows = runner._model._rows if where == "language model" else runner._model._decoder.rows
            (past,) = (tensor for tensor, dim in rows.tensors if dim == 2 and tensor.shape[4] > VOICE_KEYS)
            with torch.inference_mode():
                past[:, :, runner._places[0], :, :5] = float("nan")

    play(stepper, [bad, good], poison)
    if where == "codec":
        assert bad.utterance.status is UtteranceStatus.FAILED, "what is not sound is not sent"
    heard, right = bad.utterance.pcm, reference(CASES[0])[1]
    assert len(heard) < 10 * FRAME or not np.allclose(heard, right[: len(heard)], atol=1e-4), "the poison did not work"
    after = Job(CASES[2])
    play(stepper, [after])
    check(good, reference)
    check(after, reference)


def test_fewer_codebooks(load_model: Callable[..., TTSModel], embedding: Embedding, reference: Reference) -> None:
    runner = KyutaiRunner(load_model(n_q=4), embedding, slots=2, temperature=0.0)
    few = Reference(load_model(n_q=4), reference.voices)
    jobs = [Job(CASES[0]), Job(CASES[1], arrives=25)]  # into a codec that is at work
    play(Stepper(runner, max_queue=0), jobs)
    for job in jobs:
        check(job, few)
    assert not np.array_equal(reference(CASES[0])[1][:FRAME], few(CASES[0])[1][:FRAME])
    runner.close()


def test_words_ride_on_the_frames_in_which_they_begin(runner: KyutaiRunner, reference: Reference) -> None:
    """In the caller's spelling: moshi drops brackets and splits at colons, and "--" is not spoken at all."""
    job = Job(CASES[0])
    play(Stepper(runner, max_queue=0), [job])
    _, _, transcript = reference(CASES[0])
    assert [word.text for word in job.utterance.words] == CASES[0].text.split()
    assert [word.start_s for word in job.utterance.words] == [pytest.approx(step / 12.5) for _, step in transcript]
    for number, chunk in enumerate(job.utterance.heard):
        assert all(word.start_s == pytest.approx(number * 0.08) for word in chunk.words)


class TestSampling:
    """With a temperature the codes belong to the seed, not to the slot."""

    @staticmethod
    def say(runner: ModelRunner, before: int, **sampling: float) -> np.ndarray:
        """The PCM of one sampled text, when so many others sit before it."""
        case, stepper = CASES[3], Stepper(runner, max_queue=9)
        others = [utter(SpeechRequest(text=CASES[0].text, voice=VOICES[n], temperature=0.5 * n)) for n in range(before)]
        for other in others:
            stepper.admit(other)
        for _ in range(5):
            stepper.turn()
        utterance = utter(SpeechRequest(text=case.text, voice=case.voice, cfg_coef=case.cfg_coef, **sampling))  # type: ignore[arg-type]
        stepper.admit(utterance)
        while not utterance.over:
            stepper.turn()
        for other in others:
            other.cancel()
        stepper.turn()
        return utterance.pcm

    def test_same_seed_same_audio_in_any_slot(self, runner: KyutaiRunner) -> None:
        """Not bit by bit: matrices of other sizes round otherwise."""
        alone = self.say(runner, 0, temperature=0.8, seed=42)
        for others in (1, 2):
            beside = self.say(runner, others, temperature=0.8, seed=42)
            assert len(beside) == len(alone)
            assert np.allclose(alone, beside, rtol=0, atol=1e-4)

    def test_another_seed_sounds_different(self, runner: KyutaiRunner) -> None:
        one, other = (self.say(runner, 0, temperature=0.8, seed=seed) for seed in (42, 43))
        assert not np.array_equal(one[: 5 * FRAME], other[: 5 * FRAME])

    def test_no_seed_is_a_new_seed_each_time(self, runner: KyutaiRunner) -> None:
        one, other = (self.say(runner, 0, temperature=0.8) for _ in range(2))
        assert not np.array_equal(one[: 5 * FRAME], other[: 5 * FRAME])

    @pytest.mark.parametrize("sampling", [{"temperature": 0.0, "seed": 7}, {"temperature": 1.0, "top_k": 1, "seed": 8}])
    def test_greedy_knows_no_seed(self, runner: KyutaiRunner, reference: Reference, sampling: dict[str, float]) -> None:
        assert np.allclose(self.say(runner, 1, **sampling), expected(reference(CASES[3])[1]), atol=1e-4)
