"""Every counter, gauge and histogram, named once. Those that begin with py_ have moshi-server's names and meaning."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    UnknownMetricFamily,
)
from prometheus_client.registry import Collector

from speech.engines.base import STEP_S, EngineStatus, StepTally
from speech.request import FRAME_S

if TYPE_CHECKING:
    from speech.session import Speech

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FIRST_AUDIO_S = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 120)
PACE = (0.1, 0.25, 0.5, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 25)
WAIT_S = (0.005, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
STEPS = (2, 25, 62.5, 125, 250, 500, 750)  # moshi-server's buckets
HANDLER = {"handler": "all"}  # moshi-server's label


@dataclass(frozen=True)
class Figures:
    """What is so at the time of asking."""

    engine: EngineStatus
    streams_open: int
    loaded: bool
    loads: int
    releases: int


class Metrics:
    """The figures of one service. Every method may be called from any thread."""

    def __init__(self, now: Callable[[], Figures]) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter("tts_requests", "Speech that ended, by how.", ["outcome"], registry=registry)
        self._audio = Counter("tts_audio_seconds", "Seconds of audio handed out.", registry=registry)
        self._words = Counter("tts_words", "Words said.", registry=registry)
        self._characters = Counter("tts_characters", "Characters of whole texts taken in.", registry=registry)
        self._warnings = Counter(
            "tts_warnings", "Parts of texts of which listeners were told.", ["about"], registry=registry
        )
        self._passages = Counter(
            "tts_job_passages", "Passages of jobs that were kept, by how they were got.", ["outcome"], registry=registry
        )
        self._flaws = Counter(
            "tts_job_flaws", "Flaws in the sound of passages that were kept all the same.", ["flaw"], registry=registry
        )
        self._first = Histogram(
            "tts_first_audio_seconds", "From the request to its first audio.", buckets=FIRST_AUDIO_S, registry=registry
        )
        self._pace = Histogram(
            "tts_pace", "Seconds of audio for each second with a slot.", buckets=PACE, registry=registry
        )
        self._wait = Histogram(
            "tts_queue_seconds", "From the request to its slot, loading included.", buckets=WAIT_S, registry=registry
        )
        self._lengths = Histogram(
            "py_model_connection_num_steps", "Frames made for a stream.", buckets=STEPS, registry=registry
        )
        self._cached = Counter("tts_cache", "Answers asked of CACHE_MB, by result.", ["result"], registry=registry)
        self._lock = threading.Lock()
        self._opened = 0
        registry.register(_Now(now, lambda: self._opened))

    def opened(self) -> None:
        with self._lock:
            self._opened += 1

    def refused(self) -> None:
        """Before there was a Speech."""
        self._requests.labels("queue_full").inc()

    def cached(self, result: str) -> None:
        """result: hit, or miss."""
        self._cached.labels(result).inc()

    def spoken(self, speech: Speech) -> None:
        """It is over, however it went."""
        self._requests.labels(speech.outcome).inc()
        self._audio.inc(speech.seconds)
        self._words.inc(speech.counts.words)
        self._characters.inc(len(speech.request.written))
        for remark in speech.remarks.listed:
            self._warnings.labels(remark.about.value).inc()
        if speech.first_audio_s is not None:
            self._first.observe(speech.first_audio_s)
        if speech.queue_s is not None:
            self._wait.observe(speech.queue_s)
            self._lengths.observe(speech.made_s / FRAME_S)
        if speech.complete and speech.pace is not None:
            self._pace.observe(speech.pace)

    def passage_done(self, retried: bool, flaws: Sequence[str]) -> None:
        """A passage of a job is kept. retried: it was said twice, as the first time had a flaw."""
        self._passages.labels("flawed" if flaws else "retried" if retried else "ok").inc()
        for flaw in flaws:
            self._flaws.labels(flaw).inc()

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)


class _Now(Collector):
    """What is asked at the time of asking."""

    def __init__(self, now: Callable[[], Figures], opened: Callable[[], int]) -> None:
        self._now, self._opened = now, opened

    def collect(self) -> Iterator[Metric]:
        now = self._now()
        engine = now.engine
        yield GaugeMetricFamily("tts_slots", "Slots in all.", engine.slots_total)
        yield GaugeMetricFamily("tts_slots_used", "Slots with an utterance in them.", engine.slots_used)
        yield GaugeMetricFamily("tts_queue_depth", "Utterances that wait for a slot.", engine.queue_depth)
        yield GaugeMetricFamily("tts_streams_open", "Streams open, speaking or waiting.", now.streams_open)
        yield GaugeMetricFamily("tts_model_loaded", "1 while the model is there.", int(now.loaded))
        yield GaugeMetricFamily(
            "tts_engine_memory_bytes", "The engine's, on the accelerator.", engine.memory_bytes or 0
        )
        yield CounterMetricFamily("tts_loads", "Loads of the model.", now.loads)
        yield CounterMetricFamily("tts_releases", "Releases of the model.", now.releases)
        steps = engine.steps
        yield CounterMetricFamily("tts_steps", "Batched steps since the last load.", steps.count)
        yield _step_durations(steps)
        yield _moshis(GaugeMetricFamily, "py_open_channels", "Slots with an utterance in them.", engine.slots_used)
        yield _moshis(UnknownMetricFamily, "py_connect", "Streams opened.", self._opened())
        yield _moshis(UnknownMetricFamily, "py_total_steps", "Batched steps since the last load.", steps.count)
        yield _moshis(UnknownMetricFamily, "py_active_steps", "The same: every step is made for some row.", steps.count)


def _step_durations(steps: StepTally) -> Metric:
    buckets = [(str(limit_s), float(count)) for limit_s, count in zip(STEP_S, steps.within, strict=True)]
    family = HistogramMetricFamily("py_model_step_duration", "Seconds that a batched step took, since the last load.")
    family.add_metric([], [*buckets, ("+Inf", float(steps.count))], steps.total_s)
    return family


def _moshis(
    kind: type[GaugeMetricFamily] | type[UnknownMetricFamily], name: str, about: str, value: float
) -> GaugeMetricFamily | UnknownMetricFamily:
    """One of moshi-server's, by its very name: a counter of this library's would be called `..._total`."""
    family = kind(name, about, labels=list(HANDLER))
    family.add_metric(list(HANDLER.values()), value)
    return family
