"""What a setting may be, where a plain type does not say it: lists, pairs, keys, networks, addresses, levels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from speech.addresses import is_address


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], BeforeValidator(_split)]


def _pairs(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [[side.strip() for side in part.partition("=")[::2]] for part in value.split(",") if part.strip()]
    if not all(name and meaning for name, meaning in pairs):
        raise ValueError("each part must be NAME=VALUE")
    return dict(pairs)


Paired = Annotated[dict[str, str], BeforeValidator(_pairs)]


def key_digests(parts: Iterable[str], unnamed: str = "key") -> dict[str, str]:
    """KEY or NAME:KEY each -> the SHA-256 of each key in hexadecimal, by its name.

    unnamed: what a key without a name is called, with its number. Raises ValueError; its message holds no key.
    """
    digests: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        name, colon, key = part.partition(":")
        name, key = (name.strip(), key.strip()) if colon else (f"{unnamed}-{number}", part)
        if not name or not key or name in digests:
            raise ValueError("each part must be KEY or NAME:KEY, no name twice")
        digests[name] = sha256(key.encode()).hexdigest()
    return digests


def _digests(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    digests = key_digests(filter(None, map(str.strip, value.split(","))))
    if not digests:
        raise ValueError("there is no key in it; leave it unset where no key is needed")
    return digests


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each an address or a network as the `ipaddress` module writes it. Raises ValueError."""
    try:
        networks = [ip_network(value, strict=False) for value in values]
    except ValueError:
        raise ValueError("each part must be an IP address or a network such as 10.0.0.0/8") from None
    if not all(network.prefixlen for network in networks):
        raise ValueError("a network of all addresses would let every client name its own; name the proxies")
    return tuple(map(str, networks))


Networks = Annotated[Listed, AfterValidator(_networks)]


def _address(value: str) -> str:
    """An IP address without the brackets that URLs put around one, or localhost. Raises ValueError."""
    bare = value.removeprefix("[").removesuffix("]")
    if bare != "localhost":
        try:
            ip_address(bare)
        except ValueError:
            raise ValueError(
                "must be an IP address such as 0.0.0.0, 127.0.0.1 or ::, or localhost "
                "(conda and tcsh set HOST to the name of a machine; unset it there)"
            ) from None
    return bare


Address = Annotated[str, AfterValidator(_address)]


def _services(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(is_address, values)):
        raise ValueError("each must be an address with http:// or https://, such as http://127.0.0.1:8900")
    return values


WebAddress = Annotated[str, AfterValidator(lambda url: _services((url,))[0])]
Services = Annotated[Listed, AfterValidator(_services)]


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each as browsers send it, without a path; a slash at the end is dropped. Raises ValueError."""
    if not all(_ORIGIN.fullmatch(value) for value in values):
        raise ValueError("each part must be an origin such as https://app.example.org, null, or * for all")
    return tuple(value.removesuffix("/") for value in values)


_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^\s/]+/?")
Origins = Annotated[Listed, AfterValidator(_origins)]


def fits(pattern: str, told: str) -> AfterValidator:
    """A text that is no match is refused with what it must be."""
    known = re.compile(pattern)

    def check(value: str) -> str:
        if not known.fullmatch(value):
            raise ValueError(f"must be {told}")
        return value

    return AfterValidator(check)


EngineName = Annotated[str, fits("[a-z0-9_-]+", "auto or the name of an engine, in small letters")]
Device = Annotated[str, fits(r"auto|cpu|cuda(:\d+)?", "auto, cpu, cuda, or cuda:N for the GPU of that number")]
ModelName = Annotated[str, fits("[A-Za-z0-9_-]+", "the name of a model")]
ServiceName = Annotated[str, fits("[A-Za-z0-9 _-]{1,60}", "1 to 60 letters, digits, blanks, - and _")]


def _level(value: Any) -> Any:
    """WARN, INFO and the like, as other programs take them."""
    return {"warn": "warning"}.get(value.lower(), value.lower()) if isinstance(value, str) else value


Keyed = Annotated[dict[str, str], BeforeValidator(_digests)]
Level = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_level)]
