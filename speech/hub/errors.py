"""What the errors of huggingface_hub mean for a user of ours, and which of them another try can mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.errors import NO_ROOM, EngineFailed, SpeechError, StorageFull, Unavailable

FORBIDDEN = (401, 403)


@dataclass(frozen=True)
class Wanted:
    """What was to be fetched, for the messages."""

    repo: str
    missing: Sequence[str]  # files; empty: the list of files itself
    cache_dir: Path
    revision: str | None = None  # the commit; None: the newest


def explain(error: Exception, wanted: Wanted) -> SpeechError:
    """The error to raise instead. Unavailable: it may go better later. EngineFailed: a person must change something."""
    from huggingface_hub import errors

    match error:
        case errors.LocalEntryNotFoundError() | errors.OfflineModeIsEnabled():
            return unreachable(wanted, reason(error.__cause__ or error))
        case errors.EntryNotFoundError() | errors.RevisionNotFoundError():
            return EngineFailed(f"{wanted.repo} lacks a file that is needed. {reason(error)}")
        case errors.HfHubHTTPError() if status(error) in (*FORBIDDEN, 404):
            return EngineFailed(
                f"The hub gives no access to {wanted.repo}: there is no such repository, or it needs a token "
                f"(HF_TOKEN). {reason(error)}"
            )
        case errors.HFValidationError():
            return EngineFailed(f"{wanted.repo!r} is no name of a repository on the hub.")
        case ValueError() if "SOCKS" in str(error):
            return EngineFailed(
                "A proxy of the kind socks5:// is set (ALL_PROXY, HTTPS_PROXY). It needs the package PySocks, which "
                "is not installed: pip install PySocks."
            )
        case OSError() if error.errno is not None:
            return _of_the_disk(error, wanted.cache_dir)
        case _:
            return unreachable(wanted, reason(error))


def unreachable(wanted: Wanted, why: str) -> Unavailable:
    """Not here and not to be had: what is missing, and how to bring it by hand."""
    if not wanted.missing:
        return Unavailable(f"The list of files of {wanted.repo} cannot be had from the hub ({why}).")
    names = " ".join([*wanted.missing, *(("--revision", wanted.revision) if wanted.revision else ())])
    return Unavailable(
        f"Not on this machine, and not to be had from the hub ({why}): {', '.join(wanted.missing)} of {wanted.repo}. "
        f"By hand: on a machine with a connection run `hf download {wanted.repo} {names}`, then "
        f"copy models--{wanted.repo.replace('/', '--')} from its cache into {wanted.cache_dir}."
    )


def _of_the_disk(error: OSError, cache_dir: Path) -> SpeechError:
    if error.errno in NO_ROOM:
        return StorageFull(f"The disk of {cache_dir} is full. Make room, or set HF_HOME to a folder on a larger one.")
    return EngineFailed(f"{cache_dir} cannot be written. {reason(error)}")


def is_cut(error: Exception) -> bool:
    """A connection that broke or a file that came short: going on from there may help."""
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    if isinstance(error, LocalEntryNotFoundError):  # what the hub raises when it cannot be asked any more
        return True
    return (
        isinstance(error, OSError)
        and error.errno is None  # the disk's errors have a number, those of the connection have none
        and not isinstance(error, (HfHubHTTPError, OfflineModeIsEnabled))
    )


def is_forbidden(error: Exception) -> bool:
    return status(error) in FORBIDDEN


def status(error: Any) -> int | None:
    """The HTTP status the hub answered with, if it answered."""
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


def reason(error: BaseException) -> str:
    """One short line."""
    cause = _innermost(error)
    return f"{type(cause).__name__}: {' '.join(str(cause).split())[:300]}"


def _innermost(error: BaseException) -> BaseException:
    """requests wraps urllib3's MaxRetryError, which wraps what happened; the outer ones are mostly addresses."""
    inside = getattr(error, "reason", None) or next(iter(error.args), None)
    return _innermost(inside) if isinstance(inside, BaseException) else error
