"""Each row sounds as pocket-tts's own generate_audio_stream for that text alone, whatever happens beside it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speech.engines.base import UtteranceStatus
from speech.engines.batch.stepper import Stepper, fade
from speech.engines.pocket.runner import PocketRunner
from speech.request import Pause, Samples, SpeechRequest
from tests.speech.engines.pocket.checkpoint import VOICES, write_checkpoint
from tests.speech.engines.pocket.conftest import MakeRunner
from tests.speech.engines.pocket.helpers import (
    CASES,
    FRAME,
    Case,
    Heard,
    Job,
    Reference,
    expected,
    listen,
    play,
    utter,
)
from tests.tokens import tokens

EXAMPLES = int(os.environ.get("EXACT_EXAMPLES", "6"))
jobs = st.builds(
    Job,
    st.sampled_from(CASES),
    arrives=st.integers(0, 40),
    leaves=st.none() | st.none() | st.integers(0, 60),
    rests=st.just((0, 0)) | st.tuples(st.integers(0, 20), st.integers(1, 15)),
)


def close(heard: Samples, right: Samples, most: float = 1e-4) -> bool:
    return len(heard) == len(right) and np.allclose(heard, right, rtol=0, atol=most)


def check(job: Job, reference: Reference) -> None:
    pcm, heard = reference(job.case), job.utterance.pcm
    if job.utterance.status is UtteranceStatus.CANCELLED:
        assert len(heard) % FRAME == 0
        assert close(heard, fade(pcm, 24_000, start=True)[: len(heard)])
    else:
        assert job.utterance.status is UtteranceStatus.FINISHED
        assert close(heard, expected(pcm))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs=st.lists(jobs, min_size=2, max_size=6))
def test_whoever_comes_rests_and_goes(runner: PocketRunner, reference: Reference, jobs: list[Job]) -> None:
    play(Stepper(runner, max_queue=10), jobs)
    for job in jobs:
        check(job, reference)


@pytest.mark.parametrize("other", [Case(CASES[0].text, VOICES[2]), Case("Rain comes home.", CASES[0].voice)])
def test_another_voice_or_text_sounds_different(reference: Reference, other: Case) -> None:
    """Else the tests here would notice nothing if rows were mixed up."""
    one, another = reference(CASES[0]), reference(other)
    common = min(len(one), len(another))
    assert np.abs(one[:common] - another[:common]).max() > 1e-2


def test_a_sentence_is_longer_than_what_the_codec_sees(reference: Reference) -> None:
    """Else no ring would ever come round."""
    assert len(reference(CASES[0])) > 7 * FRAME


@pytest.mark.parametrize("flow", ["lsd", "flow_matching", "drifting", "pointwise"])
def test_every_kind_of_flow_head(flow: str, tmp_path: Path, make_runner: MakeRunner) -> None:
    folder = write_checkpoint("tiny", tmp_path, flow=flow)
    heard = listen(Stepper(make_runner(folder), 0), utter(CASES[0].request))
    assert close(heard, expected(Reference(folder)(CASES[0])))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("model", ["english_2m_2026-10", "english_7m_2026-10", "english_18m_2026-10", "german"])
def test_the_shapes_of_a_released_model(model: str, tmp_path: Path, make_runner: MakeRunner) -> None:
    folder = write_checkpoint(model, tmp_path)
    reference = Reference(folder)
    jobs = [Job(CASES[0]), Job(CASES[1], arrives=9), Job(CASES[2], arrives=3)]
    play(Stepper(make_runner(folder), 0), jobs)
    for job in jobs:
        right = expected(reference(job.case))
        # Each frame is made from those before it: what rounding leaves grows, in german 1.3 times a frame.
        assert close(job.utterance.pcm[: 4 * FRAME], right[: 4 * FRAME], most=1e-5)
        assert close(job.utterance.pcm, right, most=1e-3)


def test_a_text_without_end_stops_where_pocket_tts_stops(
    endless: Path, make_runner: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    """Even a word of letters that it does not know, each a token: the engine's own bound would fail it before."""
    with caplog.at_level(logging.WARNING, "kyutai_tts.engine"):
        for case in (CASES[1], Case("α" * 90)):
            utterance = utter(case.request)
            heard = listen(Stepper(make_runner(endless), 0), utterance)
            assert utterance.status is UtteranceStatus.FINISHED
            assert close(heard, expected(Reference(endless)(case)))
    assert "came to no end" in caplog.text


def test_a_nan_does_not_reach_the_next_user_of_its_slot(
    checkpoint: Path, make_runner: MakeRunner, reference: Reference
) -> None:
    runner = make_runner(checkpoint)
    stepper, bad, good = Stepper(runner, max_queue=0), Job(CASES[0]), Job(CASES[4])

    def poison(turn: int) -> None:
        if turn == 4:
            for stage in runner._codec._stages:
                for name in ("_ring", "_previous", "_partial"):
                    if hasattr(stage, name):
                        tensor = getattr(stage, name)
                        (tensor[:, :, 0] if name == "_ring" else tensor[0]).fill_(float("nan"))

    play(stepper, [bad, good], poison)
    assert bad.utterance.status is UtteranceStatus.FAILED, "what is not sound is not handed out"
    check(good, reference)
    after = Job(CASES[2])
    play(stepper, [after])
    check(after, reference)


def test_each_frame_of_a_row_has_noise_of_its_own(checkpoint: Path, make_runner: MakeRunner) -> None:
    """Over all passages: one that began again would sound alike in every sentence."""
    asked: list[tuple[int, int]] = []

    def silent(seed: int, frame: int, size: int, temperature: float, clamp: float | None = None) -> Samples:
        asked.append((seed, frame))
        return np.zeros(size, np.float32)

    runner = make_runner(checkpoint, draw=silent)
    heard = listen(Stepper(runner, 0), utter(SpeechRequest(text=CASES[3].text, seed=5)))
    assert asked == [(5, frame) for frame in range(len(asked))]
    assert len(asked) >= len(heard) // FRAME


class TestTextThatComesLate:
    def test_its_sentences_sound_as_each_alone(self, runner: PocketRunner, reference: Reference) -> None:
        """Word by word, each when there is nothing left to say: no sentence waits for the next one."""
        utterance, stepper = Heard(SpeechRequest(voice=VOICES[2])), Stepper(runner, 0)
        stepper.admit(utterance)
        for word in tokens("Rain comes home. Trains leave at ten."):
            while stepper.turn():
                pass
            utterance.say(word)
        utterance.end()
        while not utterance.over:
            stepper.turn()
        parts = [reference(Case(text, VOICES[2])) for text in ("Rain comes home.", "Trains leave at ten.")]
        assert close(utterance.pcm, expected(np.concatenate(parts)))

    def test_a_row_without_a_whole_sentence_rests(self, runner: PocketRunner) -> None:
        utterance, stepper = Heard(SpeechRequest()), Stepper(runner, 0)
        stepper.admit(utterance)
        utterance.say(*tokens("Rain comes"))
        assert not stepper.turn()
        utterance.cancel()
        stepper.turn()

    def test_a_long_sentence_is_not_waited_for(self, runner: PocketRunner) -> None:
        utterance, stepper = Heard(SpeechRequest()), Stepper(runner, 0)
        stepper.admit(utterance)
        utterance.say(*tokens("the boats came home before the storm, " * 8))
        while stepper.turn():
            pass
        assert len(utterance.pcm) > 5 * FRAME
        utterance.cancel()
        stepper.turn()

    def test_the_end_may_come_after_the_last_sound(self, runner: PocketRunner, reference: Reference) -> None:
        utterance, stepper = Heard(SpeechRequest()), Stepper(runner, 0)
        stepper.admit(utterance)
        utterance.say(*tokens("Rain comes home. And"))
        while stepper.turn():
            pass
        assert not utterance.over
        utterance.end()
        while not utterance.over:
            stepper.turn()
        parts = [reference(Case(text)) for text in ("Rain comes home.", "And")]
        assert close(utterance.pcm, expected(np.concatenate(parts)))

    def test_nothing_to_say_ends_at_once(self, runner: PocketRunner) -> None:
        utterance = utter(SpeechRequest(), tokens("😀"))
        assert len(listen(Stepper(runner, 0), utterance)) == 0
        assert utterance.status is UtteranceStatus.FINISHED


def test_a_pause_is_silence_of_its_length(runner: PocketRunner, reference: Reference) -> None:
    said = [*tokens("Rain comes home."), Pause(0.4), *tokens("Trains leave."), Pause(0.0), *tokens("Rain.")]
    heard = listen(Stepper(runner, 0), utter(SpeechRequest(), said))
    one, two, three = (reference(Case(text)) for text in ("Rain comes home.", "Trains leave.", "Rain."))
    silence = np.zeros(5 * FRAME, np.float32)
    assert close(heard, expected(np.concatenate([one, silence, two, three])))


class TestSampling:
    """With a temperature the sound belongs to the seed, not to the slot."""

    @staticmethod
    def say(runner: PocketRunner, before: int, **sampling: float) -> Samples:
        """One sampled text, when so many others sit before it."""
        stepper = Stepper(runner, max_queue=9)
        others = [Job(CASES[0]) for _ in range(before)]
        for other in others:
            stepper.admit(other.utterance)
        for _ in range(5):
            stepper.turn()
        request = SpeechRequest(text=CASES[4].text, voice=CASES[4].voice, **sampling)  # type: ignore[arg-type]
        heard = listen(stepper, utter(request))
        for other in others:
            other.utterance.cancel()
        stepper.turn()
        return heard

    def test_same_seed_same_audio_in_any_slot(self, runner: PocketRunner) -> None:
        alone = self.say(runner, 0, temperature=0.8, seed=42)
        for others in (1, 2):
            assert close(alone, self.say(runner, others, temperature=0.8, seed=42))

    def test_another_seed_or_temperature_sounds_different(self, runner: PocketRunner) -> None:
        one = self.say(runner, 0, temperature=0.8, seed=42)
        for other in ({"temperature": 0.8, "seed": 43}, {"temperature": 0.3, "seed": 42}):
            assert not np.allclose(one[: 5 * FRAME], self.say(runner, 0, **other)[: 5 * FRAME], atol=1e-3)

    def test_no_seed_is_a_new_seed_each_time(self, runner: PocketRunner) -> None:
        one, other = (self.say(runner, 0, temperature=0.8) for _ in range(2))
        assert not np.allclose(one[: 5 * FRAME], other[: 5 * FRAME], atol=1e-3)

    def test_torch_s_own_generator_is_left_alone(self, runner: PocketRunner) -> None:
        before = torch.random.get_rng_state()
        self.say(runner, 0, temperature=0.8, seed=1)
        assert torch.equal(before, torch.random.get_rng_state())
