"""Where this installation keeps its .env and its folders: a checkout in itself, an installed copy in the user's data.

Nothing is ever written beside an installed copy's own files: they belong to the tool that installed them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "kyutai-tts"


def home(environ: Mapping[str, str], root: Path = ROOT) -> Path:
    """KYUTAI_TTS_HOME; else the checkout; else $XDG_DATA_HOME/kyutai-tts, ~/.local/share/kyutai-tts. Absolute.

    root: the folder that holds app.py.
    """
    if named := environ.get("KYUTAI_TTS_HOME"):
        return Path(named).expanduser().absolute()
    if (root / "pyproject.toml").is_file():
        return root
    data = Path(environ.get("XDG_DATA_HOME", ""))
    if not data.is_absolute():  # the specification: a relative one is left aside
        data = Path.home() / ".local" / "share"
    return data / NAME


def env_file(environ: Mapping[str, str]) -> Path:
    """The file of settings. It may not exist."""
    return home(environ) / ".env"
