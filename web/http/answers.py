"""What endpoints answer in JSON, for the document. More fields may come; those that are here stay."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, RootModel


class HealthAnswer(BaseModel):
    status: Literal["ok"]
    service: Literal["kyutai-tts"]
    version: str
    engine: str
    engine_reason: str
    model_loaded: bool
    state: str
    last_error: str | None
    draining: bool


class ReadyAnswer(BaseModel):
    ready: bool
    draining: bool
    failed: bool


class BalancerAnswer(BaseModel):
    draining: bool


class LoadingAnswer(BaseModel):
    doing: str
    done: float
    total: float
    seconds: float
    seconds_left: float | None


class GpuAnswer(BaseModel):
    """Sizes in GB (1e9 bytes), times in seconds. slots_total: MAX_SLOTS; where that leaves it to the engine, what the
    engine chose, and 0 while it is not loaded."""

    available: bool
    device: str
    device_name: str
    engine: str
    engine_reason: str
    state: Literal["unloaded", "loading", "ready", "unloading", "failed"]
    model_loaded: bool
    memory_used_gb: float | None
    memory_total_gb: float | None
    model_memory_gb: float | None
    slots_total: int
    slots_used: int
    queue_depth: int
    streams_open: int
    idle_timeout_s: float
    seconds_until_release: float | None
    load_seconds: float | None
    loading: LoadingAnswer | None
    last_error: str | None
    loads: int
    releases: int


class GpuDoneAnswer(GpuAnswer):
    message: str


class ReleasedAnswer(GpuDoneAnswer):
    released: bool


class VoiceAnswer(BaseModel):
    """made: from a recording that was sent here; DELETE removes it. made_at: seconds since 1970; null unless made."""

    id: str
    name: str
    language: str
    licence: str
    commercial: bool
    set: str
    gender: str | None
    style: str | None
    cached: bool
    size_bytes: int | None
    made: bool
    made_at: float | None


class FaultAnswer(BaseModel):
    """What may spoil a voice. code: silent, quiet, little_speech, clipped, noisy or noise."""

    code: str
    message: str


class ClonedAnswer(VoiceAnswer):
    """seconds: of the recording, which is not kept. warnings: what was measured; music and a second speaker are not."""

    seconds: float
    warnings: list[FaultAnswer]


class VoicesAnswer(BaseModel):
    voices: list[VoiceAnswer]
    default: str | None


class BitratesAnswer(BaseModel):
    """kbit/s."""

    lowest: int
    highest: int
    default: int


class FormatAnswer(BaseModel):
    """sample_rates: Hz that can be asked for; none if there is no choice."""

    name: str
    media_type: str
    sample_rates: list[int]
    bitrates: BitratesAnswer | None


class FormatsAnswer(BaseModel):
    formats: list[FormatAnswer]


class LinkAnswer(BaseModel):
    """expires_at: seconds since 1970; null where no key is needed and the address stays good."""

    url: str
    expires_at: int | None


class EngineAnswer(BaseModel):
    """cfg_coefs: the values it takes; none if the field means nothing to it. sampling: so it is with temperature.
    needs_gpu: it is made for a GPU; without one it speaks far slower than real time, if at all."""

    name: str
    label: str
    model: str
    languages: list[str]
    sample_rate: int
    needs_gpu: bool
    cfg_coefs: list[float]
    default_cfg_coef: float | None
    sampling: bool


class NamedFormat(BaseModel):
    name: str
    media_type: str


class StepUpAnswer(BaseModel):
    """An engine that would speak better on this machine. setting: what the operator sets for it. disk_gb: its packages;
    download_min_gb, download_max_gb: what its first request fetches, by language."""

    engine: str
    label: str
    languages: list[str]
    setting: str
    disk_gb: float
    download_min_gb: float
    download_max_gb: float


class InfoAnswer(BaseModel):
    """cloning: voices can be made from recordings (POST /api/voices/clone). step_up: null where there is none."""

    service: Literal["kyutai-tts"]
    version: str
    engine: EngineAnswer
    formats: list[NamedFormat]
    max_text_chars: int
    cloning: bool
    step_up: StepUpAnswer | None


class WarningAnswer(BaseModel):
    """A part of the text that is not said, or not as it asks. code: see docs/reading.md."""

    code: str
    text: str
    message: str


class ReadWord(BaseModel):
    written: str
    spoken: str
    start: int
    stop: int


class ReadingAnswer(BaseModel):
    language: str
    spoken: str
    words: list[ReadWord]
    warnings: list[WarningAnswer]


class OpenAIModel(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class OpenAIModels(BaseModel):
    object: Literal["list"]
    data: list[OpenAIModel]


class Named(BaseModel):
    id: str
    name: str


class OpenAIAudioModels(BaseModel):
    models: list[Named]


class OpenAIVoice(Named):
    language: str
    gender: str | None


class OpenAIVoices(BaseModel):
    object: Literal["list"]
    data: list[OpenAIVoice]
    voices: list[OpenAIVoice]


class BuildAnswer(BaseModel):
    build_timestamp: str
    build_date: str
    git_describe: str


class ModuleAnswer(BaseModel):
    type: Literal["py"]
    path: str
    script: str
    used_slots: str
    total_slots: str


class ModulesAnswer(RootModel[list[ModuleAnswer]]):
    """One for each path that speaks."""


class JobAnswer(BaseModel):
    """passages_done of passages_total are spoken; audio_s: seconds of them. Times are seconds since 1970. reason: why
    it is paused or failed; empty otherwise. passages_flawed: how many have `flaws`."""

    id: str
    title: str
    state: Literal["queued", "running", "paused", "done", "failed", "cancelled"]
    reason: str
    passages_done: int
    passages_total: int
    passages_flawed: int
    audio_s: float
    voice: str
    format: str
    created_at: float
    changed_at: float


class ChapterAnswer(BaseModel):
    """Numbers count from 0. audio_s: made so far; once it is complete, with its pauses. start_s: where it begins in the
    audio of the whole; null while that is not known."""

    number: int
    title: str
    first_passage: int
    passages_done: int
    passages_total: int
    audio_s: float
    start_s: float | None


class JobProgressAnswer(JobAnswer):
    """seconds_left: until it is done; null where that is not known. warnings: of the text, as everywhere."""

    seconds_left: float | None
    chapters: list[ChapterAnswer]
    warnings: list[WarningAnswer]


class JobsAnswer(BaseModel):
    """total: how many there are in all."""

    jobs: list[JobAnswer]
    total: int


class PassageAnswer(BaseModel):
    """Numbers count from 0. audio_s: null while it is missing; start_s: where its sound begins in the whole, or null.
    words of which words_spoken were told by the engine; an engine without times of words tells none. retried: it was
    said twice, as the first time had a flaw. flaws: those that are left."""

    number: int
    chapter: int
    text: str
    voice: str
    seed: int | None
    done: bool
    audio_s: float | None
    start_s: float | None
    words: int
    words_spoken: int | None
    retried: bool
    flaws: list[Literal["words_missing", "too_long", "silent", "clipped"]]


class PassagesAnswer(BaseModel):
    """total: how many the job has."""

    passages: list[PassageAnswer]
    total: int
