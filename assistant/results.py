"""What the tools answer. The fields' descriptions go to the client as the output schemas."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Backend = Literal["service", "this process"]


class SpokenFile(BaseModel):
    """An audio file that was written, or that a job will make."""

    status: Literal["success", "started"] = Field(
        description="success: the file is there, whole. started: a job says the text; call get_speech_job."
    )
    output_path: str = Field(description="Absolute path of the audio file; get_speech_job writes that of a job.")
    duration_seconds: float = Field(description="Length of the speech; 0 for a job that was started.")
    job_id: str | None = Field(None, description="Of the job that was started: what get_speech_job takes.")
    voice: str | None = Field(description="Id of the voice that was asked for; null: the default voice.")
    backend: Backend = Field(description="Who spoke: the running service, or this MCP server's own process.")
    ignored: list[str] = Field(description="Arguments that the engine does not know and left aside.")


class SpeechJob(BaseModel):
    """A long text that the service says."""

    job_id: str
    state: Literal["queued", "running", "paused", "done", "failed", "cancelled"]
    reason: str = Field(description="Why it is paused or failed.")
    passages_done: int
    passages_total: int
    audio_s: float = Field(description="Seconds of speech that are made.")
    seconds_left: float | None = Field(description="Until it is done, as far as is known.")
    output_path: str | None = Field(description="Absolute path of the audio file, once the job is done.")


class GpuStatus(BaseModel):
    """The process that owns the model, or would load it."""

    available: bool = Field(description="An NVIDIA GPU is used for speech.")
    model_loaded: bool = Field(description="The speech model is in memory now.")
    memory_used_gb: float | None = Field(description="GPU memory in use by all programs; null without a GPU.")
    memory_total_gb: float | None = Field(description="GPU memory there is; null without a GPU.")
    backend: Backend = Field(description="Who owns the model: the running service, or this MCP server's own process.")
    engine: str = Field(description="What speaks, by its name in the setting ENGINE.")
    device: str = Field(description="Where it runs: cpu, or cuda:N.")
    state: str = Field(description="unloaded, loading, ready, unloading or failed.")


class Released(BaseModel):
    """What became of the model."""

    status: str = Field(description="What was done.")
    released: bool = Field(description="False if nothing was loaded.")
    backend: Backend = Field(description="Whose model it was.")


class VoiceInfo(BaseModel):
    id: str = Field(description="What text_to_speech takes as voice.")
    name: str
    language: str = Field(description="ISO 639-1, such as en or fr.")
    gender: str | None
    style: str | None
    licence: str = Field(description="Licence of the recording.")


class VoiceList(BaseModel):
    """Some of the voices that fit."""

    voices: list[VoiceInfo]
    total: int = Field(description="How many fit; narrow the query if that is more than were listed.")
    default: str = Field(description="Id of the voice that speaks when none is named.")
