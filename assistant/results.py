"""What the tools answer. The fields' descriptions go to the client as the output schemas."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Backend = Literal["service", "this process"]


class SpokenFile(BaseModel):
    """An audio file that was written."""

    status: Literal["success"] = Field("success", description="The file is there, whole.")
    output_path: str = Field(description="Absolute path of the audio file.")
    duration_seconds: float = Field(description="Length of the speech.")
    voice: str | None = Field(description="Id of the voice that was asked for; null: the default voice.")
    backend: Backend = Field(description="Who spoke: the running service, or this MCP server's own process.")
    ignored: list[str] = Field(description="Arguments that the engine does not know and left aside.")


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
