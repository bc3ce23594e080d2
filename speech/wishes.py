"""What a request asks for, against what the engine and the format take (settle). Knows no voice and no text."""

from __future__ import annotations

from dataclasses import replace

from speech.encoders import ENCODERS
from speech.engines.spec import EngineSpec
from speech.errors import InvalidRequest
from speech.request import SPEEDS, SpeechRequest


def settle(request: SpeechRequest, spec: EngineSpec) -> tuple[SpeechRequest, tuple[str, ...]]:
    """The request with the engine's defaults, and the names of fields that mean nothing to it and are left out.

    Raises InvalidRequest for a value that cannot be had.
    """
    _check_audio(request)
    ignored = []
    cfg_coef = request.cfg_coef
    if not spec.cfg_coefs and cfg_coef is not None:
        ignored.append("cfg_coef")
        cfg_coef = None
    elif spec.cfg_coefs:
        cfg_coef = spec.default_cfg_coef if cfg_coef is None else cfg_coef
        if cfg_coef not in spec.cfg_coefs:
            allowed = ", ".join(map(str, spec.cfg_coefs))
            raise InvalidRequest(f"cfg_coef must be one of {allowed}.", param="cfg_coef")
    if not spec.sampling:
        ignored += [name for name in ("temperature", "top_k") if getattr(request, name) is not None]
        request = replace(request, temperature=None, top_k=None)
    return replace(request, cfg_coef=cfg_coef), tuple(ignored)


def _check_audio(request: SpeechRequest) -> None:
    """Raises InvalidRequest for a format, bit rate or speed that cannot be had."""
    if request.format not in ENCODERS:
        raise InvalidRequest(f"format must be one of {', '.join(ENCODERS)}.", param="format")
    bitrates = ENCODERS[request.format].bitrates
    if request.bitrate is not None:
        if bitrates is None:
            raise InvalidRequest(f"{request.format} has no bit rate.", param="bitrate")
        if not bitrates.lowest <= request.bitrate <= bitrates.highest:
            raise InvalidRequest(
                f"bitrate must be from {bitrates.lowest} to {bitrates.highest} kbit/s for {request.format}.",
                param="bitrate",
            )
    rates = ENCODERS[request.format].rates
    if request.sample_rate is not None and request.sample_rate not in rates:
        allowed = f"one of {', '.join(map(str, rates))} Hz" if rates else "left out"
        raise InvalidRequest(f"sample_rate must be {allowed} for {request.format}.", param="sample_rate")
    slowest, fastest = SPEEDS
    if not slowest <= request.speed <= fastest:
        raise InvalidRequest(f"speed must be from {slowest} to {fastest}.", param="speed")
