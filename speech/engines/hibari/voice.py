"""hibari-tts itself: a sentence in, samples and the time of each word out. Knows no utterance and no thread.

The model decides how long each phoneme lasts but does not tell. Its durations are read by naming that tensor as one
more output: a protocol buffer message may be continued by appending to it, so no other library is needed. The name of
the tensor is a fact of the pinned version's file; for a voice whose file has none, times are shared out by phonemes.
"""

from __future__ import annotations

import logging
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from hibari import Hibari, dsp

from speech.engines.hibari.files import BUNDLED, VoiceFiles
from speech.engines.hibari.reader import Reader
from speech.request import Samples

log = logging.getLogger("kyutai_tts.hibari")

SAMPLE_RATE: int = dsp.SR  # 24,000 Hz
_SPECTRUM = 6  # outputs that the file names itself, all of them what the sound is made of
_ENDS = (
    "/CumSum_output_0"  # (1, phonemes + 2): where each phoneme ends, in a unit of the model's own; silence at both ends
)


@dataclass(frozen=True)
class SpokenSentence:
    samples: Samples
    phonemes: str
    lead_s: float  # silence before the first phoneme
    phoneme_ends_s: tuple[float, ...]  # one for each phoneme of `phonemes`
    word_phonemes: tuple[str, ...]  # each word said alone

    @property
    def tokens(self) -> int:
        """The model's input tokens: its phonemes."""
        return len(self.phonemes)

    def word_times(self, words: tuple[str, ...]) -> list[tuple[float, float]]:
        """Begin and end of each word in seconds from the sentence's start: monotone, without gaps."""
        if not self.phonemes:
            return [(0.0, 0.0) for _ in words]
        groups = self.phonemes.split(" ")
        alone = [len(p.split()) for p in self.word_phonemes]
        if sum(alone) == len(groups):  # the usual case: every word said alone has as many parts as in the sentence
            group_ends = list(accumulate(len(group) + 1 for group in groups))
            ends = [group_ends[n - 1] - 1 if n else 0 for n in accumulate(alone)]
        else:  # numbers and the like are read differently in context: share the phonemes out by length
            share = list(accumulate(max(1, len(p)) for p in self.word_phonemes))
            ends = [round(s / share[-1] * len(self.phonemes)) for s in share]
        times = [self.phoneme_ends_s[min(e, len(self.phonemes)) - 1] if e else self.lead_s for e in ends]
        return list(zip([self.lead_s, *times[:-1]], times, strict=True))


class HibariVoice:
    """Its voices; one that was fetched is loaded when it speaks first. Thread safe."""

    sample_rate = SAMPLE_RATE

    def __init__(self, files: VoiceFiles | None = None) -> None:
        """files: None for those in hibari's own folder."""
        self._files = files or VoiceFiles()
        self._lock = threading.Lock()
        self._readers: dict[bool, Reader] = {}
        self._speakers: dict[str, Speaker] = {}
        with ThreadPoolExecutor(1) as beside:  # the dictionaries take longer than the model, and need no part of it
            reading = beside.submit(self._reader, False)
            model = self._model(BUNDLED)
            self._speakers[BUNDLED] = Speaker(model, reading.result())
        self.speak("Ready.")  # the first run allocates

    def speak(self, text: str, seed: int | None = None, voice: str | None = None) -> SpokenSentence:
        """Say a sentence; empty if nothing in it can be said. The same text, seed and voice give the same samples.

        A voice that is none of hibari's (a catalogue of others stands before it) is spoken by the one in the wheel.
        Raises OSError for one that was not fetched.
        """
        return self._speaker(voice if voice and voice in self._files else BUNDLED).speak(text, seed)

    def split(self, text: str) -> list[str]:
        """Sentences by the package's own rules, which know titles and initials."""
        sentences: list[str] = Hibari.split_sentences(text)
        return sentences or [text]

    def phonemes(self, text: str) -> str:
        """How the voice in the wheel says a text; `[word](/phonemes/)` as it asks."""
        return self._speaker(BUNDLED).phonemes(text)

    def _speaker(self, name: str) -> Speaker:
        speaker = self._speakers.get(name)
        if speaker is None:
            with self._lock:
                speaker = self._speakers.get(name)
                if speaker is None:
                    british = bool(self._files.facts(name)["british"])
                    speaker = self._speakers[name] = Speaker(self._model(name), self._reader(british))
        return speaker

    def _model(self, name: str) -> bytes:
        path = self._files.here(name)
        if path is None:
            raise FileNotFoundError(f"the file of {name} is not here")
        return path.read_bytes()

    def _reader(self, british: bool) -> Reader:
        if british not in self._readers:
            self._readers[british] = Reader(british)
        return self._readers[british]


class Speaker:
    """One voice. Thread safe: nothing is kept between calls."""

    def __init__(self, model: bytes, g2p: Reader) -> None:
        """model: the content of its ONNX file. g2p: what reads for it."""
        self._g2p = g2p
        try:
            self._tts = Hibari(model=model + _one_more_output(_ENDS))  # onnxruntime takes content as it takes a name
        except Exception:  # onnxruntime's own; a file without that tensor
            log.warning("a voice does not tell how long its phonemes are; the times of its words are estimated")
            self._tts = Hibari(model=model)
        self._session = self._tts.sess

    def speak(self, text: str, seed: int | None = None) -> SpokenSentence:
        """Say a sentence; empty if nothing in it can be said. The same text and seed give the same samples."""
        words = text.split()
        phonemes = "".join(p for p in self.phonemes(text) if p in self._tts.vocab)
        if not phonemes.strip(' .,;:!?—…"()“”'):
            return SpokenSentence(np.zeros(0, np.float32), "", 0.0, (), tuple("" for _ in words))
        ids = np.asarray([self._tts.ids(phonemes)], np.int64)
        told = self._session.run(None, {"ids": ids, "speed": np.ones(1, np.float32)})
        spectrum = told[:_SPECTRUM]
        ends = told[-1] if len(told) > _SPECTRUM else np.arange(1, ids.size + 1)
        samples = dsp.synth(*(part[0] for part in spectrum), np.random.default_rng(seed or 0))
        ends_s = np.ravel(ends) * (len(samples) / SAMPLE_RATE / np.ravel(ends)[-1])
        return SpokenSentence(
            np.clip(samples, -1.0, 1.0, dtype=np.float32),
            phonemes,
            float(ends_s[0]),
            tuple(ends_s[1 : 1 + len(phonemes)].tolist()),
            tuple(self.phonemes(word) for word in words),
        )

    def phonemes(self, text: str) -> str:
        """How it says a text; `[word](/phonemes/)` as it asks.

        hibari's rules fail on some words (a number of forty digits): those are read sign by sign.
        """
        try:
            return self._g2p(text) or ""
        except Exception:  # of any kind: a whole text must not fail over one word
            parts = text.split()
            if len(parts) == 1:
                plain = unicodedata.normalize("NFKC", text)
                parts = list(text) if plain == text else [plain]
            return " ".join(map(self.phonemes, parts)) if parts != [text] else ""


def _one_more_output(name: str) -> bytes:
    """What to append to an ONNX file so that one more tensor is an output (ModelProto.graph.output.name: 7, 12, 1)."""
    value_info = _field(1, name.encode())
    return _field(7, _field(12, value_info))


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protocol buffer field; payloads up to 127 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload
